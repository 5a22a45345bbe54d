"""The models of dm_control that animals are made of: read, freed of what is not drawn, scaled."""

from importlib.util import find_spec
from pathlib import Path

import mujoco
import numpy as np

from bkind3d.config import InputError


def read_walker(name: str) -> mujoco.MjSpec:
    """Read a walker's XML file of the installed dm_control, without lights, cameras, sensors, sites and all that moves by itself."""
    package = find_spec("dm_control")
    if package is None or not package.submodule_search_locations:
        raise InputError("dm_control is not installed; install the extra: pip install 'bkind3d[simulation]'")
    spec = mujoco.MjSpec.from_file(str(Path(package.submodule_search_locations[0]) / "locomotion/walkers/assets" / name))
    for element in (*spec.lights, *spec.cameras, *spec.sensors, *spec.actuators, *spec.tendons, *spec.excludes, *spec.sites):
        spec.delete(element)
    return spec


def scale_spec(spec: mujoco.MjSpec, scale: float) -> None:
    """Multiply every length of `spec` by `scale`."""
    for element in (*spec.bodies[1:], *spec.joints):
        element.pos = element.pos * scale
    for element in (*spec.geoms, *spec.sites):
        element.pos, element.size = element.pos * scale, element.size * scale
    for skin in spec.skins:
        skin.vert, skin.bindpos = np.array(skin.vert) * scale, np.array(skin.bindpos) * scale
