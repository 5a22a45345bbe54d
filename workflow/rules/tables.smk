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
        pose=report("results/tables/pose.csv", caption="../report/pose.rst", category="Tables"),
        actions=report("results/tables/actions.csv", caption="../report/actions.rst", category="Tables"),
        labels=report("results/tables/labels.csv", caption="../report/labels.rst", category="Tables"),
        more=multiext("results/tables/labels", ".md", ".svg", ".png"),
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
        "--output-pose {output.pose:q} --output-actions {output.actions:q} --output-labels {output.labels:q} 2> {log:q}"


rule plot_figures:
    input:
        study="results/config/study.json",
        pose="results/tables/pose.csv",
        experiment=collect(
            "results/experiments/{{experiment}}/{file}",
            file=[
                "training/history.parquet",
                "training/edges.parquet",
                "evaluation/pose.json",
                "evaluation/confusion.parquet",
            ],
        ),
        sessions=get_pictured_files(1),
    output:
        report(
            collect(
                "results/figures/{{experiment}}.{name}",
                name=[
                    *collect("{name}.svg", name=["pose", "labels", "learning", "confusion", "skeleton"]),
                    *(["overlays.png", "animation.gif"] if study.config.report.pictures else []),
                ],
            ),
            caption="../report/figure.rst",
            category="Figures",
            subcategory="{experiment}",
        ),
        collect("results/figures/{{experiment}}.{name}.png", name=["pose", "labels", "learning", "confusion", "skeleton"]),
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
        "python -m bkind3d plot-figures --study {input.study:q} --experiments {wildcards.experiment} --output {params.folder:q} 2> {log:q}"
