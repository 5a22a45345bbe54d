# Keypoints in the formats of other tools: one rule per format, because some write a file and some a folder.
for form, ending in FORMATS.items():

    rule:
        name:
            f"export_{form.replace('-', '_')}"
        input:
            naming="results/config/naming/{experiment}.json",
            sessions="results/config/sheets/sessions.tsv",
            cameras="results/config/sheets/cameras.tsv",
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
        conda:
            "../../environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            revision=1,
            form=form,
        message:
            f"Write session {{wildcards.session}} for {form}"
        shell:
            "python -m bkind3d export {params.form} --experiments {wildcards.experiment} --sessions {wildcards.session} 2> {log:q}"
