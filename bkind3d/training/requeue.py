"""Go on in a further job of SLURM when the time of this one is nearly over."""

import logging
import os
import subprocess

log = logging.getLogger(__name__)


def requeue_job() -> None:
    """Queue this process's job again, as it is; does nothing outside of SLURM.

    SLURM ends the job at once, so everything has to be written before.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return
    try:
        subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = " ".join((getattr(error, "stderr", None) or str(error)).split())
        log.warning("job %s could not be queued again (%s); start it again to go on", job, said)
    else:
        log.info("job %s is queued again and will go on from here", job)
