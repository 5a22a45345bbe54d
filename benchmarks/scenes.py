"""``python -m benchmarks.scenes NAME FOLDER``: the scenes that methods are judged on; renders one as a study that is ready to run.

A scene is an animal in a room, filmed in takes of half rest, half motion. Its subjects and rigs are known by their seeds: some are for
tuning, others are sealed: what is reported is measured on them, once, at the end of a piece of work (``--sealed``). A study has

* ``config/``: sheets (subjects for tuning are `train`, the last two of them `test`; sealed ones are all `test`, for whoever trained on the others) and settings;
* ``recordings/SESSION/CAMERA.mp4``;
* ``truth/RIG.toml``, the cameras, which the sheet of rigs gives, so that no board is filmed;
* ``truth/SESSION/``: ``joints.parquet``, ``behaviours.parquet``, ``silhouettes.parquet`` (frame, camera, mask as PNG of the video's size; of
  every frame in short takes, of every tenth in long ones), ``poses.parquet`` (frame, mean of the joints, heading in radians).

The calibration is the only truth that the pipeline sees before the evaluation. Scenes of measured motion and of a real mouse need the real
recordings (``BKIND3D_REAL_DATA``); their first half is for tuning, the second one sealed. The real mouse has no truth but its calibration.
"""

import argparse
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.motions import write_motion
from bkind3d.config import ROOMS, InputError, SimulatedSession, SimulatedSubject, SimulationConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.video import decode_frames
from bkind3d.data.video_writer import VideoWriter
from bkind3d.simulation.layouts.laboratory import RATS
from bkind3d.simulation.rigs import make_cameras
from bkind3d.simulation.sessions import simulate_session

COATS = ("brown", "white", "black", "hooded", "grey")
#: What the settings of every scene begin with; whoever judges replaces the experiments.
SETTINGS: dict[str, Any] = {
    "recordings": ".",
    "framesets": {"subject": {"size": 64}},
    "experiments": {"bkind3d": {"preset": "demo", "frames": "subject"}},
}


@dataclass(frozen=True)
class Scene:
    """An animal in a room, and who is filmed how.

    Attributes
    ----------
    animal : a key of :data:`bkind3d.config.ANIMALS`.
    room : a key of :data:`bkind3d.config.ROOMS`.
    rig : further settings of the rig.
    motion : a key of :data:`benchmarks.motions.MOTIONS`, which the subjects follow; empty: they do what they like.
    scale : smallest and largest subject.
    seconds : length of a take, of which `rest` is the share in which the subject rests: by turns in its middle, at its beginning and end.
    tuning, sealed : seeds of the subjects.
    tuning_rigs, sealed_rigs : seeds of the rigs; subjects are filmed in them by turns.
    """

    animal: str
    room: str
    rig: Mapping[str, Any]
    motion: str = ""
    scale: tuple[float, float] = (0.94, 1.08)
    seconds: float = 8.0
    rest: float = 0.5
    tuning: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    sealed: tuple[int, ...] = (901, 902, 903, 904)
    tuning_rigs: tuple[int, ...] = (0,)
    sealed_rigs: tuple[int, ...] = (911, 912)

    def simulate(self, sealed: bool = False, motion: str = "") -> SimulationConfig:
        """The simulation of the subjects for tuning, or of the sealed ones: a session each, of the subject's name; `motion` is a file."""
        seeds, rigs = (self.sealed, self.sealed_rigs) if sealed else (self.tuning, self.tuning_rigs)
        rate = float(self.rig.get("rate", 30.0))
        return SimulationConfig.model_validate(
            {
                "rigs": {f"rig{seed}": {**self.rig, "room": self.room, "seed": seed} for seed in rigs},
                "subjects": {f"{self.animal}{seed}": make_subject(self.animal, seed, self.scale) for seed in seeds},
                "sessions": {
                    f"{self.animal}{seed}": SimulatedSession(
                        subject=f"{self.animal}{seed}",
                        rig=f"rig{rigs[index % len(rigs)]}",
                        frames=round(self.seconds * rate),
                        seed=seed,
                        motion=motion,
                        rest_seconds=self.rest * self.seconds,
                        rest=("middle", "begin", "end")[index % 3],
                        silhouette_step=1 if self.seconds < 20 else 10,
                    )
                    for index, seed in enumerate(seeds)
                },
            }
        )

    def write_study(self, folder: Path, sealed: bool = False, workers: int = 1) -> None:
        """Write a study of the subjects for tuning, or of the sealed ones, to `folder`; what is rendered already is not rendered again."""
        motion = ""
        if self.motion:
            motion = str(folder.resolve() / "truth" / f"{self.motion}.parquet")
            write_motion(self.motion, find_real_data() / "motion", Path(motion), half=int(sealed))
        simulation = self.simulate(sealed, motion)
        write_sheets(folder, simulation, sealed)
        for name, session in simulation.sessions.items():
            done, asked = folder / "truth" / name / "settings.json", describe(simulation, name)
            if not done.exists() or done.read_text(encoding="utf-8") != asked:
                simulate_session(simulation, name, folder / "recordings", folder / "truth", workers)
                done.write_text(asked, encoding="utf-8")
            write_calibration(make_cameras(simulation.rigs[session.rig]), folder / "truth" / f"{session.rig}.toml", "mm")


@dataclass(frozen=True)
class MirrorMouse:
    """A real mouse that runs on a wheel, seen from the side and, by a mirror, from below: 994 frames of one video, 250 per second.

    Its calibration is fitted to labels and nearly orthographic: 1.8 px off (median); a world unit is a pixel of the view from below.
    """

    animal: str = "mouse"
    room: str = "mirror"
    #: Rows of the video that are each camera's.
    rows: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"side": (0, 168), "bottom": (168, 406)})
    rate: float = 250.0

    def write_study(self, folder: Path, sealed: bool = False, workers: int = 1) -> None:
        """Cut the video's views, of its first half (three quarters of it to train on) or its second one, and write a study of them."""
        source = find_real_data() / "mirror_mouse"
        spans = {"mouse3": (497, 994)} if sealed else {"mouse1": (0, 373), "mouse2": (373, 497)}
        for session, (start, end) in spans.items():
            with ExitStack() as stack:
                writers = {}
                for camera, (top, bottom) in self.rows.items():
                    path = folder / "recordings" / session / f"{camera}.mp4"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    writers[camera] = stack.enter_context(VideoWriter(path, (396, bottom - top), self.rate))
                video = source / "data/mirror-mouse-example/videos/test_vid.mp4"
                for _, _, picture in decode_frames(video, wanted=range(start, end).__contains__):
                    for camera, (top, bottom) in self.rows.items():
                        writers[camera].write(np.ascontiguousarray(picture[top:bottom]))
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "derived_two_view_calibration.toml", folder / "truth/rig.toml")
        splits = {"mouse1": "train", "mouse2": "test", "mouse3": "test"}
        _write_study(
            folder,
            [(name, "mouse", "rig", splits[name], "", "") for name in spans],
            [(name, camera, f"recordings/{name}/{camera}.mp4") for name in spans for camera in self.rows],
            [("rig", "mm", "truth/rig.toml")],
            "mirror_mouse",
        )


def find_real_data() -> Path:
    """The folder of the real recordings."""
    folder = os.environ.get("BKIND3D_REAL_DATA", "")
    if not folder or not Path(folder).is_dir():
        raise InputError("", "BKIND3D_REAL_DATA names no folder of real recordings, and this scene is made of one", "set it")
    return Path(folder)


def make_subject(animal: str, seed: int, scale: tuple[float, float] = (0.94, 1.08)) -> SimulatedSubject:
    """A subject by its seed; rats 1 to 6 of usual size are the demo's."""
    if animal == "rodent" and f"rat{seed}" in RATS and scale[0] < 1 < scale[1]:
        return RATS[f"rat{seed}"]
    rng = np.random.default_rng([seed, 51])
    return SimulatedSubject.model_validate(
        {"animal": animal, "scale": round(rng.uniform(*scale), 3), "coat": COATS[rng.integers(len(COATS))], "seed": seed}
    )


def describe(simulation: SimulationConfig, session: str) -> str:
    """All that a session's files depend on."""
    settings = simulation.sessions[session]
    parts = (settings, simulation.rigs[settings.rig], simulation.subjects[settings.subject])
    return json.dumps([*(part.model_dump(mode="json") for part in parts), asdict(ROOMS[parts[1].room])])


def write_sheets(folder: Path, simulation: SimulationConfig, sealed: bool) -> None:
    """Write sheets and settings of a study in which all sessions of `simulation` are recordings like any others."""
    names = list(simulation.sessions)
    sessions = [
        (
            name,
            session.subject,
            session.rig,
            "test" if sealed or name in names[-2:] else "train",
            f"truth/{name}/joints.parquet",
            f"truth/{name}/behaviours.parquet",
        )
        for name, session in simulation.sessions.items()
    ]
    cameras = [
        (name, f"cam{number}", f"recordings/{name}/cam{number}.mp4")
        for name, session in simulation.sessions.items()
        for number in range(1, simulation.rigs[session.rig].cameras + 1)
    ]
    _write_study(folder, sessions, cameras, [(name, "mm", f"truth/{name}.toml") for name in simulation.rigs], "simulated")


def _write_study(
    folder: Path, sessions: Sequence[Sequence[str]], cameras: Sequence[Sequence[str]], rigs: Sequence[Sequence[str]], dataset: str
) -> None:
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    _write_sheet(config / "sessions.tsv", ("session", "subject", "rig", "split", "joints", "behaviours"), sessions)
    _write_sheet(config / "cameras.tsv", ("session", "camera", "video"), cameras)
    _write_sheet(config / "rigs.tsv", ("rig", "units", "calibration"), rigs)
    (config / "config.yaml").write_text(yaml.safe_dump({"dataset": dataset, **SETTINGS}, sort_keys=False), encoding="utf-8")


def _write_sheet(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    path.write_text("\n".join("\t".join(cells) for cells in (columns, *rows)) + "\n", encoding="utf-8")


def _film_rats(room: str, **more: Any) -> Scene:
    return Scene("rodent", room, {"cameras": 4}, **more)


def _film_deer(room: str, **more: Any) -> Scene:
    rig = {"cameras": 4, "width": 400, "height": 300, "arena": 3600, "arena_height": 1200}
    return Scene("deer", room, rig, sealed=(921, 922, 923, 924), sealed_rigs=(931, 932), **more)


def _film_flies(room: str) -> Scene:
    rig = {"cameras": 4, "width": 400, "height": 300, "arena": 16, "arena_height": 4, "rate": 50}
    return Scene("fly", room, rig, sealed=(941, 942, 943, 944), sealed_rigs=(951, 952))


def _film_tethered_flies(room: str) -> Scene:
    rig = {"cameras": 4, "width": 400, "height": 300, "arena": 14, "arena_height": 9, "rate": 50}
    return Scene("tethered_fly", room, rig, sealed=(961, 962, 963, 964), sealed_rigs=(971, 972))


def _film_people(room: str, arena: int = 4000, **more: Any) -> Scene:
    rig = {"cameras": 4, "width": 400, "height": 300, "arena": arena, "arena_height": 2000}
    return Scene("person", room, rig, sealed=(981, 982, 983, 984), sealed_rigs=(991, 992), **more)


#: The scenes by name: the animal, the room, and ``minute`` where takes are of 60 s, or ``measured`` in place of the room for measured motion.
SCENES: dict[str, Scene | MirrorMouse] = {
    **{f"rat-{room}": _film_rats(room) for room in ("laboratory", "bright", "bedding", "infrared")},
    **{f"deer-{room}": _film_deer(room) for room in ("bright", "sunny", "dark")},
    **{f"fly-{room}": _film_flies(room) for room in ("laboratory", "bright")},
    "tethered-fly-dark": _film_tethered_flies("dark"),
    **{f"person-{room}": _film_people(room) for room in ("laboratory", "tiles")},
    "rat-laboratory-minute": _film_rats("laboratory", seconds=60.0),
    "deer-sunny-minute": _film_deer("sunny", seconds=60.0),
    "rat-measured": _film_rats("bright", motion="rat"),
    "mouse-measured": Scene("rodent", "infrared", {"cameras": 4, "arena": 420, "arena_height": 100}, "mouse", scale=(0.5, 0.56)),
    "tethered-fly-measured": replace(_film_tethered_flies("laboratory"), motion="fly"),
    "person-measured": _film_people("sunny", arena=5400, motion="person-walk"),
    "mirror-mouse": MirrorMouse(),
}


def main() -> None:
    """Render a scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=SCENES, help="of the scene")
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--sealed", action="store_true", help="the sealed subjects, in the sealed rigs")
    parser.add_argument("--workers", type=int, default=1, help="processes that film")
    arguments = parser.parse_args()
    SCENES[arguments.name].write_study(arguments.folder, arguments.sealed, arguments.workers)


if __name__ == "__main__":
    main()
