# Videos to pictures of the subject: what moves, where it is, and undistorted windows around it.

# Of both rules that survey: raised when surveys change.
SURVEY_REVISION = 10


rule survey_video:
    input:
        video=get_video,
        frame_maps=get_frame_maps,
        mask=get_camera_file("mask"),
        background=get_camera_file("background"),
        silhouettes=get_camera_file("silhouettes"),
        beside=get_videos_beside,
        config="results/config/survey.json",
    output:
        "results/survey/{session}/{camera}.parquet",
    log:
        "results/logs/survey_video/{session}/{camera}.log",
    benchmark:
        "results/benchmarks/survey_video/{session}/{camera}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(3000),
        runtime=grow_time(60),
    params:
        revision=SURVEY_REVISION,
        options=get_survey_options,
    message:
        "Survey camera {wildcards.camera} of session {wildcards.session}"
    shell:
        "python -m bkind3d survey-video {input.video:q} --keep-going --config {input.config:q} {params.options:q} "
        "--threads {threads} --output {output:q} 2> {log:q}"


for shared, sharing in study.list_shared_views().items():

    rule:
        name:
            f"survey_views_{'_'.join(shared)}"
        input:
            video=lambda wildcards, camera=shared[0]: study.find_videos(wildcards.session, camera),
            frame_maps=get_shared_frame_maps(shared),
            masks=get_shared_files("mask", shared),
            backgrounds=get_shared_files("background", shared),
            silhouettes=get_shared_files("silhouettes", shared),
            beside=lambda wildcards, camera=shared[0]: study.find_videos_beside(wildcards.session, camera),
            config="results/config/survey.json",
        output:
            [f"results/survey/{{session}}/{camera}.parquet" for camera in shared],
        log:
            f"results/logs/survey_views/{{session}}/{'_'.join(shared)}.log",
        benchmark:
            f"results/benchmarks/survey_views/{{session}}/{'_'.join(shared)}.tsv"
        wildcard_constraints:
            session=one_of(sharing),
        conda:
            "../../environment.yaml"
        threads: 2
        resources:
            mem_mb=grow_memory(2500 + 500 * len(shared)),
            runtime=grow_time(60 * len(shared)),
        params:
            revision=SURVEY_REVISION,
            options=get_shared_options(shared),
        message:
            f"Survey {' and '.join(shared)} of session {{wildcards.session}}, which share a video"
        shell:
            "python -m bkind3d survey-views {input.video:q} --keep-going --config {input.config:q} {params.options:q} "
            "--threads {threads} 2> {log:q}"

    # Both rules could make these.
    workflow.ruleorder(f"survey_views_{'_'.join(shared)}", "survey_video")


rule locate_subject:
    input:
        config="results/config/location.json",
        survey="results/config/survey.json",
        calibration=get_calibration,
        surveys=get_surveys,
    output:
        location="results/location/{session}.parquet",
        silhouettes="results/silhouettes/{session}.parquet",
    log:
        "results/logs/locate_subject/{session}.log",
    benchmark:
        "results/benchmarks/locate_subject/{session}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(3000),
        runtime=grow_time(60),
    params:
        revision=6,
        surveys=lambda wildcards, input: pair_names(get_cameras(wildcards), input.surveys),
    message:
        "Locate the subject of session {wildcards.session}"
    shell:
        "python -m bkind3d locate-subject --keep-going --config {input.config:q} --calibration {input.calibration:q} "
        "--surveys {params.surveys:q} --survey-config {input.survey:q} --silhouettes {output.silhouettes:q} "
        "--output {output.location:q} 2> {log:q}"


rule measure_cube:
    input:
        config="results/config/location.json",
        locations=get_measured_locations,
    output:
        "results/cube.json",
    log:
        "results/logs/measure_cube.log",
    benchmark:
        "results/benchmarks/measure_cube.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(1000),
        runtime=grow_time(10),
    params:
        revision=1,
        locations=lambda wildcards, input: pair_names(study.list_measured(), input.locations),
    message:
        "Measure the cube around the subject"
    shell:
        "python -m bkind3d measure-cube --config {input.config:q} --locations {params.locations:q} --output {output:q} 2> {log:q}"


rule extract_frames:
    input:
        video=get_video,
        config="results/config/framesets/{frameset}.json",
        calibration=get_calibration,
        survey="results/survey/{session}/{camera}.parquet",
        location="results/location/{session}.parquet",
        silhouettes="results/silhouettes/{session}.parquet",
        cube="results/cube.json",
    output:
        "results/frames/{frameset}/{session}/{camera}.parquet",
    log:
        "results/logs/extract_frames/{frameset}/{session}/{camera}.log",
    benchmark:
        "results/benchmarks/extract_frames/{frameset}/{session}/{camera}.tsv"
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=grow_memory(3000),
        runtime=grow_time(60),
    params:
        revision=3,
    message:
        "Extract the frameset {wildcards.frameset} from camera {wildcards.camera} of session {wildcards.session}"
    shell:
        "python -m bkind3d extract-frames {input.video:q} --keep-going --config {input.config:q} --camera {wildcards.camera} "
        "--calibration {input.calibration:q} --survey {input.survey:q} --location {input.location:q} --silhouettes {input.silhouettes:q} --cube {input.cube:q} "
        "--threads {threads} --output {output:q} 2> {log:q}"
