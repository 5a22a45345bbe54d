"""What is labelled: which frames of a study, which joints, what was clicked, and where that puts each joint."""

import getpass
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError, read_text
from bkind3d.data.parquet import read_table
from bkind3d.data.points import Points, read_points
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import pixel_directions, project_through_lens
from bkind3d.joints.choice import choose_frames, interleave, share_frames, spread_over_time
from bkind3d.joints.clicks import STATES, Click, changed_clicks, hold_labels, read_clicks, triangulate_clicks
from bkind3d.joints.labels import fit_cameras
from bkind3d.labelling.pictures import Key, Pictures
from bkind3d.study.layout import LABELS
from bkind3d.study.study import Study

#: Points of an epipolar line, and the distances from the camera between which it is drawn, in shares of that to the middle of the scene.
_LINE_POINTS, _NEAR, _FAR = 60, 0.2, 3.0
#: Joints of a frame, and frames' keypoints, of which what is shown is kept.
_MOST_KEPT = 4096


@dataclass(frozen=True)
class Task:
    """A frame to label."""

    session: str
    frame: int


@dataclass
class Work:
    """The labelling of a study: changes go to the study's folder at once.

    Attributes
    ----------
    tasks : in the order in which they are labelled.
    cameras : of each session, for the pictures of its videos.
    keypoints : of the sessions that have them.
    """

    study: Study
    tasks: list[Task]
    cameras: dict[str, dict[str, Camera]]
    keypoints: dict[str, Points]
    pictures: Pictures
    who: str = field(default_factory=getpass.getuser)

    def __post_init__(self) -> None:
        # A click changes one joint of one frame: what is known of all others is kept.
        self._describe_joint = lru_cache(_MOST_KEPT)(lambda session, clicks: describe_joint(clicks, self.cameras[session]))
        self._project_keypoints = lru_cache(_MOST_KEPT)(self.project_keypoints)

    @property
    def folder(self) -> Path:
        """Where labels lie."""
        return self.study.folder / LABELS

    def find_file(self, session: str) -> Path:
        """The labels of a session."""
        return self.folder / f"{session}.tsv"

    @property
    def joints(self) -> list[str]:
        """Names of the joints: those that were made, then those that labels have besides."""
        path = self.folder / "joints.txt"
        made = [line.strip() for line in read_text(path).splitlines() if line.strip()] if path.exists() else []
        used = (click.joint for name in self.cameras for click in read_clicks(self.find_file(name)).values())
        return list(dict.fromkeys([*made, *used]))

    def add_joint(self, name: str) -> None:
        """Make a joint.

        Raises
        ------
        InputError : where the name is none, or taken.
        """
        with hold_labels(self.folder):
            names = self.joints
            self._write_joints([*names, _clean_name(name, names)])

    def rename_joint(self, old: str, new: str) -> None:
        """Give a joint another name, in all labels."""
        with hold_labels(self.folder):
            names = self.joints
            if old not in names:
                raise InputError("", f"there is no joint {old!r}", f"known: {', '.join(names)}")
            clean = _clean_name(new, names)
            self._write_joints([*names, clean])
            for session in self.cameras:
                with changed_clicks(self.find_file(session)) as clicks:
                    for key, click in list(clicks.items()):
                        if click.joint == old:
                            moved = replace(clicks.pop(key), joint=clean)
                            clicks[moved.key] = moved
            self._write_joints([clean if name == old else name for name in names])

    def _write_joints(self, names: Sequence[str]) -> None:
        with replaced_when_complete(self.folder / "joints.txt") as temporary:
            temporary.write_text("\n".join(dict.fromkeys(names)) + "\n", encoding="utf-8")

    def click(self, index: int, camera: str, joint: str, state: str, place: tuple[float, float] | None = None) -> dict[str, Any]:
        """Set what is known of a joint in a view, or, with the state ``none``, forget it; absent is meant of all views.

        Returns
        -------
        What :meth:`describe` gives, and `before`: the clicks that were there, by which it is undone.
        """
        task = self.tasks[index]
        cameras = self.cameras[task.session]
        if camera not in cameras or joint not in self.joints or state not in (*STATES, "none"):
            raise InputError("", f"no click of {joint!r} in {camera!r} as {state!r}", "reload the page")
        width, height = cameras[camera].size
        if state == "seen" and not (place and -0.5 <= place[0] < width and -0.5 <= place[1] < height):
            raise InputError("", f"{place} is outside the picture of {camera} ({width} x {height})", "click inside it")
        x, y = place if state == "seen" and place else (np.nan, np.nan)
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        names = cameras if state == "absent" else [camera]
        before = []
        with hold_labels(self.folder), changed_clicks(self.find_file(task.session)) as clicks:
            for name in names:
                new = Click(task.frame, name, joint, x, y, state, self.who, when)
                before.append(_pack(clicks.get(new.key), new))
                if state == "none":
                    clicks.pop(new.key, None)
                else:
                    clicks[new.key] = new
        return self.describe(index) | {"before": before}

    def describe(self, index: int) -> dict[str, Any]:
        """All that the page shows of a frame: clicks, where they put each joint in every view, errors, epipolar lines, keypoints."""
        task = self.tasks[index]
        here: dict[str, list[Click]] = {joint: [] for joint in self.joints}
        for click in read_clicks(self.find_file(task.session)).values():
            if click.frame == task.frame:
                here.setdefault(click.joint, []).append(click)  # a joint may have come meanwhile
        joints = {joint: self._describe_joint(task.session, tuple(clicks)) for joint, clicks in here.items()}
        return {"index": index, "session": task.session, "frame": task.frame, "joints": joints, "keypoints": self._project_keypoints(task)}

    def project_keypoints(self, task: Task) -> dict[str, Any]:
        """Names of the keypoints, and their pixels in every view of a frame."""
        points = self.keypoints.get(task.session)
        if points is None:
            return {"names": [], "views": {}}
        positions = points.positions_at(np.array([task.frame]))[0]
        views = {name: _list(project_through_lens(camera, positions)) for name, camera in self.cameras[task.session].items()}
        return {"names": list(points.names), "views": views}

    def list_progress(self) -> list[int]:
        """How many joints each frame has in two views or more, or absent."""
        views = Counter[tuple[str, int, str]]()
        for session in dict.fromkeys(task.session for task in self.tasks):
            for click in read_clicks(self.find_file(session)).values():
                views[session, click.frame, click.joint] += (click.state == "seen") + 2 * (click.state == "absent")
        counts = Counter((session, frame) for (session, frame, _), number in views.items() if number >= 2)
        return [counts[task.session, task.frame] for task in self.tasks]

    def list_keys(self, index: int) -> Iterator[Key]:
        """The pictures of a frame; none beyond the last."""
        if 0 <= index < len(self.tasks):
            task = self.tasks[index]
            yield from ((task.session, camera, task.frame) for camera in self.cameras[task.session])


def _clean_name(name: str, taken: Sequence[str]) -> str:
    """The name of a new joint."""
    clean = name.strip()
    if not clean or len(clean) > 60 or not clean.isprintable():
        raise InputError("", f"{name!r} is no name of a joint", "write letters, digits and _, at most 60")
    if clean.lower() in (known.lower() for known in taken):
        raise InputError("", f"there is a joint {clean!r} already", "choose another name")
    return clean


def _list(pixels: Float[NDArray, "point 2"]) -> list[list[float] | None]:
    return [[round(float(x), 2), round(float(y), 2)] if np.isfinite([x, y]).all() else None for x, y in pixels]


def _pack(old: Click | None, new: Click) -> dict[str, Any]:
    """What undoes a change."""
    if old is None:
        return {"camera": new.camera, "joint": new.joint, "state": "none"}
    return {"camera": old.camera, "joint": old.joint, "state": old.state, "place": [old.x, old.y] if old.state == "seen" else None}


def describe_joint(clicks: Sequence[Click], cameras: Mapping[str, Camera]) -> dict[str, Any]:
    """All that the page shows of a joint in a frame."""
    views: dict[str, Any] = {click.camera: {"state": click.state} for click in clicks}
    for click in clicks:
        if click.state == "seen":
            views[click.camera]["place"] = [round(click.x, 2), round(click.y, 2)]
    found = triangulate_clicks(clicks, cameras)
    content: dict[str, Any] = {
        "views": views,
        "errors": {name: round(error, 2) for name, error in found.errors.items() if np.isfinite(error)},
    }
    content["contradiction"] = found.worst
    if np.isfinite(found.position).all():
        content["projected"] = {name: _list(project_through_lens(camera, found.position[None]))[0] for name, camera in cameras.items()}
    elif len(found.errors) == 1:
        (only,) = (click for click in clicks if click.state == "seen")
        content["lines"] = draw_epipolar_lines(only, cameras)
    return content


def draw_epipolar_lines(click: Click, cameras: Mapping[str, Camera]) -> dict[str, list[list[float] | None]]:
    """Where a joint that one camera sees may be in the pictures of the others: points along its ray, through their lenses."""
    camera = cameras[click.camera]
    direction = pixel_directions(camera, np.array([[click.x, click.y]]))[0]
    centres = np.stack([other.centre for other in cameras.values()])
    far = float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).max()) or 1.0
    ray = camera.centre + direction * (far * np.geomspace(_NEAR, _FAR, _LINE_POINTS))[:, None]
    return {name: _list(project_through_lens(other, ray)) for name, other in cameras.items() if name != click.camera}


def open_work(study: Study, number: int, seed: int = 0) -> Work:
    """Choose frames of a study that is ready to be labelled; those that were chosen before stay, in their order.

    Raises
    ------
    InputError : where a session's survey or calibration is not there yet.
    """
    cameras, frames = {}, {}
    numbers: dict[Key, int] = {}
    for name, row in study.sessions.items():
        surveys = {camera: study.results.survey(name, camera) for camera in study.cameras[name]}
        for path in (*surveys.values(), study.results.calibration(row.rig)):
            if not path.exists():
                wanted = f"bkind3d run {shlex.quote(str(study.folder))} {path.relative_to(study.folder)}"
                raise InputError(path, f"is not there yet: session {name!r} cannot be labelled", f"make it first: {wanted}")
        cameras[name] = fit_cameras(study.results.calibration(row.rig), surveys)
        for camera, path in surveys.items():
            table = read_table(path, "survey", columns=["frame", "video_frame"])
            numbers |= {(name, camera, int(frame)): int(number) for frame, number in table.itertuples(index=False)}
            frames[name] = table["frame"].to_numpy()
    keypoints = _read_keypoints(study)
    tasks = choose_tasks(study, frames, keypoints, number, seed)
    videos = {(name, camera): study.find_view(name, camera) for name in cameras for camera in study.cameras[name]}
    return Work(study, tasks, cameras, keypoints, Pictures(videos, numbers))


def _read_keypoints(study: Study) -> dict[str, Points]:
    """Keypoints of the first experiment, where all sessions have them."""
    experiment = next(iter(study.config.experiments))
    paths = {name: study.results.keypoints(experiment, name) for name in study.sessions}
    return {name: read_points(path, "keypoints") for name, path in paths.items()} if all(path.exists() for path in paths.values()) else {}


def choose_tasks(study: Study, frames: Mapping[str, NDArray], keypoints: Mapping[str, Points], number: int, seed: int) -> list[Task]:
    """The frames that were chosen before, and more, up to `number`; they are kept in ``config/labels/frames.txt``."""
    path = study.folder / LABELS / "frames.txt"
    tasks = []
    for line, text in enumerate(read_text(path).splitlines() if path.exists() else (), start=1):
        session, _, frame = text.partition("\t")
        if session not in frames or not frame.strip().isdigit() or int(frame) not in frames[session]:
            raise InputError(
                path, f"row {line}: there is no frame {frame!r} of session {session!r}", "remove the row; no label is lost by that"
            )
        tasks.append(Task(session, int(frame)))
    more = number - len(tasks)
    if more > 0:
        subjects = {name: row.subject for name, row in study.sessions.items()}
        done = {name: [task.frame for task in tasks if task.session == name] for name in frames}
        if keypoints:
            chosen = choose_frames(keypoints, subjects, more, seed + len(tasks), done)
        else:
            shares = share_frames(subjects, more)
            spread = {
                name: [frame for frame in spread_over_time(frames[name], count + len(done[name])) if frame not in done[name]][:count]
                for name, count in shares.items()
            }
            chosen = interleave(spread)
        tasks += [Task(*entry) for entry in chosen]
        with replaced_when_complete(path) as temporary:
            temporary.write_text("".join(f"{task.session}\t{task.frame}\n" for task in tasks), encoding="utf-8")
    return tasks
