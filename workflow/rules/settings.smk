# Settings and sheets as small files: a stage depends on those it uses, and runs again when they change.


rule write_settings:
    output:
        "results/config/{section}.json",
    log:
        "results/logs/write_settings/{section}.log",
    wildcard_constraints:
        section=one_of(SETTINGS),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        text=lambda wildcards: SETTINGS[wildcards.section],
    message:
        "Write the settings {wildcards.section}"
    shell:
        "printf '%s\\n' {params.text:q} > {output:q} 2> {log:q}"


rule write_sheet:
    output:
        "results/config/sheets/{sheet}.tsv",
    log:
        "results/logs/write_sheet/{sheet}.log",
    wildcard_constraints:
        sheet=one_of(SHEETS),
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        text=lambda wildcards: SHEETS[wildcards.sheet],
    message:
        "Write the sheet of {wildcards.sheet}"
    shell:
        "printf '%s\\n' {params.text:q} > {output:q} 2> {log:q}"
