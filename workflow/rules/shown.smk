# What is shown and handed over: the files of sessions, of a whole run, and of the paper's tables.


def get_session_files(session):
    """What the pages show of a session."""
    row = study.sessions[session]
    files = [
        f"results/location/{session}.parquet",
        "results/cube.json",
        f"results/calibration/{row.rig}.toml",
        f"results/calibration/{row.rig}.parquet",
        *get_session_surveys(session),
    ]
    files += [f"results/joints/{session}.parquet"] if row.joints else []
    return files + [path for name in study.config.experiments for path in get_keypoints_and_frames(name, session)]


def get_keypoints_and_frames(experiment, session):
    """What pictures show of a session."""
    return [
        f"results/experiments/{experiment}/keypoints/{session}.parquet",
        *get_session_joints(experiment, session),
        *get_session_frames(experiment, session),
    ]


#: Experiments by which joints are found. To ask for each session anew would take as long as all else of a plan of ten thousand.
FITTED = {name for name in study.config.experiments if study.list_fit_sessions(name)}


def get_session_joints(experiment, session):
    """The joints that are found of a session, where any are labelled."""
    return [f"results/experiments/{experiment}/joints/{session}.parquet"] if experiment in FITTED else []


def get_found_joints(wildcards):
    return get_session_joints(wildcards.experiment, wildcards.session)


def get_kinematics():
    """What is measured of joints, where anything is asked."""
    measured = [name for name in study.config.experiments if study.config.kinematics.is_asked and name in FITTED]
    return collect("results/experiments/{experiment}/kinematics/{session}.parquet", experiment=measured, session=study.sessions)


def get_all_files(wildcards):
    """What is shown of all sessions. Written out in a rule, thousands of files would be compared with each other when the plan is made."""
    return [path for session in study.sessions for path in get_session_files(session)]


def get_pictured_files(number):
    """Input function: what pictures show of an experiment, its first sessions."""
    return lambda wildcards: [
        path for session in study.list_shown(number) for path in get_keypoints_and_frames(wildcards.experiment, session)
    ]


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
        *get_kinematics(),
        *collect(rules.plot_figures.output, experiment=experiments),
        *(
            str(export_path("results/exports", experiment, form, session, kind))
            for experiment in experiments
            for kind in (["keypoints", "joints"] if experiment in FITTED else ["keypoints"])
            for form in study.config.export.formats
            for session in sessions
        ),
        *collect(rules.draw_overlays.output, experiment=pictured, session=sessions),
        *collect("results/videos/{experiment}/joints/{session}.mp4", experiment=filter(has_clicked_joints, pictured), session=sessions),
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


def get_grid_files(wildcards):
    """What the grid of a table shows of its experiments; pictures are those that the first one saw."""
    first, *others = study.config.paper[wildcards.table].grid
    sessions = study.list_grid_sessions()
    return [
        *(path for session in sessions for path in get_keypoints_and_frames(first, session)),
        *collect("results/experiments/{experiment}/keypoints/{session}.parquet", experiment=others, session=sessions),
        *collect("results/joints/{session}.parquet", session=[session for session in sessions if study.sessions[session].joints]),
    ]


def get_paper_output(wildcards):
    """Every table with its figures; without any, a line that says where they come from."""
    if not study.config.paper:
        refuse("paper_tables: the settings name no table of the paper; choose some with --configfile, such as config/paper/human36m.yaml")
    grids = [name for name, table in study.config.paper.items() if table.grid and study.config.report.pictures]
    return [
        *collect("results/paper/{table}{ending}", table=study.config.paper, ending=PAPER_ENDINGS),
        *collect("results/paper/{table}.grid.png", table=grids),
    ]
