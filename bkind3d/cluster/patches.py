"""What this workflow knows and changes of the insides of Snakemake and its SLURM plugin; pyproject.toml bounds their versions for it."""

import io
import shlex
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stderr
from functools import cache, lru_cache
from pathlib import Path
from typing import Any


def is_dry_run(arguments: Sequence[str]) -> bool:
    """Whether Snakemake's own parser takes its command line for that of a dry run."""
    options = _parse(arguments)
    return options is not None and options["dryrun"]


def name_run(arguments: Sequence[str]) -> str:
    """The command that runs what a dry run with `arguments` shows: what Snakemake's parser reads alike, but for the dry run."""
    kept, asked = list(arguments), _parse(arguments)
    while asked and asked["dryrun"]:
        shorter = [kept[:index] + kept[index + 1 :] for index in range(len(kept))]
        # -n among letters, as in -np
        among = ((index, at) for index, text in enumerate(kept) for at in range(1, len(text)) if text[at] == "n" and text[0] == "-")
        shorter += [kept[:index] + [kept[index][:at] + kept[index][at + 1 :]] + kept[index + 1 :] for index, at in among]
        found = next((words for words in shorter if _parse(words) in (asked, asked | {"dryrun": False})), None)
        if found is None:
            break
        kept, asked = found, _parse(found)
    # What `bkind3d run` begins with.
    if len(kept) > 3 and (kept[0], kept[2]) == ("--snakefile", "--directory"):
        return shlex.join(["bkind3d", "run", kept[3], *kept[4:]])
    return shlex.join(["snakemake", *kept])


def _parse(arguments: Sequence[str]) -> dict[str, Any] | None:
    """What the options mean; None where this is no command line of Snakemake."""
    from snakemake.exceptions import CliException

    try:
        with redirect_stderr(io.StringIO()):
            options = vars(_make_parser().parse_args(list(arguments)))
    except (CliException, SystemExit):
        return None
    return {name: getattr(value, "__dict__", value) for name, value in options.items()}


@cache
def _make_parser() -> ArgumentParser:
    from snakemake.cli import get_argument_parser

    parser: ArgumentParser = get_argument_parser()
    return parser


def release_locks(study: Path) -> None:
    """Unlock a study, which Snakemake's lock outlives the process of: only for who knows that no other run is alive."""
    for path in (study / ".snakemake/locks").glob("*.lock"):
        path.unlink(missing_ok=True)


def plan_quickly() -> None:
    """Let Snakemake do once, while it plans, what it does for every job.

    It looks for a way out of each group and back into it, twice, and from every member anew through all that it depends on: here from all members
    at once, and in its own way only where there is one, to say which. And it reads the parameters of input functions again for every job.
    """
    from snakemake import common
    from snakemake.dag import DAG

    validate_group, check_groups = DAG.validate_group, DAG._check_groups

    def needs_itself(dag: Any, group: Any) -> bool:
        needed = dag._dependencies
        outside = (other for job in group.jobs for other in needed[job] if other not in group.jobs)
        return any(job in group.jobs for job in dag.bfs(needed, *outside))

    DAG.validate_group = lambda dag, group: validate_group(dag, group) if needs_itself(dag, group) else None
    DAG._check_groups = lambda dag: check_groups(dag) if any(needs_itself(dag, group) for group in set(dag._group.values())) else None
    common.get_function_params = lru_cache(common.get_function_params)


def look_steadily(seconds: int) -> None:
    """Look at the queue every so many seconds, and always in the same way.

    The plugin waits longer each time, and every stage of a study for it. When it gets no answer for how long jobs are
    remembered, it would ask sacct for the next five minutes: so that is asked once, while the controller answers.
    """
    import snakemake_executor_plugin_slurm as plugin

    age = plugin.get_min_job_age()
    plugin.get_min_job_age = lambda: age
    plugin.Executor.next_seconds_between_status_checks = property(lambda executor: seconds, lambda executor, value: None)


def run_groups_side_by_side() -> None:
    """Let one Snakemake run a group on the cores that its job has.

    The plugin starts the jobs of a group one after the other, each with another Snakemake, while what the group asks for
    (cores, memory, run time) counts on jobs side by side. Jobs alone keep the plugin's way: SLURM warns only steps of srun.
    """
    from snakemake_executor_plugin_slurm import Executor

    format_one = Executor.format_job_exec

    def format_job_exec(executor: Any, job: Any) -> str:
        command: str = format_one(executor, job)
        if not job.is_group():
            return command
        general = executor.additional_general_args()
        assert command.count(general) == 1, command
        memory = f"--resources mem_mb={job.resources['mem_mb']}" if "mem_mb" in job.resources else ""
        return command.replace(general, f"--cores {job.threads} {memory}")

    Executor.format_job_exec = format_job_exec
