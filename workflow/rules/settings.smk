# Settings and sheets as small files: a stage depends on those it uses, and runs again when they change. What is made of one session
# depends on what the sheets say of it alone, so that a new row repeats nothing of the others; so does what is judged.
SHEETS = sections.format_sheets(study)
for name in study.config.experiments:
    SHEETS[f"pose/{name}"] = sections.format_sheets(study, list_judged_sessions(name))["sessions"]
    SHEETS[f"actions/{name}"] = sections.format_sheets(study, list_labelled_sessions(name))["sessions"]


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


rule write_session_sheets:
    output:
        sessions="results/config/sessions/{session}/sessions.tsv",
        cameras="results/config/sessions/{session}/cameras.tsv",
        rigs="results/config/sessions/{session}/rigs.tsv",
    log:
        "results/logs/write_session_sheets/{session}.log",
    conda:
        "../../environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        sheets=lambda wildcards: sections.format_sheets(study, [wildcards.session]),
    message:
        "Write what the sheets say of session {wildcards.session}"
    shell:
        "(printf '%s\\n' {params.sheets[sessions]:q} > {output.sessions:q} && printf '%s\\n' {params.sheets[cameras]:q} > {output.cameras:q} "
        "&& printf '%s\\n' {params.sheets[rigs]:q} > {output.rigs:q}) 2> {log:q}"
