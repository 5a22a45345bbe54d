# Keypoints of every session, and those of the untrained network, which is a floor to be better than.


rule predict_keypoints:
    input:
        config="results/config/prediction/{experiment}.json",
        model="results/experiments/{experiment}/training/model.pt",
        frames=get_frames,
    output:
        "results/experiments/{experiment}/keypoints/{session}.parquet",
    log:
        "results/logs/predict_keypoints/{experiment}/{session}.log",
    benchmark:
        "results/benchmarks/predict_keypoints/{experiment}/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 2
    resources:
        mem_mb=grow_memory(8000),
        runtime=grow_time(240),
    params:
        revision=PREDICTION_REVISION,
    message:
        "Find the keypoints of session {wildcards.session} with the model of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d predict-keypoints --config {input.config:q} --model {input.model:q} --frames {input.frames:q} "
        "--output {output:q} --threads {threads} 2> {log:q}"


use rule predict_keypoints as predict_untrained with:
    input:
        config="results/config/prediction/{experiment}.json",
        model="results/experiments/{experiment}/training/untrained.pt",
        frames=get_frames,
    output:
        "results/experiments/{experiment}/untrained/{session}.parquet",
    log:
        "results/logs/predict_untrained/{experiment}/{session}.log",
    benchmark:
        "results/benchmarks/predict_untrained/{experiment}/{session}.tsv"
    message:
        "Find keypoints in session {wildcards.session} with the untrained network of experiment {wildcards.experiment}"
