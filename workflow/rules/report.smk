# Pages that open in a browser: the report, and one page per session.


rule write_report:
    input:
        study="results/config/study.json",
        tables=rules.make_tables.output,
        experiments=collect(
            "results/experiments/{experiment}/{file}",
            experiment=study.config.experiments,
            file=[
                "training/history.parquet",
                "training/edges.parquet",
                "evaluation/pose.json",
                "evaluation/joints.parquet",
                "evaluation/actions.json",
                "evaluation/confusion.parquet",
                "movements.parquet",
            ],
        ),
        joints=collect(
            "results/experiments/{experiment}/joints/fit.json", experiment=filter(study.list_fit_sessions, study.config.experiments)
        ),
        doctor="results/doctor.json",
        sessions=get_all_files,
    output:
        report("results/report.html", caption="../report/report.rst", category="Report"),
    log:
        "results/logs/write_report.log",
    benchmark:
        "results/benchmarks/write_report.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(60),
    message:
        "Write the report"
    shell:
        "python -m bkind3d write-report --study {input.study:q} --output {output:q} 2> {log:q}"


rule write_session_page:
    input:
        study="results/config/shown/{session}.json",
        edges=collect(
            "results/experiments/{experiment}/training/edges.parquet",
            experiment=study.config.experiments,
        ),
        session=lambda wildcards: get_session_files(wildcards.session),
        behaviours=get_session_behaviours,
        # What it says of this session changes with this session's files: another one's do not draw this page again.
        doctor=ancient("results/doctor.json"),
    output:
        "results/sessions/{session}.html",
    log:
        "results/logs/write_session_page/{session}.log",
    benchmark:
        "results/benchmarks/write_session_page/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    message:
        "Write the page of session {wildcards.session}"
    shell:
        "python -m bkind3d write-report --study {input.study:q} --session {wildcards.session} --output {output:q} 2> {log:q}"


rule examine_recordings:
    input:
        study="results/config/study.json",
        recordings=get_all_recordings,
        calibrations=collect("results/calibration/{rig}.toml", rig=study.rigs),
        locations=collect("results/location/{session}.parquet", session=study.sessions),
        surveys=[path for session in study.sessions for path in get_session_surveys(session)],
        frames=[path for session in study.sessions for path in get_session_frames(next(iter(study.config.experiments)), session)],
    output:
        page="results/doctor.html",
        checks="results/doctor.json",
    log:
        "results/logs/examine_recordings.log",
    benchmark:
        "results/benchmarks/examine_recordings.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(3000),
        runtime=grow_time(60),
    params:
        revision=1,
    message:
        "Examine the recordings"
    shell:
        "python -m bkind3d doctor {input.study:q} --keep-going --page {output.page:q} --checks {output.checks:q} > {log:q} 2>&1"
