"""The fly: dm_control's fruit fly, scaled and coloured, free or held by a pin above a ball.

The model's lengths are centimetres. Rest pose: head towards +x, z up; origin in the thorax.
"""

from functools import cache

import mujoco
import numpy as np

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.floors import make_noise
from bkind3d.simulation.scenes import add_material
from bkind3d.simulation.walkers import read_walker, scale_spec, thin_meshes

#: Direction of the front in the root's frame.
FRONT = (1.0, 0.0, 0.0)
#: Metres in a unit of the model.
UNIT = 0.01
#: What is smaller (units) is not drawn: bristles, and the facets of the eyes.
_GRAIN = 0.003
LEGS = tuple(f"T{pair}_{side}" for pair in (1, 2, 3) for side in ("left", "right"))
#: Height (units) of the thorax of a fly that stands.
HEIGHT = 0.118
#: Radius of the ball, and how high its top is over the floor (units).
BALL, BALL_TOP = 0.45, 0.2
_HEAD: dict[str, tuple[str, tuple[float, float, float]]] = {
    "AntennaL": ("antenna_left", (0.0, 0.0, 0.0)), "AntennaR": ("antenna_right", (0.0, 0.0, 0.0)), "Neck": ("head", (0.0, 0.0, 0.0)),
    "Mouth": ("haustellum", (0.0, 0.01, 0.0)), "WingL": ("wing_left", (0.0, 0.0, 0.0)), "WingR": ("wing_right", (0.0, 0.0, 0.0)),
    "Waist": ("abdomen", (0.0, 0.0, 0.0)), "Abdomen": ("abdomen_7", (0.0, 0.02, 0.0)),
}  # fmt: skip
#: The joints of each leg, and the bodies in whose origins they are; the claw is at its end.
_LEG = {"Coxa": "coxa", "Trochanter": "femur", "Knee": "tibia", "Ankle": "tarsus", "Claw": "claw"}
JOINTS = (*_HEAD, *(name + leg[:2] + leg[3].upper() for leg in LEGS for name in _LEG))


def mirror_claw(leg: str) -> Array:
    """(3,) end of the claw of a leg in its frame (units at scale 1)."""
    return np.array([0.0, 0.009 if leg.endswith("left") else -0.009, -0.001])


def build_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the fly with a free root, at the subject's size (metres); the seed decides its colour."""
    return _build(subject, UNIT * subject.scale)


def build_skeleton(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the fly a hundred times as large and without shapes: limbs of a few tenths of a metre are what inverse kinematics are damped for."""
    spec = _build(subject, subject.scale)
    for element in (*spec.geoms, *spec.meshes):
        spec.delete(element)
    return spec


def build_tethered_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the fly, the pin that holds it, and the ``ball`` under it, which is moved as a mocap body (metres)."""
    spec = build_spec(subject)
    spec.body("thorax").pos = [0, 0, UNIT * (BALL_TOP + HEIGHT * subject.scale)]
    rng, radius = np.random.default_rng([subject.seed, 72]), UNIT * BALL
    ball = spec.worldbody.add_body(name="ball", mocap=True, pos=[0, 0, UNIT * BALL_TOP - radius])
    add_material(spec, "ball", np.clip(205 + 16 * make_noise(rng, 256, 6)[..., None] * [1, 1, 1], 0, 255).astype(np.uint8))
    ball.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[radius, 0, 0], material="ball", group=1, contype=0, conaffinity=0)
    foot = UNIT * (BALL_TOP + subject.scale * 0.19)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=[0, 0, foot, -0.001, 0, foot + 0.006], size=[0.00012, 0, 0], rgba=[0.55, 0.56, 0.6, 1],
    )  # fmt: skip
    return spec


@cache
def _read_fly() -> mujoco.MjSpec:
    spec = read_walker("fruitfly_v2/fruitfly.xml")
    for key in spec.keys:
        spec.delete(key)
    for geom in spec.geoms:
        geom.contype = geom.conaffinity = 0
    thin_meshes(spec, _GRAIN)
    # Bodies of millimetres are too light for MuJoCo; nothing here has to fall.
    spec.compiler.boundmass, spec.compiler.boundinertia = 1e-6, 1e-12
    return spec


def _build(subject: SimulatedSubject, scale: float) -> mujoco.MjSpec:
    spec = _read_fly().copy()
    tone = np.random.default_rng([subject.seed, 71]).uniform(0.75, 1.2)
    for material in spec.materials:
        material.rgba = [*np.clip(tone * np.array(material.rgba[:3]), 0, 1), material.rgba[3]]
    for name, (body, place) in _HEAD.items():
        spec.body(body).add_site(name=name, pos=place)
    for leg in LEGS:
        for name, body in _LEG.items():
            end = mirror_claw(leg) if body == "claw" else np.zeros(3)
            spec.body(f"{body}_{leg}").add_site(name=name + leg[:2] + leg[3].upper(), pos=end)
    scale_spec(spec, scale)
    spec.joint("free").name = "root"
    spec.body("thorax").pos = [0, 0, HEIGHT * scale]
    return spec
