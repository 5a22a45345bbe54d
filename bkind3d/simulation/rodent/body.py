"""The rat: dm_control's skinned rodent, scaled, dressed in a coat, with named joints.

Rest pose of the model: nose towards +x, z up, paws on the floor at z = 0; metres.
"""

import mujoco
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.floors import make_noise
from bkind3d.simulation.scenes import add_material
from bkind3d.simulation.walkers import read_walker, scale_spec

#: Angle of the jaw when the mouth is closed, radians.
JAW = -0.28
#: Direction of the front in the root's frame.
FRONT = (1.0, 0.0, 0.0)
#: Joint: body it moves with, and its place in the rest pose (m). A place without z is put onto the fur above it. Names
#: and places follow the markers of Rat7M; those of the limbs sit in the middle of the articulation.
JOINTS: dict[str, tuple[str, tuple[float, ...]]] = {
    "HeadF": ("skull", (0.114, 0.0)),
    "HeadB": ("skull", (0.090, 0.0)),
    "HeadL": ("skull", (0.100, 0.014)),
    "SpineF": ("torso", (0.045, 0.0)),
    "SpineM": ("vertebra_1", (0.006, 0.0)),
    "SpineL": ("pelvis", (-0.038, 0.0)),
    "HipL": ("pelvis", (-0.038, 0.016)),
    "HipR": ("pelvis", (-0.038, -0.016)),
    "ShoulderL": ("upper_arm_L", (0.066, 0.0115, 0.051)),
    "ShoulderR": ("upper_arm_R", (0.066, -0.0115, 0.051)),
    "ElbowL": ("lower_arm_L", (0.050, 0.0218, 0.0288)),
    "ElbowR": ("lower_arm_R", (0.050, -0.0218, 0.0288)),
    "ArmL": ("hand_L", (0.072, 0.0344, 0.009)),
    "ArmR": ("hand_R", (0.072, -0.0344, 0.009)),
    "KneeL": ("lower_leg_L", (-0.0226, 0.029, 0.0315)),
    "KneeR": ("lower_leg_R", (-0.0226, -0.029, 0.0315)),
    "ShinL": ("lower_leg_L", (-0.045, 0.0257, 0.0161)),
    "ShinR": ("lower_leg_R", (-0.045, -0.0257, 0.0161)),
    "FootL": ("toe_L", (-0.0338, 0.0319, 0.0067)),
    "FootR": ("toe_R", (-0.0338, -0.0319, 0.0067)),
    "TailBase": ("vertebra_C1", (-0.049, 0.0, 0.055)),
}

#: Coat: colours (RGB) of head and shoulders, of the rear, and of the belly.
COATS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "brown": ((118, 84, 56), (118, 84, 56), (168, 140, 112)),
    "white": ((226, 222, 214), (226, 222, 214), (230, 224, 216)),
    "black": ((44, 40, 40), (44, 40, 40), (62, 56, 54)),
    "grey": ((112, 114, 120), (112, 114, 120), (152, 152, 154)),
    "hooded": ((50, 42, 38), (216, 210, 200), (222, 216, 206)),
}
_BARE = (206, 158, 148)
_BARE_BODIES = ("vertebra_C", "foot", "toe", "hand", "finger")


def build_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
    """Build the rat with a free root, at the subject's size and in its coat (metres)."""
    spec = read_walker("rodent.xml")
    template = spec.compile()
    # The skin was bound to a larger skeleton (1 / 0.82); at the skeleton's own size it fits without folds.
    template.skin_vert[:], template.skin_bonebindpos[:] = 0.82 * template.skin_vert, 0.82 * template.skin_bonebindpos
    data = mujoco.MjData(template)
    mujoco.mj_kinematics(template, data)
    for name, (body, place) in JOINTS.items():
        near = np.linalg.norm(template.skin_vert[:, :2] - place[:2], axis=1) < 0.006
        height = place[2] if len(place) > 2 else template.skin_vert[near, 2].max()
        rotation = data.body(body).xmat.reshape(3, 3)
        spec.body(body).add_site(name=name, pos=rotation.T @ (np.array([*place[:2], height]) - data.body(body).xpos))
    dress_skin(spec, template, subject)
    scale_spec(spec, subject.scale)
    spec.body("torso").add_freejoint(name="root")
    spec.joint("mandible").springref = JAW
    return spec


def dress_skin(spec: mujoco.MjSpec, template: mujoco.MjModel, subject: SimulatedSubject) -> None:
    """Give the skin of `spec` a texture: along it from tail to nose, across it from bare skin over belly to back."""
    skin, vertices = spec.skins[0], template.skin_vert
    starts, counts = template.skin_bonevertadr, template.skin_bonevertnum
    parts = [slice(start, start + count) for start, count in zip(starts, counts, strict=True)]
    names = [template.body(body).name for body in template.skin_bonebodyid]
    bare = np.zeros(len(vertices))
    for name, part in zip(names, parts, strict=True):
        if name.startswith(_BARE_BODIES):
            np.add.at(bare, template.skin_bonevertid[part], template.skin_bonevertweight[part])
    along = (vertices[:, 0] + 0.08) / 0.24
    height = np.clip((vertices[:, 2] - 0.02) / 0.07, 0, 1)
    across = 0.1 + (0.3 + 0.5 * height) * (1 - np.clip(bare, 0, 1))
    skin.file, skin.material, skin.rgba = "", "fur", [1, 1, 1, 1]
    skin.vert, skin.face = vertices.ravel(), template.skin_face.ravel()
    skin.bodyname, skin.bindpos, skin.bindquat = names, template.skin_bonebindpos.ravel(), template.skin_bonebindquat.ravel()
    skin.vertid = [template.skin_bonevertid[part] for part in parts]
    skin.vertweight = [template.skin_bonevertweight[part] for part in parts]
    skin.texcoord = np.stack([np.clip(along, 0.01, 0.99), across], axis=1).ravel()
    add_material(spec, "fur", paint_coat(subject))


def paint_coat(subject: SimulatedSubject, size: int = 256) -> UInt8[NDArray, "size size 3"]:
    """(size, size, 3) texture of the coat: columns from tail to nose, rows from bare skin (0) over belly to back (1)."""
    rng = np.random.default_rng([subject.seed, 11])
    front, rear, belly = (np.array(colour, float) for colour in COATS[subject.coat])
    along, across = np.linspace(0, 1, size)[None, :, None], np.linspace(0, 1, size)[:, None, None]
    ragged = 0.03 * make_noise(rng, size, 8)[..., None]
    hood = np.clip((along + ragged - 0.52) / 0.04 + 0.5, 0, 1)
    back = np.clip((across + ragged - 0.52) / 0.1, 0, 1)
    furred = np.clip((across - 0.2) / 0.15, 0, 1)
    coat = belly + (rear + (front - rear) * hood - belly) * np.maximum(back, hood)
    mottled = coat * (1 + 0.06 * make_noise(rng, size, 1.5)[..., None] + 0.05 * make_noise(rng, size, 6)[..., None])
    return np.clip(np.array(_BARE) + (mottled - _BARE) * furred, 0, 255).astype(np.uint8)
