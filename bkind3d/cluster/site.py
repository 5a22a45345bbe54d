"""What differs between clusters: the block of the profile that a site fills in."""

from pydantic import Field

from bkind3d.config import Section

#: Raised when an older profile would no longer do what the rules count on.
VERSION = 1


class Site(Section):
    """A SLURM cluster, as far as this workflow has to know it."""

    account: str = Field("", pattern="^[A-Za-z0-9_.@-]*$", description="who is charged: sacctmgr show associations user=$USER")
    cpu_partition: str = Field("cpu", pattern="^[A-Za-z0-9_.-]+$", description="where everything runs that needs no GPU: sinfo")
    gpu_partition: str = Field("gpu", pattern="^[A-Za-z0-9_.-]+$", description="where networks are trained and used")
    gpu_type: str = Field("", pattern="^[A-Za-z0-9_.]*$", description="kind of GPU, as between the colons of: sinfo -o %G")
    gpus: int = Field(1, ge=1, le=64, description="GPUs of a training")
    longest_minutes: int = Field(1440, ge=5, description="what the partitions allow a job, or less")
    training_minutes: int = Field(1440, ge=5, description="run time of a training's job; a longer training goes on in a further one")
    training_memory_mb: int = Field(16000, ge=500, description="memory of a training's job")
    jobs: int = Field(100, ge=1, description="jobs in the queue at a time")
    sessions_per_job: int = Field(4, ge=1, description="sessions whose small jobs go into one")
