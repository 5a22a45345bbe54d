# What is handed over: keypoints in the formats of other tools, overlay videos, contact sheets. One rule per format: some write a file, some a folder.
for form, ending in EXPORT_FORMATS.items():

    rule:
        name:
            f"export_{form.replace('-', '_')}"
        input:
            naming="results/config/naming/{experiment}.json",
            sessions="results/config/sessions/{session}/sessions.tsv",
            cameras="results/config/sessions/{session}/cameras.tsv",
            keypoints="results/experiments/{experiment}/keypoints/{session}.parquet",
            edges="results/experiments/{experiment}/training/edges.parquet",
            calibration=get_calibration,
            surveys=get_surveys,
        output:
            f"results/exports/{{experiment}}/{form}/{{session}}{ending}"
            if ending
            else directory(f"results/exports/{{experiment}}/{form}/{{session}}"),
        log:
            f"results/logs/export_{form}/{{experiment}}/{{session}}.log",
        benchmark:
            f"results/benchmarks/export_{form}/{{experiment}}/{{session}}.tsv"
        conda:
            "../../environment.yaml"
        threads: 2 if form in ("deeplabcut", "sleap") else 1
        resources:
            mem_mb=grow_memory(2000),
            runtime=grow_time(30),
        params:
            revision=2,
            form=form,
        message:
            f"Write session {{wildcards.session}} for {form}"
        shell:
            "python -m bkind3d export {params.form} --experiments {wildcards.experiment} --sessions {wildcards.session} 2> {log:q}"


rule draw_overlays:
    input:
        config="results/config/report.json",
        sessions="results/config/sessions/{session}/sessions.tsv",
        cameras="results/config/sessions/{session}/cameras.tsv",
        rigs="results/config/sessions/{session}/rigs.tsv",
        settings=get_settings_files,
        edges="results/experiments/{experiment}/training/edges.parquet",
        files=lambda wildcards: get_session_files(wildcards.session, [wildcards.experiment]),
    output:
        "results/videos/{experiment}/{session}.mp4",
    log:
        "results/logs/draw_overlays/{experiment}/{session}.log",
    benchmark:
        "results/benchmarks/draw_overlays/{experiment}/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 2
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(60),
    params:
        revision=2,
    message:
        "Draw the overlay video of session {wildcards.session}"
    shell:
        "python -m bkind3d draw-overlays --config {input.config:q} --experiments {wildcards.experiment} --session {wildcards.session} "
        "--sessions {input.sessions:q} --cameras {input.cameras:q} --rigs {input.rigs:q} --threads {threads} --output {output:q} 2> {log:q}"


rule draw_contact_sheets:
    input:
        config="results/config/report.json",
        sessions="results/config/sheets/sessions.tsv",
        cameras="results/config/sheets/cameras.tsv",
        rigs="results/config/sheets/rigs.tsv",
        settings=get_settings_files,
        files=get_shown_files(3),
    output:
        directory("results/contact_sheets/{experiment}"),
    log:
        "results/logs/draw_contact_sheets/{experiment}.log",
    benchmark:
        "results/benchmarks/draw_contact_sheets/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    params:
        revision=1,
    message:
        "Draw a contact sheet of every keypoint of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d draw-contact-sheets --config {input.config:q} --experiments {wildcards.experiment} --sessions {input.sessions:q} "
        "--cameras {input.cameras:q} --rigs {input.rigs:q} --output {output:q} 2> {log:q}"
