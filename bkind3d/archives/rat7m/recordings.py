"""The sessions of Rat7M: their files, and whether these are complete and belong together."""

import hashlib
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bkind3d.archives.rat7m.samples import check_maps, check_markers, check_pictures, read_samples
from bkind3d.archives.studies import Archive, ImportedSession
from bkind3d.calibration.formats import rat7m as rat7m_file
from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.joint_files import make_joints
from bkind3d.data.video import VideoInfo, probe_video
from bkind3d.geometry.cameras import Camera

log = logging.getLogger(__name__)

_MAT = re.compile(r"mocap-(s\d+-d\d+)\.mat")
_VIDEO = re.compile(r"(s\d+-d\d+)-camera(\d+)-(\d+)\.mp4")


@dataclass(frozen=True)
class Recording:
    """The files of a session.

    Attributes
    ----------
    name : ``s1-d1``: rat 1, day 1.
    mat : cameras and motion capture.
    videos : by camera (``Camera1``), its files by the number of their first frame, in the order of time.
    """

    name: str
    mat: Path
    videos: Mapping[str, Mapping[int, Path]]

    @property
    def rat(self) -> str:
        """The subject, ``s1``."""
        return self.name.partition("-")[0]


def read_archive(folder: Path, test: Collection[str], sessions: Collection[str] = ()) -> Archive:
    """Read the `sessions` (all without them) in `folder` and below; the rats in `test` are judged on, the others are learned from.

    Raises
    ------
    InputError : where files are missing, damaged, or do not belong together.
    """
    recordings = find_recordings(folder, sessions)
    rats = sorted({recording.rat for recording in recordings})
    if unknown := sorted(set(test) - set(rats)):
        raise InputError("", f"rat {unknown[0]!r}, which is to be judged on, is not there", f"choose among {', '.join(rats)} with --test")
    if set(rats) <= set(test):
        raise InputError("", f"all rats ({', '.join(rats)}) are to be judged on", "leave at least one to learn from")
    films = {
        recording.name: {camera: _join(recording.name, camera, files) for camera, files in recording.videos.items()}
        for recording in recordings
    }
    rigs = {recording.name: _read_cameras(recording, films[recording.name]) for recording in recordings}
    rate = next(iter(films[recordings[0].name].values())).rate
    return Archive("rat7m", rigs, "mm", rate, _import_sessions(recordings, films, rigs, test))


def find_recordings(folder: Path, sessions: Collection[str] = ()) -> list[Recording]:
    """Find the files of the `sessions` (all without them) in `folder` and below."""
    mats: dict[str, Path] = {}
    videos: dict[str, dict[str, dict[int, Path]]] = {}
    for path in sorted(folder.rglob("*.m*")):
        mat, video = _MAT.fullmatch(path.name), _VIDEO.fullmatch(path.name)
        if mat:
            twice = mats.setdefault(mat[1], path)
        elif video:
            twice = videos.setdefault(video[1], {}).setdefault(f"Camera{video[2]}", {}).setdefault(int(video[3]), path)
        if (mat or video) and twice != path:
            raise InputError(path, f"is also there as {twice}", "keep one of them")
    if not mats:
        raise InputError(folder, "has no file mocap-s*-d*.mat, which hold the cameras and the motion capture", "download them, too")
    wanted = sorted(sessions or mats.keys() | videos.keys())
    for name in wanted:
        if name not in mats:
            raise InputError(folder, f"has no mocap-{name}.mat", f"download it, or name the sessions to import: {' '.join(sorted(mats))}")
        if name not in videos:
            with_videos = " ".join(sorted(mats.keys() & videos.keys())) or "there are none with videos"
            raise InputError(folder, f"has no video {name}-camera1-0.mp4", f"download it, or name the sessions to import: {with_videos}")
    return [
        Recording(name, mats[name], {camera: dict(sorted(files.items())) for camera, files in sorted(videos[name].items())})
        for name in wanted
    ]


def _join(session: str, camera: str, files: Mapping[int, Path]) -> VideoInfo:
    """What a camera's files are together, by their headers: one video, every frame of which is where the names of the files say."""
    infos = {start: probe_video(path, counted=False) for start, path in files.items()}
    first, usual, expected, before = infos[min(infos)], max(info.n_frames for info in infos.values()), 0, files[min(files)]
    for start, info in infos.items():
        path = files[start]
        if start < expected:
            raise InputError(path, f"begins with frame {start}, but {before.name} goes up to frame {expected - 1}", "copy both again")
        if start > expected and expected % usual:
            raise InputError(before, f"ends with frame {expected - 1}, but {path.name} begins with frame {start}", "copy it again")
        if start > expected:
            missing = path.with_name(f"{session}-camera{camera.removeprefix('Camera')}-{expected}.mp4")
            raise InputError(missing, f"is missing, though {path.name} is there", "download it, or name other sessions with --sessions")
        if (info.width, info.height) != (first.width, first.height):
            sizes = f"{info.width}x{info.height} pixels, {before.name} {first.width}x{first.height}"
            raise InputError(path, f"has {sizes}, so they are not of one camera", "copy it again")
        expected, before = start + info.n_frames, path
    return replace(first, n_frames=expected)


def _read_cameras(recording: Recording, films: Mapping[str, VideoInfo]) -> dict[str, Camera]:
    """The session's cameras, by their names; their order in the file means nothing."""
    sizes = {camera: (info.width, info.height) for camera, info in films.items()}
    names = rat7m_file.read(recording.mat).tables
    for camera in names:
        if camera not in films:
            raise InputError(
                recording.mat,
                f"has {camera}, of which there is no video {recording.name}-camera{camera.removeprefix('Camera')}-0.mp4",
                "download it",
            )
    return read_given_cameras(recording.mat, "rat7m", sizes=sizes)[0]


def _import_sessions(
    recordings: list[Recording],
    films: Mapping[str, Mapping[str, VideoInfo]],
    rigs: Mapping[str, Mapping[str, Camera]],
    test: Collection[str],
) -> Iterator[ImportedSession]:
    """The sessions, one after the other, so that the motion capture of one is in memory at a time."""
    known: dict[str, Path] = {}
    for recording in recordings:
        samples, cameras = read_samples(recording.mat), rigs[recording.name]
        digest = hashlib.sha256(samples.markers.tobytes()).hexdigest()
        if known.setdefault(digest, recording.mat) != recording.mat:
            raise InputError(
                recording.mat, f"has the same motion capture as {known[digest]}, so one is of another session", "download both again"
            )
        check_maps(recording.mat, samples, {camera: info.n_frames for camera, info in films[recording.name].items()})
        check_markers(recording.mat, samples, cameras)
        check_pictures(recording.mat, samples, cameras, recording.videos)
        yield ImportedSession(
            name=recording.name,
            subject=recording.rat,
            rig=recording.name,
            split="test" if recording.rat in test else "train",
            videos={camera: list(files.values()) for camera, files in recording.videos.items()},
            joints=make_joints(samples.frames, samples.names, samples.markers),
            frame_maps={camera: samples.make_frame_map(camera) for camera in recording.videos},
            columns={"start": str(samples.frames[0]), "stop": str(samples.frames[-1] + 1), "day": recording.name.partition("-")[2]},
            source=recording.mat.name,
        )
        log.info(
            "%s: %d moments, %.1f %% of the markers known", recording.name, len(samples.rows), 100 * np.isfinite(samples.markers).mean()
        )
