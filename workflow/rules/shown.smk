# What is shown and handed over: the files of sessions, of a whole run, and of the paper's tables.


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
