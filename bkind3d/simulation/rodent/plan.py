"""What the rat does: which behaviour when, along which path, in which posture of the trunk.

Postures are drawn at random for every bout of a behaviour, and joined smoothly. Each subject has habits of its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Take
from bkind3d.simulation.paths import Roaming, insert_rest, make_wander, plan_bouts, plan_path

ROAMING = Roaming(
    durations={"rest": (0.8, 1.5), "walk": (1.0, 2.0), "turn": (0.7, 1.1), "rear": (1.0, 1.7), "groom": (1.1, 1.8)},
    paces={"walk": (0.13, 0.24)},
)
BEHAVIOURS = ROAMING.behaviours

#: Mean, spread between bouts, and wandering within a bout, of each channel of the posture. Height (of the pelvis) and
#: back (how far it is behind its place above the hind paws) in m at scale 1; angles in radians: pitch of the pelvis
#: (nose up), flex (back arched) and bend (to the left) of the spine, neck_yaw and neck_tilt; head_down is
#: the head's pitch to the horizontal. Air is how
#: much the forepaws are off the floor, rub how much they are at the snout, sit how much the heels are down.
POSTURES: dict[str, dict[str, tuple[float, float, float]]] = {
    "rest": {"height": (0.046, 0.002, 0.001), "pitch": (0.22, 0.06, 0.02), "flex": (0.36, 0.1, 0.03), "bend": (0, 0.3, 0.03),
             "head_down": (0.25, 0.1, 0.05), "neck_yaw": (0, 0.3, 0.1), "neck_tilt": (0, 0.1, 0.05), "sit": (1, 0, 0)},
    "walk": {"height": (0.060, 0.003, 0.001), "pitch": (0.06, 0.04, 0.02), "flex": (0.08, 0.08, 0.04), "bend": (0, 0.04, 0.05),
             "head_down": (0.1, 0.12, 0.1), "neck_yaw": (0, 0.05, 0.15), "neck_tilt": (0, 0.05, 0.05)},
    "turn": {"height": (0.055, 0.003, 0.001), "pitch": (0.12, 0.04, 0.02), "flex": (0.2, 0.1, 0.04), "bend": (0, 0.04, 0.03),
             "head_down": (0.15, 0.12, 0.05), "neck_yaw": (0, 0.05, 0.05), "neck_tilt": (0, 0.1, 0.05)},
    "rear": {"height": (0.070, 0.004, 0.002), "pitch": (0.78, 0.06, 0.04), "flex": (-0.6, 0.1, 0.05), "bend": (0, 0.15, 0.1),
             "head_down": (-0.35, 0.2, 0.15), "neck_yaw": (0, 0.3, 0.35), "neck_tilt": (0, 0.15, 0.1), "air": (1, 0, 0)},
    "groom": {"height": (0.058, 0.002, 0.001), "back": (0.018, 0.003, 0.001), "pitch": (0.72, 0.05, 0.03), "flex": (0.0, 0.1, 0.04),
              "bend": (0, 0.08, 0.05), "head_down": (0.42, 0.08, 0.05), "neck_yaw": (0, 0.05, 0.05), "neck_tilt": (0, 0.15, 0.1),
              "air": (1, 0, 0), "sit": (1, 0, 0), "rub": (1, 0, 0)},
}  # fmt: skip
CHANNELS = ("height", "back", "pitch", "flex", "bend", "head_down", "neck_yaw", "neck_tilt", "air", "sit", "rub")


@dataclass(frozen=True)
class Plan:
    """What the animal is about to do: (frame,) arrays; world (m), radians.

    Attributes
    ----------
    labels : index into :data:`BEHAVIOURS`.
    x, y, yaw : place above the hind paws, and heading.
    turning : heading's change per second.
    phase : strides so far.
    posture : the channels of :data:`POSTURES`, and ``stroke``, the phase of grooming.
    """

    labels: Int[NDArray, "..."]
    x: Array
    y: Array
    yaw: Array
    turning: Array
    phase: Array
    posture: dict[str, Array]


def plan_motion(subject: SimulatedSubject, take: Take) -> Plan:
    """Draw behaviours, path and posture of a take."""
    rng = np.random.default_rng([take.seed, subject.seed, 21])
    habits = np.random.default_rng([subject.seed, 22])
    n_frames, rate, scale = take.frames, take.rate, subject.scale
    bouts = plan_bouts(rng, ROAMING, n_frames, rate, take.behaviours)
    if take.rest_seconds:
        bouts = insert_rest(bouts, ROAMING, *take.find_rest())
    path = plan_path(rng, ROAMING, bouts, rate, scale * habits.uniform(0.9, 1.1), take.arena / 2000 - 0.16 * scale)
    time = np.arange(n_frames) / rate
    labels, posture = path["label"].astype(np.intp), {name: np.zeros(n_frames) for name in CHANNELS}
    borders = [0, *(np.flatnonzero(np.diff(labels)) + 1), n_frames]
    wanders = {name: make_wander(rng, n_frames, rate, 0.25) for name in CHANNELS}
    manner = {name: habits.normal(0, 0.4) for name in CHANNELS}
    for start, end in zip(borders, borders[1:], strict=False):
        for name, (mean, spread, wander) in POSTURES[BEHAVIOURS[labels[start]]].items():
            posture[name][start:end] = mean + spread * (rng.normal() + manner[name]) + wander * wanders[name][start:end]
    posture = {name: gaussian_filter1d(values, 0.11 * rate, mode="nearest") for name, values in posture.items()}
    posture["bend"] += np.clip(0.3 * path["turning"], -0.65, 0.65)
    pace = path["speed"] / scale + 0.1 * np.abs(path["turning"]) + 0.06 * rate * np.abs(np.gradient(posture["bend"]))
    phase = np.cumsum(np.where(pace > 0.03, pace, 0) / 0.075 / rate) + rng.uniform()
    moving, stride = np.clip(pace / 0.15, 0, 1), 2 * np.pi * phase
    breath = 2 * np.pi * habits.uniform(1.4, 2.0) * time
    posture["height"] += 0.0008 * np.sin(breath) + 0.0015 * moving * np.sin(2 * stride)
    posture["flex"] += 0.03 * np.sin(breath) + 0.04 * moving * np.sin(2 * stride + 1)
    posture["bend"] += 0.09 * moving * np.sin(stride)
    posture["neck_yaw"] += np.clip(0.3 * path["turning"], -0.6, 0.6) - 0.06 * moving * np.sin(stride)
    posture["stroke"] = 2 * np.pi * np.cumsum(2.8 + 0.5 * make_wander(rng, n_frames, rate, 0.5)) / rate
    posture["head_down"] += 0.1 * posture["rub"] * np.sin(posture["stroke"])
    # The forelegs fold only so far: lift the shoulders where height and arch of the back would bring them too low.
    shoulders = posture["height"] + 0.064 * np.sin(posture["pitch"] - posture["flex"] / 2)
    posture["pitch"] += np.maximum(0.050 - shoulders, 0) / 0.064
    posture["neck_down"] = posture["head_down"] + posture["pitch"] - posture["flex"]
    return Plan(labels, path["x"], path["y"], path["yaw"], path["turning"], phase, posture)
