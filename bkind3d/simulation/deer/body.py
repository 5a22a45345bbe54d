"""The body of the deer: capsules on a skeleton of its own, in coats of several colours.

Rest pose: nose towards +x, y to the left, z up, hooves on the floor; the root is the rump, between the hips. Metres at scale 1,
at which the withers are 0.76 m high and the trunk is 0.75 m long.
"""

from collections.abc import Mapping

import mujoco
import numpy as np

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.walkers import scale_spec

#: Direction of the front in the root's frame.
FRONT = (1.0, 0.0, 0.0)
#: Height of the hips in the rest pose.
HIPS = 0.64

Place = tuple[float, float, float]

#: A body: parent, place in it, joints as (name, axis, range in radians), and capsules as (from, to, radius, part of the coat).
Part = tuple[str, Place, tuple[tuple[str, Place, tuple[float, float]], ...], tuple[tuple[Place, Place, float, str], ...]]
_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_TRUNK: dict[str, Part] = {
    "rump": ("", (0, 0, HIPS), (), (((0.02, 0, 0), (0.16, 0, 0.0), 0.115, "back"), ((-0.05, 0.035, 0.0), (0.06, 0.05, -0.05), 0.075, "back"),
                                   ((-0.05, -0.035, 0.0), (0.06, -0.05, -0.05), 0.075, "back"))),
    "chest": ("rump", (0.2, 0, 0.01), (("waist_bend", _Z, (-0.5, 0.5)), ("waist_flex", _Y, (-0.3, 0.3))),
              (((0.0, 0, 0.0), (0.32, 0, 0.0), 0.125, "back"), ((0.05, 0, -0.06), (0.33, 0, -0.07), 0.1, "belly"),
               ((0.28, 0, 0.06), (0.36, 0, 0.0), 0.1, "back"))),
    "neck": ("chest", (0.38, 0, 0.07), (("neck_yaw", _Z, (-1.2, 1.2)), ("neck_pitch", _Y, (-1.6, 1.3))),
             (((-0.03, 0, -0.03), (0.2, 0, 0), 0.065, "neck"), ((0.1, 0, 0), (0.24, 0, 0), 0.055, "neck"))),
    "throat": ("neck", (0.22, 0, 0), (("throat_yaw", _Z, (-0.9, 0.9)), ("throat_pitch", _Y, (-1.0, 1.0))),
               (((0, 0, 0), (0.2, 0, 0), 0.05, "neck"),)),
    "head": ("throat", (0.21, 0, 0.0), (("head_yaw", _Z, (-0.8, 0.8)), ("head_pitch", _Y, (-1.2, 2.2)), ("head_tilt", _X, (-0.5, 0.5))),
             (((0.0, 0, 0.0), (0.06, 0, 0.005), 0.056, "head"), ((0.06, 0, 0), (0.185, 0, -0.015), 0.034, "head"),
              ((0.185, 0, -0.015), (0.2, 0, -0.017), 0.031, "hoof"),
              ((-0.02, 0.045, 0.03), (-0.07, 0.13, 0.06), 0.02, "belly"), ((-0.02, -0.045, 0.03), (-0.07, -0.13, 0.06), 0.02, "belly"),
              ((0.0, 0.025, 0.04), (-0.04, 0.05, 0.16), 0.012, "hoof"), ((0.0, -0.025, 0.04), (-0.04, -0.05, 0.16), 0.012, "hoof"))),
    "tail": ("rump", (-0.11, 0, 0.06), (("tail_yaw", _Z, (-0.7, 0.7)), ("tail_pitch", _Y, (-0.9, 0.9))),
             (((0, 0, 0), (-0.06, 0, -0.1), 0.022, "belly"),)),
}  # fmt: skip
#: Legs of the left side; those of the right are their mirror images. Angles of the joints are 0 in the rest pose.
_LEGS: dict[str, Part] = {
    "arm": ("chest", (0.31, 0.085, -0.02), (("shoulder_abduct", _X, (-0.4, 0.4)), ("shoulder", _Y, (-1.2, 1.2))),
            (((0.0, 0, 0.05), (-0.07, 0.005, -0.13), 0.05, "back"),)),
    "forearm": ("arm", (-0.07, 0.005, -0.13), (("elbow", _Y, (-1.8, 0.4)),), (((0, 0, 0), (0.03, 0, -0.235), 0.028, "leg"),)),
    "forecannon": ("forearm", (0.03, 0, -0.235), (("carpus", _Y, (-0.15, 1.9)),), (((0, 0, 0), (0.0, 0, -0.175), 0.019, "leg"),)),
    "forehoof": ("forecannon", (0.0, 0, -0.175), (("forefetlock", _Y, (-1.0, 1.2)),),
                 (((0, 0, 0), (0.028, 0, -0.055), 0.018, "leg"), ((0.022, 0, -0.058), (0.04, 0, -0.062), 0.021, "hoof"))),
    "thigh": ("rump", (-0.01, 0.075, 0.0), (("hip_abduct", _X, (-0.4, 0.4)), ("hip", _Y, (-1.2, 1.0))),
              (((0, 0, 0), (0.115, 0.01, -0.175), 0.062, "back"),)),
    "shank": ("thigh", (0.115, 0.01, -0.175), (("stifle", _Y, (-0.9, 1.2)),), (((0, 0, 0), (-0.165, 0, -0.19), 0.036, "leg"),)),
    "hindcannon": ("shank", (-0.165, 0, -0.19), (("hock", _Y, (-1.6, 0.9)),), (((0, 0, 0), (0.0, 0, -0.2), 0.021, "leg"),)),
    "hindhoof": ("hindcannon", (0.0, 0, -0.2), (("hindfetlock", _Y, (-1.0, 1.2)),),
                 (((0, 0, 0), (0.028, 0, -0.055), 0.019, "leg"), ((0.022, 0, -0.058), (0.04, 0, -0.062), 0.022, "hoof"))),
}  # fmt: skip
#: The joints: body each moves with, and its place in that body's frame; L and R are mirrored.
_MIDLINE: dict[str, tuple[str, Place]] = {
    "Nose": ("head", (0.205, 0, -0.015)), "Poll": ("head", (-0.01, 0, 0.04)), "Throat": ("throat", (0.0, 0, 0.0)),
    "Withers": ("chest", (0.29, 0, 0.13)), "Back": ("chest", (0.0, 0, 0.115)), "TailBase": ("tail", (0.0, 0, 0.0)),
    "TailTip": ("tail", (-0.06, 0, -0.1)),
}  # fmt: skip
_SIDES: dict[str, tuple[str, Place]] = {
    "Ear": ("head", (-0.06, 0.12, 0.055)), "Shoulder": ("arm", (0, 0, 0)), "Elbow": ("forearm", (0, 0, 0)),
    "Carpus": ("forecannon", (0, 0, 0)), "ForeHoof": ("forehoof", (0.03, 0, -0.06)), "Hip": ("thigh", (0, 0, 0)),
    "Stifle": ("shank", (0, 0, 0)), "Hock": ("hindcannon", (0, 0, 0)), "HindHoof": ("hindhoof", (0.03, 0, -0.06)),
}  # fmt: skip
JOINTS = (*_MIDLINE, *(name + side for name in _SIDES for side in "LR"))
#: Colours (RGB, 0 to 1) of back, belly, neck and head, and legs of each coat.
COATS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "brown": ((0.50, 0.33, 0.20), (0.80, 0.70, 0.58), (0.46, 0.30, 0.19), (0.34, 0.22, 0.14)),
    "white": ((0.86, 0.83, 0.78), (0.90, 0.88, 0.84), (0.84, 0.80, 0.75), (0.78, 0.74, 0.70)),
    "black": ((0.16, 0.14, 0.14), (0.26, 0.23, 0.22), (0.14, 0.12, 0.12), (0.12, 0.10, 0.10)),
    "hooded": ((0.84, 0.80, 0.74), (0.86, 0.82, 0.78), (0.24, 0.17, 0.13), (0.80, 0.76, 0.70)),
    "grey": ((0.45, 0.46, 0.48), (0.68, 0.68, 0.68), (0.40, 0.41, 0.43), (0.28, 0.28, 0.30)),
}
_HORN = (0.13, 0.11, 0.10)


def build_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the deer with a free root, at the subject's size and in its coat, whose tone the seed decides (metres)."""
    back, belly, head, leg = np.array(COATS[subject.coat]) * np.random.default_rng([subject.seed, 61]).uniform(0.9, 1.1)
    colours = {"back": back, "belly": belly, "neck": head, "head": head, "leg": leg, "hoof": np.array(_HORN)}
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    for name, part in _TRUNK.items():
        _add_body(spec, name, part, colours, "", 1)
    for side, sign in (("L", 1), ("R", -1)):
        for name, part in _LEGS.items():
            _add_body(spec, name, part, colours, f"_{side}", sign)
    for name, (body, place) in _MIDLINE.items():
        spec.body(body).add_site(name=name, pos=place)
    for name, (body, place) in _SIDES.items():
        for side, sign in (("L", 1), ("R", -1)):
            owner = body if body in _TRUNK else f"{body}_{side}"
            spec.body(owner).add_site(name=name + side, pos=np.array(place) * [1, sign, 1])
    scale_spec(spec, subject.scale)
    spec.body("rump").add_freejoint(name="root")
    return spec


def _add_body(spec: mujoco.MjSpec, name: str, part: Part, colours: Mapping[str, Array], suffix: str, sign: int) -> None:
    """Add a body with its joints and capsules; a `sign` of -1 mirrors it to the right side."""
    parent, place, joints, capsules = part
    mirror = np.array([1, sign, 1])
    owner = spec.body(parent if parent in _TRUNK else parent + suffix) if parent else spec.worldbody
    body = owner.add_body(name=name + suffix, pos=np.array(place) * mirror)
    for joint, axis, limits in joints:
        turned = [axis[0] * sign, axis[1], axis[2] * sign]
        body.add_joint(name=joint + suffix, axis=turned, range=limits, limited=True)
    for start, end, radius, dress in capsules:
        first, last = np.array(start) * mirror, np.array(end) * mirror
        # A size in place of `fromto`, which does not scale.
        quaternion, middle, half = np.zeros(4), (first + last) / 2, float(np.linalg.norm(last - first)) / 2
        mujoco.mju_quatZ2Vec(quaternion, (last - first) / (2 * half))
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_CAPSULE, pos=middle, quat=quaternion, size=[radius, half, 0], rgba=[*np.clip(colours[dress], 0, 1), 1],
            group=1,
        )  # fmt: skip
