# What the rules need, asked of the study: every function returns files, or parameters made of them.


def get_cameras(wildcards):
    return list(study.cameras[wildcards.session])


def get_calibration(wildcards):
    return f"results/calibration/{study.sessions[wildcards.session].rig}.toml"


def get_given_cameras(wildcards):
    """The cameras of a given calibration, and how it is to be read where its file does not say it."""
    row = study.rigs[wildcards.rig]
    options = ["--size", *row.calibration_size.split()] if row.calibration_size else []
    options += [f"--format={row.calibration_format}"] if row.calibration_format else []
    options += [f"--subject={row.calibration_subject}"] if row.calibration_subject else []
    return sorted(study.list_rig_cameras(wildcards.rig)) + options


def get_video(wildcards):
    return study.find_videos(wildcards.session, wildcards.camera)


def get_videos(session):
    return [path for camera in study.cameras[session] for path in study.find_videos(session, camera)]


def get_frame_map(wildcards):
    text = study.cameras[wildcards.session][wildcards.camera].frame_map
    return study.find_path(text) if text else []


def get_mask(wildcards):
    text = study.cameras[wildcards.session][wildcards.camera].mask
    return study.find_path(text) if text else []


def get_survey_options(wildcards, input):
    """The options that say which frames of a video belong to the session, and where in its pictures the subject may be."""
    row = study.sessions[wildcards.session]
    given = {
        "--frame-map": input.get("frame_map"),
        "--mask": input.get("mask"),
        "--start": row.start,
        "--stop": row.stop,
    }
    return [str(part) for option, value in given.items() if value not in (None, []) for part in (option, value)]


def get_surveys(wildcards):
    return [f"results/survey/{wildcards.session}/{camera}.parquet" for camera in study.cameras[wildcards.session]]


def get_session_frames(experiment, session):
    folder = f"results/frames/{study.config.experiments[experiment].frames}/{session}"
    return [f"{folder}/{camera}.parquet" for camera in study.list_cameras(experiment, session)]


def get_frames(wildcards):
    return get_session_frames(wildcards.experiment, wildcards.session)


def get_training_frames(wildcards):
    sessions = study.list_sessions("train")
    return [path for session in sessions for path in get_session_frames(wildcards.experiment, session)]


def get_training_options(wildcards):
    """SESSION=PATH,PATH for every training session; the order of the sheets changes nothing."""
    sessions = sorted(study.list_sessions("train"))
    return pair_names(
        sessions,
        (",".join(sorted(get_session_frames(wildcards.experiment, session))) for session in sessions),
    )


def get_true_calibration(wildcards):
    """The truth of a simulated rig, which its calibration is compared with."""
    return f"results/simulation/truth/{wildcards.rig}/calibration.toml" if is_simulated(wildcards.rig) else []


def get_rig_file(column):
    """Finds a file that the sheet of rigs may name."""

    def find(wildcards):
        text = getattr(study.rigs[wildcards.rig], column)
        return study.find_path(text) if text else []

    return find


def get_known_of_rig(wildcards, input):
    """The options that say what is known of a rig beforehand."""
    given = {"--intrinsics": input.intrinsics, "--world-points": input.world_points, "--truth": input.truth}
    return [part for option, path in given.items() if path for part in (option, path)]


def is_simulated(rig):
    return rig in study.config.simulation.rigs and study.rigs[rig].board_videos.startswith(SIMULATION_FOLDER)


def get_joints(wildcards):
    return study.find_path(study.sessions[wildcards.session].joints)


def get_joints_options(wildcards):
    """How the file of the joints is to be read."""
    row = study.sessions[wildcards.session]
    rig = study.rigs[row.rig]
    return [f"--units={rig.units}", f"--up={rig.up}", *([f"--axes={row.joints_axes}"] if row.joints_axes else [])]


def get_behaviours(wildcards):
    sessions = study.list_action_sessions(wildcards.experiment)
    return [study.find_path(study.sessions[session].behaviours) for session in sessions]


def get_all_behaviours(wildcards):
    return [study.find_path(study.sessions[session].behaviours) for session in study.list_sessions(behaviours=True)]


def get_session_behaviours(wildcards):
    text = study.sessions[wildcards.session].behaviours
    return study.find_path(text) if text else []


def list_pose_sessions_with_behaviours(wildcards):
    return [name for name in study.list_pose_sessions(wildcards.experiment) if study.sessions[name].behaviours]


def get_pose_behaviours(wildcards):
    """Behaviours of the sessions with joints, to tell the errors of each apart."""
    return [study.find_path(study.sessions[name].behaviours) for name in list_pose_sessions_with_behaviours(wildcards)]


def list_judged_sessions(experiment):
    """Sessions whose keypoints are regressed to joints, or looked at where there are no joints."""
    return study.list_pose_sessions(experiment) or study.list_sessions("train", "test")


def list_labelled_sessions(experiment):
    """Sessions by whose keypoints behaviours are recognised; those at hand where there are none."""
    return study.list_action_sessions(experiment) or study.list_sessions("train", "test")


def list_labelled_sessions_with_joints(experiment):
    return [session for session in study.list_action_sessions(experiment) if study.sessions[session].joints]


def get_results(pattern, list_sessions):
    """Input function: the file of every session of an experiment, in `pattern`'s place of {session}."""

    def get_files(wildcards):
        sessions = list_sessions(wildcards.experiment)
        return [pattern.format(experiment=wildcards.experiment, session=session) for session in sessions]

    return get_files


def pair_sessions(name):
    """Params function: SESSION=PATH for every file of the input `name`; files are named for their sessions."""
    return lambda wildcards, input: [f"{Path(path).stem}={path}" for path in input.get(name)]


def get_session_files(session, experiments=tuple(study.config.experiments)):
    """What is shown of a session: everything but the tables."""
    row = study.sessions[session]
    files = [
        f"results/location/{session}.parquet",
        f"results/calibration/{row.rig}.parquet",
    ]
    files += [f"results/survey/{session}/{camera}.parquet" for camera in study.cameras[session]]
    files += [f"results/joints/{session}.parquet"] if row.joints else []
    for name in experiments:
        files += [
            f"results/experiments/{name}/keypoints/{session}.parquet",
            *get_session_frames(name, session),
        ]
    return files


def get_all_files(wildcards):
    """What is shown of all sessions. Written out in a rule, thousands of files would be compared with each other when the plan is made."""
    return [path for session in study.sessions for path in get_session_files(session)]


def get_shown_files(number):
    """Input function: what pictures show of an experiment, its first sessions, unseen ones before those trained on."""
    shown = [session for split in ("test", "predict", "train") for session in study.list_sessions(split)]

    def get_files(wildcards):
        return [path for session in shown[:number] for path in get_session_files(session, [wildcards.experiment])]

    return get_files


def get_settings_files(wildcards):
    """What is said of how the experiments were made, and what their keypoints are called."""
    names = [f"{section}/{name}" for name in study.config.experiments for section in ("experiments", "naming")]
    names += [f"framesets/{name}" for name in study.list_framesets()]
    return [f"results/config/{name}.json" for name in names]


def get_final_output(wildcards):
    """Everything that a run makes."""
    sessions, experiments = study.sessions, study.config.experiments
    pictured = experiments if study.config.report.pictures else []
    keypoints = "results/experiments/{experiment}/keypoints/{session}.parquet"
    return [
        "results/report.html",
        "results/doctor.html",
        *collect("results/sessions/{session}.html", session=sessions),
        *collect(keypoints, experiment=experiments, session=sessions),
        *collect(rules.plot_figures.output, experiment=experiments),
        *(
            str(export_path("results/exports", experiment, form, session))
            for experiment in experiments
            for form in study.config.export.formats
            for session in sessions
        ),
        *collect(rules.draw_overlays.output, experiment=pictured, session=sessions),
        *collect(rules.draw_contact_sheets.output, experiment=pictured),
        *rules.make_tables.output,
    ]


# Files of a table of the paper, after its name.
PAPER_ENDINGS = [".csv", ".md", ".tex", ".bars.svg", ".bars.png"]


def get_paper_results(wildcards):
    """What a table is made of: the judgements of its experiments."""
    table = study.config.paper[wildcards.table]
    files = ["pose.json", "errors.parquet"] if table.measure == "pose" else ["actions.json"]
    return collect("results/experiments/{experiment}/evaluation/{file}", experiment=table.rows, file=files)


def list_grid_sessions():
    """Sessions that the grid shows: unseen ones with true joints, or what there is."""
    tested = study.list_sessions("test", joints=True) or study.list_sessions("test", "train")
    return tested[:: max(len(tested) // 3, 1)][:3]


def get_grid_files(wildcards):
    experiments = list(study.config.paper[wildcards.table].grid)
    return [path for session in list_grid_sessions() for path in get_session_files(session, experiments)]


def get_paper_output(wildcards):
    """Every table with its figures; without any, a line that says where they come from."""
    if not study.config.paper:
        refuse("paper_tables: the settings name no table of the paper; choose some with --configfile, such as config/paper/human36m.yaml")
    grids = [name for name, table in study.config.paper.items() if table.grid and study.config.report.pictures]
    return [
        *collect("results/paper/{table}{ending}", table=study.config.paper, ending=PAPER_ENDINGS),
        *collect("results/paper/{table}.grid.png", table=grids),
    ]
