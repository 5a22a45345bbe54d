# Jobs on a SLURM cluster: checked before the first one is sent, and cleared of what a killed run has left behind.
from bkind3d.cluster.profile import check_version
from bkind3d.cluster.slurm import Demand, cancel_leftovers, check_demands, check_log_folder, name_leftovers


def prepare_cluster():
    """Refuse what the cluster does not have, and end jobs that outlived the run that sent them."""
    settings = workflow.executor_settings
    if not hasattr(settings, "jobname_prefix"):
        return
    try:
        check_version(settings.jobname_prefix)
        check_demands(sorted({describe_demand(job) for job in list_submissions()}))
        check_log_folder(Path(settings.logdir or ".snakemake/slurm_logs"))
        cancel_leftovers(Path.cwd())
    except InputError as error:
        refuse(error)
    look_steadily()
    run_groups_side_by_side()
    atexit.register(name_leftovers, Path.cwd())


def look_steadily():
    """Look at the queue as often as the profile says, and in the same way.

    The plugin waits longer each time, and every stage of a study for it. When it gets no answer for how long jobs are
    remembered, it would ask sacct for the next five minutes: so that is asked once, while the controller answers.
    """
    import snakemake_executor_plugin_slurm as plugin

    age, seconds = plugin.get_min_job_age(), workflow.remote_execution_settings.seconds_between_status_checks
    plugin.get_min_job_age = lambda: age
    plugin.Executor.next_seconds_between_status_checks = property(lambda executor: seconds, lambda executor, value: None)


def run_groups_side_by_side():
    """Let one Snakemake run a group on the cores that its job has.

    The plugin starts the jobs of a group one after the other, each with another Snakemake, while what the group asks for
    (cores, memory, run time) counts on jobs side by side. Jobs alone keep the plugin's way: SLURM warns only steps of srun.
    """
    from snakemake_executor_plugin_slurm import Executor

    format_one = Executor.format_job_exec

    def format_job_exec(executor, job):
        command = format_one(executor, job)
        if not job.is_group():
            return command
        general = executor.additional_general_args()
        assert command.count(general) == 1, command
        memory = f"--resources mem_mb={job.resources['mem_mb']}" if "mem_mb" in job.resources else ""
        return command.replace(general, f"--cores {job.threads} {memory}")

    Executor.format_job_exec = format_job_exec


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
