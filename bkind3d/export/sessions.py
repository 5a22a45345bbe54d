"""What there is to hand over of one session: keypoints, skeleton, cameras, and which frame of a video is which moment."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.calibration_files import fit_camera_to_survey, read_calibration
from bkind3d.data.crops import Part, read_part
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.points import SessionKeypoints, read_keypoints
from bkind3d.data.skeleton import choose_skeleton
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.study.sheets import SessionRow
from bkind3d.study.study import Study

#: Frames that are projected at once: few enough for the processor's own memory.
BLOCK_FRAMES = 500


@dataclass(frozen=True)
class FilmedView:
    """One camera of a session.

    Attributes
    ----------
    camera : calibrated, for the pictures of the video, or the part of them that is its own.
    files : of the video, in the order of time, as seen from the working directory.
    rate : frames per second.
    n_frames : frames of the video.
    video_frames : number in the video of every frame that has keypoints; -1 where the video lacks it.
    part : of the video's pictures that is the camera's; none where that is the whole.
    """

    camera: Camera
    files: list[Path]
    rate: float
    n_frames: int
    video_frames: Int[NDArray, "frame"]
    part: Part | None = None


@dataclass(frozen=True)
class ExportedSession:
    """A session as every writer gets it; positions in `units`.

    Attributes
    ----------
    row : of the sheet.
    skeleton : pairs of indices of keypoints.
    rate : frames with keypoints per second.
    kind : what the `keypoints` are: discovered, or joints that were found from them.
    """

    experiment: str
    row: SessionRow
    keypoints: SessionKeypoints
    skeleton: list[tuple[int, int]]
    units: str
    rate: float
    views: dict[str, FilmedView]
    kind: Literal["keypoints", "joints"] = "keypoints"

    @property
    def name(self) -> str:
        """The session."""
        return self.row.session

    def count_views(self) -> Int[NDArray, "frame"]:
        """(frame,) cameras whose videos hold the moment; 0 where there is no keypoint."""
        seen = np.stack([view.video_frames >= 0 for view in self.views.values()]).sum(axis=0)
        return np.where(self.keypoints.located, seen, 0)

    def project(self, name: str) -> tuple[Float[NDArray, "video_frame keypoint 2"], Float[NDArray, "video_frame keypoint"]]:
        """Keypoints in the video of a camera, frame by frame of that video.

        Returns
        -------
        positions : pixels of the video's distorted picture, the whole one where only a part is the camera's: programs that open the file
            show that; (0, 0) is the centre of the top-left pixel. NaN where there are none.
        confidences : in [0, 1]; 0 where there is no position.
        """
        view, n_keypoints = self.views[name], len(self.keypoints.names)
        positions = np.full((view.n_frames, n_keypoints, 2), np.nan, np.float32)
        confidences = np.zeros((view.n_frames, n_keypoints), np.float32)
        kept = np.flatnonzero(self.keypoints.located & (view.video_frames >= 0) & (view.video_frames < view.n_frames))
        for block in np.array_split(kept, -(-len(kept) // BLOCK_FRAMES) or 1):
            points = self.keypoints.positions[block].reshape(-1, 3).astype(np.float64)
            pixels = project_through_lens(view.camera, points).reshape(-1, n_keypoints, 2)
            pixels = view.part.crop.place(pixels) if view.part else pixels
            positions[view.video_frames[block]] = pixels
            confidences[view.video_frames[block]] = np.where(np.isfinite(pixels[..., 0]), self.keypoints.confidences[block], 0)
        return positions, confidences


def open_session(study: Study, experiment: str, session: str, kind: Literal["keypoints", "joints"] = "keypoints") -> ExportedSession:
    """Read what there is of a session: its keypoints, or the joints that were found from them.

    Raises
    ------
    InputError : where its keypoints, calibration or surveys are not there yet, or do not belong together.
    """
    row, settings = study.sessions[session], study.config.experiments[experiment]
    path = find_points(study, experiment, session, kind)
    if kind == "joints":
        keypoints, pairs = read_keypoints(path, kind="found_joints"), []
    else:
        keypoints = read_keypoints(path, settings.naming)
        skeleton = choose_skeleton(read_table(study.results.edges(experiment), "edges"), settings.model)
        pairs = [(first, second) for first, second, _ in skeleton]
    cameras, metadata = read_calibration(study.results.calibration(row.rig))
    views = {}
    for name in study.cameras[session]:
        files = [Path(os.path.normpath(study.folder / path)) for path in study.find_videos(session, name)]
        views[name] = _open_view(cameras, files, study.results.survey(session, name), keypoints)
    steps = np.diff(keypoints.times)
    rate = round(1 / float(np.median(steps)), 6) if len(steps) else float(keypoints.metadata.get("rate", 1))
    units = str(keypoints.metadata.get("units") or metadata.get("units") or study.rigs[row.rig].units)
    return ExportedSession(experiment, row, keypoints, pairs, units, rate, views, kind)


def find_points(study: Study, experiment: str, session: str, kind: Literal["keypoints", "joints"]) -> Path:
    """The keypoints or joints of a session; refused, in one line that says how to make them, where they are not there yet."""
    path = (study.results.keypoints if kind == "keypoints" else study.results.found_joints)(experiment, session)
    if kind == "joints" and not path.exists() and not study.list_fit_sessions(experiment):
        raise InputError(
            "", "no frame of the study has labelled joints", "label some: bkind3d label, or column joints of the sheet of sessions"
        )
    if not path.exists():
        raise InputError(
            path,
            f"session {session!r} has no {kind} of experiment {experiment!r} yet",
            f"make them first: bkind3d run {shlex.quote(str(study.folder))} {path.relative_to(study.folder)}",
        )
    return path


def _open_view(cameras: dict[str, Camera], files: list[Path], survey: Path, keypoints: SessionKeypoints) -> FilmedView:
    camera, metadata = cameras.get(survey.stem), read_metadata(survey)
    if camera is None:
        raise InputError(survey, f"the calibration of its rig has no camera {survey.stem!r}, only {', '.join(cameras)}", "calibrate again")
    table = read_table(survey, "survey", columns=["frame", "video_frame"]).set_index("frame")["video_frame"]
    numbers = table.reindex(keypoints.frames).fillna(-1).to_numpy(np.int64)
    if metadata.get("failed"):  # its keypoints say so, too: there are none
        return FilmedView(camera, files, float(keypoints.metadata.get("rate") or 1), 1, np.full(len(keypoints.frames), -1))
    fitted = fit_camera_to_survey(camera, metadata, survey)
    n_frames = max(int(metadata["n_frames"]), int(numbers.max(initial=-1)) + 1)
    return FilmedView(fitted, files, float(metadata["rate"]), n_frames, numbers, read_part(metadata))
