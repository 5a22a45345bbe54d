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
        raise InputError("", "dm_control is not installed", "install the extra: pip install 'bkind3d[simulation]'")
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
    for mesh in spec.meshes:
        mesh.scale = mesh.scale * scale
    for skin in spec.skins:
        skin.vert, skin.bindpos = np.array(skin.vert) * scale, np.array(skin.bindpos) * scale


def thin_meshes(spec: mujoco.MjSpec, grain: float) -> None:
    """Join the vertices of each mesh of `spec` that lie in one cell of a grid of `grain` metres: what is smaller is not seen, and costs time."""
    for mesh in spec.meshes:
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # thin parts have no volume to speak of
    template, rotation = spec.copy().compile(), np.zeros(9)
    for index, mesh in enumerate(spec.meshes):
        vertices = slice(template.mesh_vertadr[index], template.mesh_vertadr[index] + template.mesh_vertnum[index])
        faces = slice(template.mesh_faceadr[index], template.mesh_faceadr[index] + template.mesh_facenum[index])
        # The compiler moved the mesh into the frame of its inertia.
        mujoco.mju_quat2Mat(rotation, template.mesh_quat[index])
        places = template.mesh_vert[vertices] @ rotation.reshape(3, 3).T + template.mesh_pos[index]
        _, cells = np.unique(np.floor(places / grain), axis=0, return_inverse=True)
        sums = np.stack([np.bincount(cells, places[:, axis]) for axis in range(3)], axis=1)
        joined = cells[template.mesh_face[faces]]
        kept = (joined != np.roll(joined, 1, axis=1)).all(axis=1)
        if kept.sum() >= 4:
            mesh.file, mesh.scale = "", np.ones(3)
            mesh.uservert = (sums / np.bincount(cells)[:, None]).ravel()
            mesh.userface = joined[kept].ravel()
