# The numbers of all experiments: tables and figures.


rule make_tables:
    input:
        pose=collect(
            "results/experiments/{experiment}/evaluation/pose.json",
            experiment=study.config.experiments,
        ),
        actions=collect(
            "results/experiments/{experiment}/evaluation/actions.json",
            experiment=study.config.experiments,
        ),
    output:
        pose="results/tables/pose.csv",
        actions="results/tables/actions.csv",
    log:
        "results/logs/make_tables.log",
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(1000),
        runtime=grow_time(10),
    message:
        "Make the tables"
    shell:
        "python -m bkind3d make-tables --pose {input.pose:q} --actions {input.actions:q} "
        "--output-pose {output.pose:q} --output-actions {output.actions:q} 2> {log:q}"


rule plot_figures:
    input:
        config="results/config/report.json",
        sessions="results/config/sheets/sessions.tsv",
        cameras="results/config/sheets/cameras.tsv",
        rigs="results/config/sheets/rigs.tsv",
        settings=get_settings_files,
        tables=rules.make_tables.output,
        evaluation=collect(
            "results/experiments/{{experiment}}/{file}.parquet",
            file=["training/history", "training/edges", "evaluation/confusion"],
        ),
        files=get_shown_files(1),
    output:
        collect(
            "results/figures/{{experiment}}.{name}",
            name=[
                *collect(
                    "{name}.{ending}",
                    name=["pose", "labels", "learning", "confusion", "skeleton"],
                    ending=["svg", "png"],
                ),
                *(["overlays.png", "animation.gif"] if study.config.report.pictures else []),
            ],
        ),
    log:
        "results/logs/plot_figures/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_figures/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    params:
        folder=subpath(output[0], parent=True),
    message:
        "Plot the figures of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d plot-figures --config {input.config:q} --experiments {wildcards.experiment} --sessions {input.sessions:q} "
        "--cameras {input.cameras:q} --rigs {input.rigs:q} --output {params.folder:q} 2> {log:q}"
