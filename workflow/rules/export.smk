# What is handed over: keypoints in the formats of other tools, overlay videos, contact sheets. One rule per format: some write a file, some a folder.
# What is handed over, and what the rules that do it are called besides.
KINDS = {"keypoints": "", "joints": "_joints"} if any(map(study.list_fit_sessions, study.config.experiments)) else {"keypoints": ""}
for (kind, suffix), (form, ending) in itertools.product(KINDS.items(), EXPORT_FORMATS.items()):

    rule:
        name:
            f"export_{form.replace('-', '_')}{suffix}"
        input:
            study="results/config/exported/{session}.json",
            keypoints=f"results/experiments/{{experiment}}/{kind}/{{session}}.parquet",
            edges="results/experiments/{experiment}/training/edges.parquet" if kind == "keypoints" else [],
            calibration=get_calibration,
            surveys=get_surveys,
            # NWB says when a recording began, and which frame is the first in each file of a video.
            videos=get_session_videos if form == "nwb" else [],
        output:
            (str if ending else directory)(str(export_path("results/exports", "{experiment}", form, "{session}", kind))),
        log:
            f"results/logs/export_{form}{suffix}/{{experiment}}/{{session}}.log",
        benchmark:
            f"results/benchmarks/export_{form}{suffix}/{{experiment}}/{{session}}.tsv"
        conda:
            "../../environment.yaml"
        threads: 2 if form in ("deeplabcut", "sleap") else 1
        resources:
            mem_mb=grow_memory(2000),
            runtime=grow_time(30),
        params:
            revision=2,
            form=form,
            kind="--joints" if kind == "joints" else "",
        message:
            f"Write the {kind} of session {{wildcards.session}} for {form}"
        shell:
            "python -m bkind3d export {params.form} --study {input.study:q} --experiments {wildcards.experiment} --sessions {wildcards.session} {params.kind} 2> {log:q}"


for kind, suffix in KINDS.items():

    rule:
        name:
            f"draw_overlays{suffix}"
        input:
            study="results/config/shown/{session}.json",
            edges="results/experiments/{experiment}/training/edges.parquet" if kind == "keypoints" else [],
            keypoints=f"results/experiments/{{experiment}}/{kind}/{{session}}.parquet",
            frames=get_frames,
        output:
            f"results/videos/{{experiment}}/{'joints/' if kind == 'joints' else ''}{{session}}.mp4",
        log:
            f"results/logs/draw_overlays{suffix}/{{experiment}}/{{session}}.log",
        benchmark:
            f"results/benchmarks/draw_overlays{suffix}/{{experiment}}/{{session}}.tsv"
        conda:
            "../../environment.yaml"
        threads: 2
        resources:
            mem_mb=grow_memory(2000),
            runtime=grow_time(60),
        params:
            revision=2,
            kind="--joints" if kind == "joints" else "",
        message:
            f"Draw the overlay video of the {kind} of session {{wildcards.session}}"
        shell:
            "python -m bkind3d draw-overlays --study {input.study:q} --experiment {wildcards.experiment} --session {wildcards.session} "
            "{params.kind} --threads {threads} --output {output:q} 2> {log:q}"


rule draw_contact_sheets:
    input:
        study="results/config/study.json",
        sessions=get_pictured_files(3),
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
        "python -m bkind3d draw-contact-sheets --study {input.study:q} --experiment {wildcards.experiment} --output {output:q} 2> {log:q}"
