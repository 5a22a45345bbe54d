# Multi-camera videos of a moving animal or person in, 3D keypoints and their evaluation out.
# README.md shows how to run it; config/README.md explains every setting.
from snakemake.utils import min_version

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/judged.smk"
include: "workflow/rules/shown.smk"
include: "workflow/rules/settings.smk"
include: "workflow/rules/simulation.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/frames.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/keypoints.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/joints.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/hooks.smk"


localrules:
    all,
    write_settings,
    write_sheet,
    write_session_settings,
    measure_cube,
    make_tables,
    paper_tables,


rule all:
    default_target: True
    input:
        get_final_output,


onstart:
    prepare_cluster()


onsuccess:
    show_result()


onerror:
    repeat_last_error(log)
