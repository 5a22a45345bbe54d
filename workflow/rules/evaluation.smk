# How good the keypoints are: joints regressed from them, behaviours recognised by them.
KEYPOINTS = "results/experiments/{experiment}/keypoints/{session}.parquet"
UNTRAINED = "results/experiments/{experiment}/untrained/{session}.parquet"
JOINTS = "results/joints/{session}.parquet"
FOUND_JOINTS = "results/experiments/{experiment}/joints/{session}.parquet"


rule import_joints:
    input:
        joints=get_joints,
        calibration=get_label_calibration,
        surveys=get_label_surveys,
    output:
        JOINTS,
    log:
        "results/logs/import_joints/{session}.log",
    benchmark:
        "results/benchmarks/import_joints/{session}.tsv"
    wildcard_constraints:
        session=one_of(study.list_sessions(joints=True)),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(1000),
        runtime=grow_time(10),
    params:
        revision=1,
        options=get_joints_options,
    message:
        "Read the joints of session {wildcards.session}"
    shell:
        "python -m bkind3d import-joints {input.joints:q} --keep-going {params.options:q} --output {output:q} 2> {log:q}"


rule regress_joints:
    input:
        config="results/config/evaluation/{experiment}.json",
        sheet="results/config/sheets/pose/{experiment}.tsv",
        keypoints=get_results(KEYPOINTS, list_judged_sessions),
        untrained=get_results(UNTRAINED, study.list_pose_sessions),
        joints=get_results(JOINTS, study.list_pose_sessions),
        behaviours=get_pose_behaviours,
        edges="results/experiments/{experiment}/training/edges.parquet",
    output:
        pose="results/experiments/{experiment}/evaluation/pose.json",
        errors="results/experiments/{experiment}/evaluation/errors.parquet",
        joints="results/experiments/{experiment}/evaluation/joints.parquet",
    log:
        "results/logs/regress_joints/{experiment}.log",
    benchmark:
        "results/benchmarks/regress_joints/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(60),
    params:
        revision=5,
        dataset=study.config.dataset,
        keypoints=pair_sessions("keypoints", list_judged_sessions),
        untrained=pair_sessions("untrained", study.list_pose_sessions),
        joints=pair_sessions("joints", study.list_pose_sessions),
        behaviours=pair_sessions("behaviours", list_pose_sessions_with_behaviours),
    message:
        "Regress joints from the keypoints of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d regress-joints --config {input.config:q} --name {wildcards.experiment} --dataset {params.dataset} "
        "--sessions {input.sheet:q} --keypoints {params.keypoints:q} --untrained {params.untrained:q} --joints {params.joints:q} "
        "--behaviours {params.behaviours:q} --edges {input.edges:q} --output {output.pose:q} --errors {output.errors:q} --joint-errors {output.joints:q} 2> {log:q}"


rule classify_actions:
    input:
        config="results/config/experiments/{experiment}.json",
        sheet="results/config/sheets/actions/{experiment}.tsv",
        keypoints=get_results(KEYPOINTS, list_labelled_sessions),
        joints=get_results(JOINTS, list_labelled_sessions_with_joints),
        found=get_results(FOUND_JOINTS, list_labelled_sessions_with_found_joints),
        behaviours=get_behaviours,
    output:
        actions="results/experiments/{experiment}/evaluation/actions.json",
        confusion="results/experiments/{experiment}/evaluation/confusion.parquet",
    log:
        "results/logs/classify_actions/{experiment}.log",
    benchmark:
        "results/benchmarks/classify_actions/{experiment}.tsv"
    conda:
        "../../environment.yaml"
    threads: 2
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(120),
    params:
        revision=2,
        dataset=study.config.dataset,
        keypoints=pair_sessions("keypoints", list_labelled_sessions),
        joints=pair_sessions("joints", list_labelled_sessions_with_joints),
        found=pair_sessions("found", list_labelled_sessions_with_found_joints),
        behaviours=pair_sessions("behaviours", study.list_action_sessions),
    message:
        "Recognise behaviours by the keypoints of experiment {wildcards.experiment}"
    shell:
        "python -m bkind3d classify-actions --config {input.config:q} --name {wildcards.experiment} --dataset {params.dataset} "
        "--sessions {input.sheet:q} --keypoints {params.keypoints:q} --joints {params.joints:q} --found-joints {params.found:q} "
        "--behaviours {params.behaviours:q} --output {output.actions:q} --confusion {output.confusion:q} 2> {log:q}"
