# Rendered recordings: one pair of rules per rig, because rigs differ in their number of cameras.
for rig, settings in study.config.simulation.rigs.items():

    rule:
        name:
            f"simulate_board_{rig}"
        input:
            config=f"results/config/simulation/rigs/{rig}.json",
            boards=f"results/config/boards/{settings.board}.json",
        output:
            videos=collect(
                "results/simulation/recordings/{rig}_board/{camera}.mp4",
                rig=rig,
                camera=list_simulated_cameras(study.config, rig),
            ),
            calibration=f"results/simulation/truth/{rig}/calibration.toml",
        log:
            f"results/logs/simulate_board/{rig}.log",
        benchmark:
            f"results/benchmarks/simulate_board/{rig}.tsv"
        conda:
            "../../environment.yaml"
        threads: 1
        resources:
            mem_mb=grow_memory(2000),
            runtime=grow_time(60),
        params:
            revision=1,
            rig=rig,
            folder=subpath(output.calibration, ancestor=3),
        message:
            f"Film the calibration board with the simulated rig {rig}"
        shell:
            "python -m bkind3d simulate-board --config {input.config:q} --boards {input.boards:q} --rig {params.rig} --workers {threads} "
            "--recordings {params.folder}/recordings --truth {params.folder}/truth 2> {log:q}"

    rule:
        name:
            f"simulate_session_{rig}"
        input:
            config="results/config/simulation/sessions/{session}.json",
            motion=lambda wildcards: study.config.simulation.sessions[wildcards.session].motion or [],
        output:
            videos=collect(
                "results/simulation/recordings/{{session}}/{camera}.mp4",
                camera=list_simulated_cameras(study.config, rig),
            ),
            joints="results/simulation/truth/{session}/joints.parquet",
            behaviours="results/simulation/truth/{session}/behaviours.parquet",
            silhouettes="results/simulation/truth/{session}/silhouettes.parquet",
            poses="results/simulation/truth/{session}/poses.parquet",
        log:
            "results/logs/simulate_session/{session}.log",
        benchmark:
            "results/benchmarks/simulate_session/{session}.tsv"
        wildcard_constraints:
            session=one_of(name for name in study.list_simulated_sessions() if study.config.simulation.sessions[name].rig == rig),
        conda:
            "../../environment.yaml"
        threads: 1
        resources:
            mem_mb=grow_memory(2000),
            runtime=grow_time(240),
        params:
            revision=1,
            folder=subpath(output.joints, ancestor=3),
        message:
            "Simulate the recordings of session {wildcards.session}"
        shell:
            "python -m bkind3d simulate-session --config {input.config:q} --session {wildcards.session} --workers {threads} "
            "--recordings {params.folder}/recordings --truth {params.folder}/truth 2> {log:q}"
