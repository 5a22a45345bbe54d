"""Which methods there are: a name and, as text, the class of its experiments' settings, which is imported when it is asked for.

So whoever reads settings (the dry run) imports neither torch nor a method that no experiment names. Other packages add methods
by an entry point of the group ``bkind3d.methods``.
"""

from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bkind3d.config.experiment import ExperimentConfig

GROUP = "bkind3d.methods"

#: The method of an experiment that names none.
DEFAULT_METHOD = "discovery"

#: Name of every method of this package, and its settings (``module:class``).
METHODS = {
    "discovery": "bkind3d.methods.discovery.settings:DiscoveryExperiment",
    "supervised": "bkind3d.methods.supervised.settings:SupervisedExperiment",
    "volumetric": "bkind3d.methods.iskakov.settings:VolumetricExperiment",
    "algebraic": "bkind3d.methods.iskakov.settings:AlgebraicExperiment",
    "dannce": "bkind3d.methods.dannce.settings:DannceExperiment",
    "keypoint3d": "bkind3d.methods.keypoint3d.settings:Keypoint3dExperiment",
    "metapose": "bkind3d.methods.metapose.settings:MetaposeExperiment",
    "metapose_calibrated": "bkind3d.methods.metapose.settings:CalibratedMetaposeExperiment",
}


@cache
def list_methods() -> dict[str, str]:
    """Name and settings of every method that is there, this package's first."""
    from importlib.metadata import entry_points

    return METHODS | {point.name: point.value for point in entry_points(group=GROUP) if point.name not in METHODS}


def find_settings(name: str) -> "type[ExperimentConfig]":
    """The class of a method's settings.

    Raises
    ------
    ValueError : where there is no such method.
    """
    # Other packages are looked through, which takes a while, for a name of theirs alone.
    text = METHODS.get(name) or list_methods().get(name)
    if text is None:
        raise ValueError(f"method {name!r} is not installed; there are {', '.join(list_methods())}")
    settings: type[ExperimentConfig] = resolve_name(text)
    return settings
