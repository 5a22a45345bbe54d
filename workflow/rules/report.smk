# Pages that open in a browser: the report, and one page per session.


rule write_report:
    input:
        config="results/config/report.json",
        sessions="results/config/sheets/sessions.tsv",
        cameras="results/config/sheets/cameras.tsv",
        rigs="results/config/sheets/rigs.tsv",
        settings=get_settings_files,
        tables=rules.make_tables.output,
        evaluation=collect(
            "results/experiments/{experiment}/{file}.parquet",
            experiment=study.config.experiments,
            file=[
                "training/history",
                "training/edges",
                "evaluation/errors",
                "evaluation/joints",
                "evaluation/confusion",
                "movements",
            ],
        ),
        files=get_all_files,
    output:
        "results/report.html",
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
    params:
        experiments=list(study.config.experiments),
    message:
        "Write the report"
    shell:
        "python -m bkind3d write-report --config {input.config:q} --experiments {params.experiments} --sessions {input.sessions:q} "
        "--cameras {input.cameras:q} --rigs {input.rigs:q} --output {output:q} 2> {log:q}"


rule write_session_page:
    input:
        config="results/config/report.json",
        sessions="results/config/sessions/{session}/sessions.tsv",
        cameras="results/config/sessions/{session}/cameras.tsv",
        rigs="results/config/sessions/{session}/rigs.tsv",
        settings=get_settings_files,
        training=collect(
            "results/experiments/{experiment}/training/edges.parquet",
            experiment=study.config.experiments,
        ),
        files=lambda wildcards: get_session_files(wildcards.session),
        behaviours=get_session_behaviours,
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
    params:
        experiments=list(study.config.experiments),
        behaviours=lambda wildcards, input: ["--behaviours", input.behaviours] if input.behaviours else [],
    message:
        "Write the page of session {wildcards.session}"
    shell:
        "python -m bkind3d write-report --session {wildcards.session} --config {input.config:q} --experiments {params.experiments} "
        "--sessions {input.sessions:q} --cameras {input.cameras:q} --rigs {input.rigs:q} {params.behaviours:q} "
        "--output {output:q} 2> {log:q}"


rule examine_recordings:
    input:
        config="results/config/study.json",
        videos=[path for session in study.sessions for path in get_videos(session)],
        calibrations=collect("results/calibration/{rig}.toml", rig=study.rigs),
        locations=collect("results/location/{session}.parquet", session=study.sessions),
        frames=[path for session in study.sessions for path in get_session_frames(next(iter(study.config.experiments)), session)],
    output:
        "results/doctor.html",
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
        "python -m bkind3d doctor {input.config:q} --keep-going --page {output:q} > {log:q} 2>&1"
