"""The person: dm_control's humanoid, scaled and dressed, with the joints of Human3.6M.

Rest pose of the model: arms stretched out to the sides; x to the person's left, y up, z ahead; origin in the pelvis, metres.
"""

from itertools import product

import mujoco
import numpy as np

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.walkers import read_walker, scale_spec

#: Direction of the front in the root's frame.
FRONT = (0.0, 0.0, 1.0)
#: The joints: body each moves with, and its place in that body's frame (m). The first 17 are those of Human3.6M that count,
#: in its order; the last four are only needed to fill its 32.
JOINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Pelvis": ("root", (0.0, -0.0918, 0.0494)),
    "RHip": ("rfemur", (0.0, 0.0, 0.0)),
    "RKnee": ("rtibia", (0.0, 0.0, 0.0)),
    "RAnkle": ("rfoot", (0.0, 0.0, 0.0)),
    "LHip": ("lfemur", (0.0, 0.0, 0.0)),
    "LKnee": ("ltibia", (0.0, 0.0, 0.0)),
    "LAnkle": ("lfoot", (0.0, 0.0, 0.0)),
    "Spine": ("upperback", (0.0, 0.03, 0.0)),
    "Thorax": ("lowerneck", (0.0, 0.06, 0.0)),
    "Nose": ("head", (0.0, 0.03, 0.12)),
    "Head": ("head", (0.0, 0.14, 0.03)),
    "LShoulder": ("lhumerus", (0.0, 0.0, 0.0)),
    "LElbow": ("lradius", (0.0, 0.0, 0.0)),
    "LWrist": ("lwrist", (0.0, 0.0, 0.0)),
    "RShoulder": ("rhumerus", (0.0, 0.0, 0.0)),
    "RElbow": ("rradius", (0.0, 0.0, 0.0)),
    "RWrist": ("rwrist", (0.0, 0.0, 0.0)),
    "LToes": ("ltoes", (0.0, 0.0, 0.0)),
    "RToes": ("rtoes", (0.0, 0.0, 0.0)),
    "LHand": ("lhand", (0.0, -0.07, 0.0)),
    "RHand": ("rhand", (0.0, -0.07, 0.0)),
}

_SKINS = ((0.93, 0.76, 0.64), (0.80, 0.60, 0.46), (0.55, 0.38, 0.28), (0.36, 0.24, 0.18))
_HAIR = ((0.12, 0.09, 0.07), (0.32, 0.20, 0.10), (0.70, 0.56, 0.30), (0.45, 0.45, 0.45))
_SHIRTS = (
    (0.75, 0.16, 0.14), (0.14, 0.36, 0.66), (0.16, 0.50, 0.24), (0.86, 0.72, 0.20), (0.85, 0.85, 0.82), (0.50, 0.24, 0.56),
    (0.12, 0.12, 0.13),
)  # fmt: skip
_TROUSERS = ((0.14, 0.18, 0.32), (0.10, 0.10, 0.11), (0.48, 0.42, 0.32), (0.36, 0.36, 0.38))
_SHOES = (0.16, 0.12, 0.10)
#: What wears which colour: beginnings of the geoms' names.
_DRESS = {
    "shoes": ("lfoot", "rfoot", "ltoes", "rtoes"),
    "trousers": ("root", "lhip", "rhip", "lfemur", "rfemur", "ltibia", "rtibia"),
    "shirt": ("lowerback", "upperback", "thorax", "lowerneck", "lclavicle", "rclavicle", "lhumerus", "rhumerus"),
}
#: Range of the shoulders' joints, radians: the model's own are not those of a person (the right one's are not even the left one's in a mirror).
_SHOULDER = 3.0
#: Height (m) and radius of the stool that sits under whoever sits on a chair.
_STOOL = (0.45, 0.19)


def build_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the person with a free root, and a stool that is moved as a mocap body ``stool`` (metres); the seed decides the colours."""
    spec = read_walker("humanoid_CMU_V2020.xml")
    _dress(spec, subject.seed)
    for name, (body, place) in JOINTS.items():
        spec.body(body).add_site(name=name, pos=place)
    scale_spec(spec, subject.scale)
    for side, axis in product("lr", "xyz"):
        spec.joint(f"{side}humerusr{axis}").range = [-_SHOULDER, _SHOULDER]
    spec.body("root").add_freejoint(name="root")
    height, radius = _STOOL
    stool = spec.worldbody.add_body(name="stool", mocap=True, pos=[0, 0, -2 * height])
    stool.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[radius, 0.025, 0], pos=[0, 0, height - 0.025], rgba=[0.55, 0.38, 0.22, 1])
    stool.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[0.04, height / 2, 0], pos=[0, 0, height / 2], rgba=[0.3, 0.3, 0.32, 1])
    return spec


def _dress(spec: mujoco.MjSpec, seed: int) -> None:
    """Colour the body's parts, all of which are drawn, and give the head hair and a nose."""
    rng = np.random.default_rng([seed, 21])
    skin, hair = (colours[rng.integers(len(colours))] for colours in (_SKINS, _HAIR))
    # Neighbouring seeds wear different shirts.
    shirt, trousers = _SHIRTS[seed % len(_SHIRTS)], _TROUSERS[rng.integers(len(_TROUSERS))]
    colours = {"shoes": _SHOES, "trousers": trousers, "shirt": shirt}
    for geom in spec.geoms:
        worn = [part for part, names in _DRESS.items() if geom.name.startswith(names)]
        geom.group, geom.material, geom.rgba = 1, "", [*(colours[worn[0]] if worn else skin), 1]
    ellipsoid = mujoco.mjtGeom.mjGEOM_ELLIPSOID
    head = spec.body("head")
    head.add_geom(name="hair", type=ellipsoid, size=[0.1, 0.09, 0.105], pos=[0, 0.075, 0.0], rgba=[*hair, 1], group=1)
    head.add_geom(name="nose", type=ellipsoid, size=[0.014, 0.02, 0.02], pos=[0, 0.03, 0.135], rgba=[*skin, 1], group=1)
