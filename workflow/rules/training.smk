# Models, learned from the frames of the training sessions alone.


rule train_model:
    input:
        config="results/config/training/{experiment}.json",
        sessions=f"results/config/{sections.TRAINING_SESSIONS}.json",
        frames=get_training_frames,
        joints=get_training_joints,
        weights=get_first_weights,
    output:
        model="results/experiments/{experiment}/training/model.pt",
        untrained="results/experiments/{experiment}/training/untrained.pt",
        history="results/experiments/{experiment}/training/history.parquet",
        edges="results/experiments/{experiment}/training/edges.parquet",
    log:
        "results/logs/train_model/{experiment}.log",
    benchmark:
        "results/benchmarks/train_model/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 8
    resources:
        mem_mb=grow_memory(16000),
        # Not more at another attempt: a training goes on where it was.
        runtime=2880,
    params:
        revision=TRAINING_REVISION,
        frames=get_training_options,
        store=subpath(output.model, ancestor=4),
    message:
        "Train the model of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d train-model --config {input.config:q} --frames {params.frames:q} --store {params.store}/models "
        "--output {output.model:q} --untrained {output.untrained:q} --history {output.history:q} --edges {output.edges:q} "
        "--threads {threads} 2> {log:q}"
