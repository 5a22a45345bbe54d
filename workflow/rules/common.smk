# The study: its settings and sheets, checked before anything runs, and what the stages ask about them.
import atexit
import gc
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

CONFIG_FILE = "config/config.yaml"
# A plan makes millions of objects and frees few: looking for circles among them so rarely saves an eighth of its time.
gc.set_threshold(500_000)


def say_next():
    """What to do after a dry run."""
    sys.stderr.write(f"Next, run it:\n  {name_run(sys.argv[1:])}\n")


def refuse(message):
    """End with one line and the exit code of wrong input."""
    atexit.unregister(say_next)
    sys.stderr.write(f"bkind3d: error: {message}\n")
    sys.exit(2)


def check_shell_python():
    """Jobs run `python -m bkind3d`: it has to be this workflow's package, not one that lies somewhere else."""
    asked = "import bkind3d; print(bkind3d.__file__)"
    answer = subprocess.run(["python", "-P", "-c", asked], capture_output=True, text=True)
    found, expected = answer.stdout.strip(), Path(bkind3d.__file__).resolve().parents[1]
    if answer.returncode or Path(found).resolve().parents[1] != expected:
        refuse(
            f"the python on the PATH finds {f'bkind3d in {found}' if found else 'no bkind3d'}, this workflow's is in {expected}; "
            f"activate its environment: source {expected}/.venv/bin/activate"
        )


def hold_study():
    """Lock the study for this run, and unlock it where the last run was killed; nothing where another run is alive.

    Snakemake's own lock outlives its process. So every run also holds a lock that ends with the process: who gets that one knows that no
    other run is alive. Dry runs take no part.
    """
    if IS_DRY_RUN:
        return None
    Path(".snakemake").mkdir(exist_ok=True)
    try:
        held = take_lock(Path(".snakemake/alive"))
    except BlockingIOError as owner:
        sys.stderr.write(f"this study is being run by {owner}\n")
        return None
    release_locks(Path())
    atexit.register(release_lock, held)
    return held


sys.path.insert(0, str(workflow.basedir))
try:
    import bkind3d
    from bkind3d.cluster.patches import is_dry_run, name_run, plan_quickly, release_locks
    from bkind3d.config import EXPORT_FORMATS, PREDICTION_REVISION, TRAINING_REVISION, InputError
    from bkind3d.data.locks import release_lock, take_lock
    from bkind3d.study import sections
    from bkind3d.study.layout import LABELS, SIMULATED
    from bkind3d.study.opening import load_study, read_yaml
    from bkind3d.evaluation.prospects import check_budgets, remark_on_evaluation
    from bkind3d.study.remarks import explain_done, explain_retraining, remark_on_clocks, remark_on_weights
    from bkind3d.study.study import list_simulated_cameras
    from bkind3d.config.network import list_weights
    from bkind3d.export.formats import export_path

    if not workflow.overwrite_configfiles:
        read_yaml(Path(CONFIG_FILE))
except ImportError as error:
    refuse(f"snakemake's python ({sys.executable}): {error}; use the snakemake that `make` sets up")
except InputError as error:
    refuse(error)


configfile: CONFIG_FILE


plan_quickly()
try:
    study = load_study(config)
    check_budgets(study)
except InputError as error:
    refuse(error)
SETTINGS = sections.format_sections(study)
# Snakemake tells BLAS and torch how many threads a job has; OpenCV would take all cores of the machine.
prefix = "set -euo pipefail; export OPENCV_FOR_THREADS_NUM=$OMP_NUM_THREADS; "
PACKAGE = Path(bkind3d.__file__).resolve().parents[1]
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    # environment.yaml has what the package needs, but not the package.
    prefix += f"export PYTHONPATH={shlex.quote(str(PACKAGE))}; "
elif DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:

    # Made by containers/bkind3d.def; it holds the package, too.
    container: os.environ.get("BKIND3D_IMAGE", str(PACKAGE / "bkind3d.sif"))

elif workflow.is_main_process:
    check_shell_python()
shell.prefix(prefix)
IS_DRY_RUN = workflow.is_main_process and is_dry_run(sys.argv[1:])
if not workflow.is_main_process:
    # SLURM warns all processes of a job before its time is over. It is meant for the training, which sets a handler.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
else:
    try:
        if any(row.crop for cameras in study.cameras.values() for row in cameras.values()):
            from bkind3d.survey.parts import check_parts

            check_parts(study)
        alive = hold_study()
    except (InputError, OSError) as error:
        refuse(error)
    said = [explain_done, explain_retraining, remark_on_weights, remark_on_clocks, remark_on_evaluation]
    sys.stderr.writelines(f"{line}\n" for explain in said for line in explain(study))
    if IS_DRY_RUN:
        from bkind3d.study.effort import explain_effort
        from bkind3d.study.storage import explain_storage

        sys.stderr.writelines(f"{line}\n" for line in (explain_storage(study), explain_effort(study)) if line)
        atexit.register(say_next)


def one_of(names):
    """A pattern that these names alone match."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    session=one_of(study.sessions),
    camera=one_of(dict.fromkeys(name for cameras in study.cameras.values() for name in cameras)),
    rig=one_of(study.rigs),
    frameset=one_of(study.config.framesets),
    experiment=one_of(study.config.experiments),


def grow_memory(megabytes):
    """Memory of a rule: more at every attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def grow_time(minutes):
    """Run time of a rule: more at every attempt, but no more than a profile gives to rules that say nothing."""
    longest = (workflow.resource_settings.default_resources or {}).get("runtime")
    most = longest.value if longest else None
    return lambda wildcards, attempt: min(filter(None, (minutes * attempt, most)))


def pair_names(names, paths):
    """NAME=PATH for every pair, as the verbs read them."""
    return [f"{name}={path}" for name, path in zip(names, paths, strict=True)]
