# Tables and figures of the paper: `snakemake paper_tables --configfile config/paper/NAME.yaml` runs the experiments that they name, and no others.


rule make_paper_table:
    input:
        config="results/config/paper/{table}.json",
        evaluation=get_paper_results,
    output:
        multiext("results/paper/{table}", *PAPER_ENDINGS),
    log:
        "results/logs/make_paper_table/{table}.log",
    benchmark:
        "results/benchmarks/make_paper_table/{table}.tsv"
    wildcard_constraints:
        table=one_of(study.config.paper),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    params:
        revision=1,
        folder=subpath(output[0], parent=True),
    message:
        "Make the table {wildcards.table} of the paper"
    shell:
        "python -m bkind3d make-paper-table --config {input.config:q} --name {wildcards.table} --output {params.folder:q} 2> {log:q}"


rule plot_paper_grid:
    input:
        table="results/config/paper/{table}.json",
        study="results/config/study.json",
        sessions=get_grid_files,
    output:
        "results/paper/{table}.grid.png",
    log:
        "results/logs/plot_paper_grid/{table}.log",
    benchmark:
        "results/benchmarks/plot_paper_grid/{table}.tsv"
    wildcard_constraints:
        table=one_of(study.config.paper),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    params:
        revision=1,
    message:
        "Draw keypoints and true joints for the table {wildcards.table}"
    shell:
        "python -m bkind3d plot-paper-grid --table {input.table:q} --study {input.study:q} --output {output:q} 2> {log:q}"


rule paper_tables:
    input:
        get_paper_output,
