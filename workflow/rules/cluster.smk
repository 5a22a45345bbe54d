# Jobs on a SLURM cluster: checked before the first one is sent, and cleared of what a killed run has left behind.
from bkind3d.cluster.patches import look_steadily, run_groups_side_by_side
from bkind3d.cluster.profile import check_version
from bkind3d.cluster.slurm import Demand, cancel_leftovers, check_demands, check_log_folder, check_others, name_leftovers


def prepare_cluster():
    """Refuse what the cluster does not have, and end jobs that outlived the run that sent them: with --nolock, they may be a live run's."""
    settings = workflow.executor_settings
    if not hasattr(settings, "jobname_prefix"):
        return
    try:
        check_version(settings.jobname_prefix)
        check_demands(sorted({describe_demand(job) for job in list_submissions()}))
        check_log_folder(Path(settings.logdir or ".snakemake/slurm_logs"))
        check_others(Path.cwd())
        if alive:
            cancel_leftovers(Path.cwd())
    except InputError as error:
        refuse(error)
    look_steadily(workflow.remote_execution_settings.seconds_between_status_checks)
    run_groups_side_by_side()
    atexit.register(name_leftovers, Path.cwd())


def list_submissions():
    """What is sent: jobs, and groups of them."""
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    return {workflow.dag.get_job_group(job) or job for job in jobs}


def describe_demand(job):
    """What a job or group asks for; amounts that depend on files that are not there yet are not known."""
    asked = {name: value for name, value in job.resources.items() if isinstance(value, int | str)}
    return Demand(
        job.groupid if job.is_group() else job.rule.name,
        str(asked.get("slurm_partition", "")),
        str(asked.get("slurm_account", "")),
        asked.get("gpu", 0),
        asked.get("gpu_model", ""),
        asked.get("runtime", 0),
        asked.get("_cores", 0),
        asked.get("mem_mb", 0),
    )
