# Settings and sheets as small files: a stage depends on those it uses, and runs again when they change. What is made of one session
# depends on what the sheets say of it alone, so that a new row repeats nothing of the others; so does what is judged.
SHEETS = {f"pose/{name}": sections.format_sessions(study, list_judged_sessions(name)) for name in study.config.experiments}
SHEETS |= {
    f"joints/{name}": sections.format_sessions(study, names)
    for name in study.config.experiments
    if (names := study.list_fit_sessions(name))
}
SHEETS |= {f"actions/{name}": sections.format_sessions(study, list_labelled_sessions(name)) for name in study.config.experiments}


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


rule write_session_settings:
    output:
        "results/config/{use}/{session}.json",
    log:
        "results/logs/write_session_settings/{use}/{session}.log",
    wildcard_constraints:
        use="shown|exported",
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        text=lambda wildcards: sections.format_session(study, wildcards.use, wildcards.session),
    message:
        "Write what is {wildcards.use} of session {wildcards.session}"
    shell:
        "printf '%s\\n' {params.text:q} > {output:q} 2> {log:q}"
