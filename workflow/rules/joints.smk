# Named joints from keypoints, where some frames of the study are labelled.


rule fit_joints:
    input:
        config="results/config/joints/{experiment}.json",
        sheet="results/config/sheets/joints/{experiment}.tsv",
        keypoints=get_results(KEYPOINTS, study.list_fit_sessions),
        joints=get_results(JOINTS, study.list_fit_sessions),
    output:
        model="results/experiments/{experiment}/joints/model.npz",
        summary="results/experiments/{experiment}/joints/fit.json",
    log:
        "results/logs/fit_joints/{experiment}.log",
    benchmark:
        "results/benchmarks/fit_joints/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(60),
    params:
        revision=2,
        keypoints=pair_sessions("keypoints", study.list_fit_sessions),
        joints=pair_sessions("joints", study.list_fit_sessions),
        role=lambda wildcards: study.config.experiments[wildcards.experiment].description.role,
    message:
        "Fit joints to the keypoints of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d fit-joints --config {input.config:q} --sessions {input.sheet:q} --keypoints {params.keypoints:q} "
        "--joints {params.joints:q} --role {params.role} --output {output.model:q} --summary {output.summary:q} 2> {log:q}"


rule predict_joints:
    input:
        model=rules.fit_joints.output.model,
        keypoints=KEYPOINTS,
        frames=get_frames,
    output:
        "results/experiments/{experiment}/joints/{session}.parquet",
    log:
        "results/logs/predict_joints/{experiment}/{session}.log",
    benchmark:
        "results/benchmarks/predict_joints/{experiment}/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(2000),
        runtime=grow_time(30),
    params:
        revision=1,
    message:
        "Find the joints of session {wildcards.session} from its keypoints of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d predict-joints --model {input.model:q} --keypoints {input.keypoints:q} --frames {input.frames:q} "
        "--output {output:q} 2> {log:q}"


rule measure_kinematics:
    input:
        config="results/config/kinematics.json",
        joints=rules.predict_joints.output,
    output:
        "results/experiments/{experiment}/kinematics/{session}.parquet",
    log:
        "results/logs/measure_kinematics/{experiment}/{session}.log",
    benchmark:
        "results/benchmarks/measure_kinematics/{experiment}/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(1000),
        runtime=grow_time(10),
    params:
        revision=1,
    message:
        "Measure angles, lengths and speeds in session {wildcards.session}"
    shell:
        "python -m bkind3d measure-kinematics --config {input.config:q} --joints {input.joints:q} --output {output:q} 2> {log:q}"
