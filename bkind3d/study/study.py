"""A study: its configuration and sheets, checked against each other before anything runs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from bkind3d.config import InputError, StudyConfig
from bkind3d.data.crops import Crop, View
from bkind3d.study.layout import LABELS, NAMED, SIMULATED, Layout
from bkind3d.study.sheets import CameraRow, RigRow, SessionRow

CONFIG_FILE = "config/config.yaml"
#: Other sessions at most that are asked how a rig's room looks: more of them hardly say more, and every survey reads them.
MOST_BESIDE = 6
#: Sessions by which the cube is measured.
MOST_MEASURED = 6
#: In what order splits are shown: sessions that no model has seen first.
SHOWN_FIRST = ("test", "predict", "train")


@dataclass(frozen=True)
class Study:
    """A checked study.

    Attributes
    ----------
    folder : where `config` and `results` lie; paths of the study are relative to it.
    config : the settings.
    sessions, rigs : rows of the sheets by name, in the order of the sheets.
    cameras : rows by session, then by camera.
    """

    folder: Path
    config: StudyConfig
    sessions: dict[str, SessionRow]
    cameras: dict[str, dict[str, CameraRow]]
    rigs: dict[str, RigRow]

    @property
    def results(self) -> Layout:
        """Where the files of its results lie."""
        return Layout(self.folder / "results")

    def find_path(self, text: str) -> str:
        """The path of a sheet's entry as seen from the study's folder."""
        if text.startswith((SIMULATED, LABELS)):
            return text
        path = os.path.normpath(os.path.join(os.path.expanduser(self.config.recordings), os.path.expanduser(text)))
        return f"./{path}" if path.startswith("-") else path  # no command takes it for an option

    def find_videos(self, session: str, camera: str) -> list[str]:
        """The files of a camera's video in a session, in the order of time."""
        return [self.find_path(name) for name in self.cameras[session][camera].videos]

    def find_view(self, session: str, camera: str) -> View:
        """What a camera shows of a session: its video, as seen from the working folder, and which part of the pictures is its own."""
        files = tuple(self.folder / path for path in self.find_videos(session, camera))
        return View(files, self.cameras[session][camera].part)

    def list_shared_views(self) -> dict[tuple[str, ...], list[str]]:
        """Sessions by the cameras that are views in one picture: what has to decode it, does so once for all of them."""
        shared: dict[tuple[str, ...], list[str]] = {}
        for session, cameras in self.cameras.items():
            views: dict[str, list[str]] = {}
            for camera, row in cameras.items():
                if row.crop:
                    views.setdefault(row.video, []).append(camera)
            for together in views.values():
                if len(together) > 1:
                    shared.setdefault(tuple(together), []).append(session)
        return shared

    def find_crops(self, rig: str) -> dict[str, Crop]:
        """Which part of a video's pictures is a camera's, of those cameras of a rig that have no video of their own."""
        rows = (row for name, entry in self.sessions.items() if entry.rig == rig for row in self.cameras[name].values())
        return {row.camera: part for row in rows if (part := row.part)}

    def find_frame_maps(self, session: str) -> dict[str, str]:
        """The frame maps of a session's cameras, by camera; they have one clock."""
        return {camera: self.find_path(row.frame_map) for camera, row in self.cameras[session].items() if row.frame_map}

    def find_videos_beside(self, session: str, camera: str) -> list[str]:
        """Videos of the same camera in other sessions of its rig, each one's first file: they show the same room.

        They are the first training sessions, so that a row that is added for testing or prediction changes nothing that is done; a rig
        without any has those of all its sessions.
        """
        own = self.find_videos(session, camera)
        # A rig's camera has one crop in all sessions (:mod:`bkind3d.study.checks`).
        videos = self._first_videos[self.sessions[session].rig, camera]
        return [*islice((video for video in videos if video not in own), MOST_BESIDE)]

    @cached_property
    def _first_videos(self) -> dict[tuple[str, str], list[str]]:
        """By rig and camera the first files of its videos in training sessions; in all sessions where it is in none of them."""
        learned: dict[tuple[str, str], dict[str, None]] = {}
        every: dict[tuple[str, str], dict[str, None]] = {}
        for name, row in self.sessions.items():
            for camera in self.cameras[name]:
                video = self.find_videos(name, camera)[0]
                every.setdefault((row.rig, camera), {})[video] = None
                if row.split == "train":
                    learned.setdefault((row.rig, camera), {})[video] = None
        return {key: list(learned.get(key, videos)) for key, videos in every.items()}

    def list_measured(self) -> list[str]:
        """Sessions by which the cube of all is measured: the first that are learned from, so that a row that is added changes nothing."""
        return sorted((self.list_sessions("train") or list(self.sessions))[:MOST_MEASURED])

    def find_board_videos(self, rig: str) -> dict[str, list[str]]:
        """The files of every camera's board video of a rig, in the order of time; none where the calibration is given."""
        patterns = [pattern.strip() for pattern in self.rigs[rig].board_videos.split(";") if pattern]
        cameras = self.list_rig_cameras(rig) if patterns else []
        return {camera: [self.find_path(pattern.replace("{camera}", camera)) for pattern in patterns] for camera in cameras}

    def find_board_views(self, rig: str) -> dict[str, View]:
        """The board video of every camera of a rig, as seen from the working folder, and which part of its pictures is the camera's in sessions."""
        crops = self.find_crops(rig)
        found = self.find_board_videos(rig).items()
        return {camera: View(tuple(self.folder / path for path in files), crops.get(camera)) for camera, files in found}

    def find_board_frame_maps(self, rig: str) -> dict[str, str]:
        """The frame map of every camera's board video; none where these are in step."""
        pattern = self.rigs[rig].board_frame_maps
        return {camera: self.find_path(pattern.replace("{camera}", camera)) for camera in self.list_rig_cameras(rig)} if pattern else {}

    def list_rig_cameras(self, rig: str) -> list[str]:
        """Names of the cameras that sessions of a rig were filmed with, in the order of the sheet."""
        used = (camera for name, row in self.sessions.items() if row.rig == rig for camera in self.cameras[name])
        return list(dict.fromkeys(used))

    def list_cameras(self, experiment: str, session: str) -> list[str]:
        """Cameras of a session that an experiment sees, in the order of the sheet."""
        chosen = self.config.experiments[experiment].cameras
        return [camera for camera in self.cameras[session] if not chosen or camera in chosen]

    def find_frames(self, experiment: str, session: str) -> dict[str, Path]:
        """The pictures that an experiment sees of a session, by camera."""
        frameset = self.config.experiments[experiment].frames
        return {camera: self.results.frames(frameset, session, camera) for camera in self.list_cameras(experiment, session)}

    def list_shown(self, number: int) -> list[str]:
        """The first sessions to show: unseen ones (test, then predict) before those trained on."""
        return sorted(self.sessions, key=lambda name: SHOWN_FIRST.index(self.sessions[name].split))[:number]

    def list_grid_sessions(self) -> list[str]:
        """Three sessions, at most, that the grid of a paper's table shows: unseen ones with true joints, or what there is."""
        tested = self.list_sessions("test", joints=True) or self.list_sessions("test", "train")
        return tested[:: max(len(tested) // 3, 1)][:3]

    def require_pictures(self, what: str) -> None:
        """Refuse to make `what` where pictures of the recordings are to be shown nowhere."""
        if not self.config.report.pictures:
            raise InputError("", f"report.pictures is false: {what} would show pictures of the recordings", "set it to true, or go without")

    def list_sessions(self, *splits: str, joints: bool = False, behaviours: bool = False) -> list[str]:
        """Names of the sessions of the given splits (none given: all), on request only those with joints or behaviours."""
        return [
            name
            for name, row in self.sessions.items()
            if (not splits or row.split in splits) and (row.joints or not joints) and (row.behaviours or not behaviours)
        ]

    def list_pose_sessions(self, experiment: str) -> list[str]:
        """Sessions that an experiment's regression to joints is fit and judged on; none where that cannot be done."""
        sessions = self.list_sessions("train", "test", joints=True)
        by_blocks = self.config.experiments[experiment].evaluation.split == "blocks"
        return sessions if by_blocks or self._is_split(sessions) else []

    def list_fit_sessions(self, experiment: str) -> list[str]:
        """Sessions on whose labelled frames an experiment's joints are fit: no test session, where there are others; none at all: no joints.

        A supervised method has learned from the training sessions: how good its joints are is seen on the others.
        """
        labelled, supervised = self.list_sessions(joints=True), self.config.experiments[experiment].description.role == "supervised"
        return [name for name in labelled if self.sessions[name].split != ("train" if supervised else "test")] or labelled

    def list_action_sessions(self, experiment: str) -> list[str]:
        """Sessions that an experiment's classification of behaviours is fit and judged on; none where that cannot be done."""
        sessions = self.list_sessions("train", "test", behaviours=True)
        return sessions if self.config.experiments[experiment].actions.enabled and self._is_split(sessions) else []

    def _is_split(self, sessions: Iterable[str]) -> bool:
        return {self.sessions[name].split for name in sessions} == {"train", "test"}

    def list_framesets(self) -> list[str]:
        """Framesets that experiments use."""
        return list(dict.fromkeys(experiment.frames for experiment in self.config.experiments.values()))

    def list_simulated_sessions(self) -> list[str]:
        """Sessions of the sheet that are rendered."""
        return [name for name in self.sessions if name in self.config.simulation.sessions]


def list_simulated_cameras(config: StudyConfig, rig: str) -> list[str]:
    """Names of the cameras of a simulated rig."""
    return [f"cam{number + 1}" for number in range(config.simulation.rigs[rig].cameras)]


def list_simulated_files(config: StudyConfig) -> set[str]:
    """Every file that the simulation can make and a sheet can name, relative to the study's folder."""
    files = {NAMED.true_calibration(rig) for rig in config.simulation.rigs}
    for rig in config.simulation.rigs:
        files |= {NAMED.simulated_board(rig, camera) for camera in list_simulated_cameras(config, rig)}
    for name, session in config.simulation.sessions.items():
        files |= {NAMED.simulated_video(name, camera) for camera in list_simulated_cameras(config, session.rig)}
        files |= {NAMED.true_joints(name), NAMED.true_behaviours(name)}
    return set(map(str, files))
