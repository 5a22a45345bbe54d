"""``python -m benchmarks.motions FOLDER OUTPUT``: measured motion as tables of joints that ``simulation.sessions.NAME.motion`` takes.

With ``--fit``, each is followed by its animal for up to so many seconds from its beginning, and how well is printed as a table.

FOLDER is the ``motion`` folder of the real recordings (``BKIND3D_REAL_DATA``). Markers get the names of the animals' joints; the world's z
axis points up. Lengths are those of the files.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bkind3d.config import SimulatedSubject
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import write_table
from bkind3d.data.points import read_points
from bkind3d.simulation.animals import get_animal
from bkind3d.simulation.measured import Follower, bring_to_body, smooth_jumps

Array = NDArray[np.float64]
#: Markers of the rat, in the order of its file, as the joints of the simulated one; those without a name there are left out.
RAT = (
    "HeadF", "HeadL", "", "SpineF", "SpineM", "SpineL", "TailBase", "ShoulderL", "ElbowL", "", "ArmL", "ShoulderR", "ElbowR", "", "ArmR",
    "HipL", "KneeL", "ShinL", "FootL", "HipR", "KneeR", "ShinR", "FootR",
)  # fmt: skip
#: Points of the mouse, by their numbers.
MOUSE = {
    0: "HeadF", 5: "HeadB", 2: "HeadL", 14: "SpineF", 23: "SpineM", 3: "TailBase", 28: "HipL", 29: "HipR", 10: "ShoulderL", 11: "ShoulderR",
    15: "ElbowL", 16: "ElbowR", 19: "ArmL", 20: "ArmR", 12: "KneeL", 13: "KneeR", 21: "ShinL", 22: "ShinR", 31: "FootL", 33: "FootR",
}  # fmt: skip
#: Joints of a person's clips, in the order of the skeleton, and the numbers that each takes in a frame.
PERSON = {
    "root": "Pelvis", "chest": "Spine", "neck": "Thorax", "right_hip": "RHip", "right_knee": "RKnee", "right_ankle": "RAnkle",
    "right_shoulder": "RShoulder", "right_elbow": "RElbow", "right_wrist": "RWrist", "left_hip": "LHip", "left_knee": "LKnee",
    "left_ankle": "LAnkle", "left_shoulder": "LShoulder", "left_elbow": "LElbow", "left_wrist": "LWrist",
}  # fmt: skip
_NUMBERS = {"spherical": 4, "revolute": 1, "fixed": 0, "none": 0}


def read_rat(folder: Path) -> tuple[list[str], Array, float, str]:
    """Names, (frame, joint, 3) positions, rate and units."""
    markers = scipy.io.loadmat(folder / "rodents/tests/data/test_rodent_mocap_1000_frames.mat")["pred"].transpose(0, 2, 1)
    kept = [index for index, name in enumerate(RAT) if name]
    return [RAT[index] for index in kept], markers[:, kept], 50.0, "mm"


def read_mouse(folder: Path) -> tuple[list[str], Array, float, str]:
    """The mouse, turned so that what its feet stand on is level: its file has a camera's axes."""
    with h5py.File(folder / "rodents/tests/data/test_mouse_mocap_3600_frames.h5") as file:
        tracks = file["tracks"][:, 0]
    feet = tracks[:, [19, 20, 21, 22, 31, 33]].reshape(-1, 3)
    # The plane below which hardly any foot is: fitted again and again to those that are near it or below.
    normal, chosen = np.array([0.0, -1.0, 0.0]), feet
    for _ in range(20):
        middle = chosen.mean(axis=0)
        fitted = np.linalg.svd(chosen - middle, full_matrices=False)[2][2]
        normal = fitted * np.sign(fitted @ [0.0, -1.0, 0.0])
        heights = (feet - middle) @ normal
        chosen = feet[heights < np.percentile(heights, 40)]
    turn, _ = Rotation.align_vectors([[0, 0, 1]], [normal])
    turned = turn.apply(tracks.reshape(-1, 3)).reshape(tracks.shape)
    return [*MOUSE.values()], turned[:, [*MOUSE]], 30.0, "mm"


def read_person(folder: Path, clip: str) -> tuple[list[str], Array, float, str]:
    """A person's clip: positions of the joints by forward kinematics of the clips' skeleton."""
    base = folder / "deepmimic_motions/data"
    skeleton = json.loads((base / "characters/humanoid3d.txt").read_text(encoding="utf-8"))["Skeleton"]["Joints"]
    # The files end lists with commas.
    text = re.sub(r",(\s*[\]}])", r"\1", (base / "motions" / clip).read_text(encoding="utf-8"))
    frames = np.array(json.loads(text)["Frames"])
    places, turns, column = [], [], 8
    for joint in skeleton:
        attached = np.array([joint["AttachX"], joint["AttachY"], joint["AttachZ"]])
        if joint["Parent"] < 0:
            places.append(frames[:, 1:4])
            turns.append(Rotation.from_quat(frames[:, 4:8], scalar_first=True))
            continue
        numbers, parent = frames[:, column : column + _NUMBERS[joint["Type"]]], joint["Parent"]
        column += numbers.shape[1]
        places.append(places[parent] + turns[parent].apply(attached))
        own = Rotation.identity()
        if numbers.shape[1] == 4:
            own = Rotation.from_quat(numbers, scalar_first=True)
        elif numbers.shape[1] == 1:
            own = Rotation.from_rotvec(numbers * [0.0, 0.0, 1.0])
        turns.append(turns[parent] * own)
    names = [joint["Name"] for joint in skeleton]
    positions = np.stack([places[names.index(name)] for name in PERSON], axis=1)
    # y points up in the clips, z here.
    return [*PERSON.values()], positions[..., [0, 2, 1]] * [1, -1, 1], 1 / float(np.median(frames[:-1, 0])), "m"


def read_fly(folder: Path) -> tuple[list[str], Array, float, str]:
    """The fly, whose thorax is fixed: six times slower than it was, so that cameras of usual rates can film it."""
    clip = np.load(folder / "fly_spotlight/src/flygym_demo/spotlight_data/assets/spotlight_behavior_clip.npz", allow_pickle=True)
    pairs = {"f": "T1", "m": "T2", "h": "T3"}
    parts = ("Coxa", "Trochanter", "Knee", "Ankle", "Claw")
    names = [parts[index % 5] + pairs[leg[1]] + leg[0].upper() for index, (leg, *_) in enumerate(clip["keypoints"])]
    return names, clip["rawpred_egoxyz"].astype(np.float64), float(clip["data_fps"]) / 6, "mm"


#: The motions by name: the animal that each is for, and who reads it.
MOTIONS: dict[str, tuple[str, Callable[[Path], tuple[list[str], Array, float, str]]]] = {
    "rat": ("rodent", read_rat),
    "mouse": ("rodent", read_mouse),
    "fly": ("tethered_fly", read_fly),
    **{
        name: ("person", lambda folder, clip=clip: read_person(folder, clip))  # type: ignore[misc]
        for name, clip in {
            "person-walk": "long/humanoid3d_long_walk1.txt",
            "person-dance": "humanoid3d_dance_a.txt",
            "person-crawl": "humanoid3d_crawl.txt",
        }.items()
    },
}


def write_motion(name: str, folder: Path, path: Path, half: int | None = None) -> None:
    """Write one of the :data:`MOTIONS`, or its first (0) or second `half`, as a table of joints."""
    names, positions, rate, units = MOTIONS[name][1](folder)
    if half is not None:
        positions = np.array_split(positions, 2)[half]
    write_table(make_joints(np.arange(len(positions)), names, positions), "joints", path, {"units": units, "rate": rate})


def measure_fit(name: str, path: Path, seconds: float) -> str:
    """A row of the table: what was fitted, how far it jumps before and after smoothing, and how far off the simulated joints are."""
    animal, scale = get_animal(MOTIONS[name][0]), 0.53 if name == "mouse" else 1.0
    table = read_points(path, "joints")
    rate, unit = float(table.metadata["rate"]), {"m": 1000.0, "mm": 1.0}[table.metadata["units"]]
    kept = table.positions[: round(seconds * rate)]
    smooth = smooth_jumps(kept, rate)
    jumps = [unit * np.linalg.norm(np.diff(points, axis=0), axis=2).max() for points in (kept, smooth)]
    model = animal.build_spec(SimulatedSubject(animal=MOTIONS[name][0], scale=scale)).compile()
    follower = Follower(model, table.names)
    markers = bring_to_body(smooth, follower.find_points(model.qpos0))
    follower.learn_offsets(markers[:: max(1, len(markers) // 40)])
    start = time.process_time()
    _, errors = follower.follow(markers)
    spent = 1000 * (time.process_time() - start) / len(markers)
    offsets = 1000 * np.linalg.norm(follower.offsets, axis=1)
    return (
        f"| {name} | {MOTIONS[name][0]} | {len(kept)} at {rate:.0f} Hz, {len(table.names)} joints | {jumps[0]:.2f}, {jumps[1]:.2f} | "
        f"{1000 * follower.size:.3g} | {1000 * np.median(errors):.2g} | {1000 * np.percentile(errors, 95):.2g} | "
        f"{np.median(offsets):.2g}, {offsets.max():.2g} | {spent:.0f} |"
    )


def main() -> None:
    """Write all motions, and fit them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder `motion` of the real recordings")
    parser.add_argument("output", type=Path, help="folder that gets NAME.parquet")
    parser.add_argument("--fit", type=float, metavar="SECONDS", help="follow each for up to so long, and print how well")
    arguments = parser.parse_args()
    for name in MOTIONS:
        path = arguments.output / f"{name}.parquet"
        write_motion(name, arguments.folder, path)
        if arguments.fit:
            print(measure_fit(name, path, arguments.fit), flush=True)


if __name__ == "__main__":
    main()
