"""A detector whose points are joints."""

from bkind3d.methods.volume import VolumeModel


class SupervisedModel(VolumeModel):
    """The detector of discovery, with a heatmap for every joint."""
