# Where the cameras are: from videos of a board, or from a file that is given.
CALIBRATED = [name for name, row in study.rigs.items() if row.board_videos]


rule calibrate_cameras:
    input:
        config="results/config/calibration.json",
        board=lambda wildcards: f"results/config/boards/{study.rigs[wildcards.rig].board}.json",
        videos=lambda wildcards: [path for files in study.find_board_videos(wildcards.rig).values() for path in files],
        frame_maps=lambda wildcards: list(study.find_board_frame_maps(wildcards.rig).values()),
        intrinsics=get_rig_file("intrinsics"),
        world_points=get_rig_file("world_points"),
        truth=get_true_calibration,
    output:
        calibration="results/calibration/{rig}.toml",
        quality="results/calibration/{rig}.parquet",
    log:
        "results/logs/calibrate_cameras/{rig}.log",
    benchmark:
        "results/benchmarks/calibrate_cameras/{rig}.tsv"
    wildcard_constraints:
        rig=one_of(CALIBRATED),
    conda:
        "../../environment.yaml"
    threads: 2
    resources:
        mem_mb=grow_memory(4000),
        runtime=grow_time(120),
    params:
        revision=3,
        board=lambda wildcards: study.rigs[wildcards.rig].board,
        units=lambda wildcards: study.rigs[wildcards.rig].units,
        videos=lambda wildcards: [f"{name}={';'.join(files)}" for name, files in study.find_board_videos(wildcards.rig).items()],
        known=get_known_of_rig,
    message:
        "Calibrate the cameras of rig {wildcards.rig}"
    shell:
        "python -m bkind3d calibrate-cameras --config {input.config:q} --boards {input.board:q} --board {params.board} "
        "--units {params.units} --videos {params.videos:q} {params.known:q} "
        "--output {output.calibration:q} --quality {output.quality:q} 2> {log:q}"


rule import_calibration:
    input:
        lambda wildcards: study.find_path(study.rigs[wildcards.rig].calibration),
    output:
        calibration="results/calibration/{rig}.toml",
        quality="results/calibration/{rig}.parquet",
    log:
        "results/logs/import_calibration/{rig}.log",
    benchmark:
        "results/benchmarks/import_calibration/{rig}.tsv"
    wildcard_constraints:
        rig=one_of(name for name in study.rigs if name not in CALIBRATED),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(1000),
        runtime=grow_time(10),
    params:
        revision=1,
        units=lambda wildcards: study.rigs[wildcards.rig].units,
        up=lambda wildcards: study.rigs[wildcards.rig].up,
        cameras=get_given_cameras,
    message:
        "Read the given calibration of rig {wildcards.rig}"
    shell:
        "python -m bkind3d import-calibration {input:q} --units {params.units} --up={params.up} --cameras {params.cameras:q} "
        "--output {output.calibration:q} --quality {output.quality:q} 2> {log:q}"
