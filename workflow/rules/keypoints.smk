# Keypoints of every session, and those of the untrained network, which is a floor to be better than; clusters of movement in them.


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
        "python -m bkind3d predict-keypoints --keep-going --config {input.config:q} --model {input.model:q} --frames {input.frames:q} "
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


rule find_movements:
    input:
        config="results/config/movements.json",
        keypoints=get_results("results/experiments/{experiment}/keypoints/{session}.parquet", lambda experiment: study.sessions),
        behaviours=get_all_behaviours,
    output:
        "results/experiments/{experiment}/movements.parquet",
    log:
        "results/logs/find_movements/{experiment}.log",
    benchmark:
        "results/benchmarks/find_movements/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(30),
    params:
        revision=1,
        keypoints=pair_sessions("keypoints", lambda experiment: study.sessions),
        behaviours=pair_sessions("behaviours", lambda experiment: study.list_sessions(behaviours=True)),
    message:
        "Find clusters of movement in the keypoints of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d find-movements --config {input.config:q} --keypoints {params.keypoints:q} --behaviours {params.behaviours:q} "
        "--output {output:q} 2> {log:q}"
