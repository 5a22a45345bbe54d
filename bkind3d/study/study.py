"""A study: its configuration and sheets, checked against each other before anything runs."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from bkind3d.config import HUB_PREFIX, InputError, SimulatedSession, StudyConfig, parse_section, read_values
from bkind3d.data.camera_names import match_cameras, read_camera_names
from bkind3d.study.layout import NAMED, SIMULATED, Layout
from bkind3d.study.published import read_published
from bkind3d.study.sheets import CameraRow, RigRow, SessionRow, read_cameras, read_rigs, read_sessions, suggest
from bkind3d.study.weights import list_weights

CONFIG_FILE = "config/config.yaml"
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
        if text.startswith(SIMULATED):
            return text
        return os.path.normpath(os.path.join(os.path.expanduser(self.config.recordings), os.path.expanduser(text)))

    def find_videos(self, session: str, camera: str) -> list[str]:
        """The files of a camera's video in a session, in the order of time."""
        return [self.find_path(name) for name in self.cameras[session][camera].videos]

    def find_board_videos(self, rig: str) -> dict[str, str]:
        """The board video of every camera of a rig; none where the calibration is given."""
        pattern = self.rigs[rig].board_videos
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
            raise InputError(f"report.pictures is false: {what} would show pictures of the recordings; set it to true, or go without")

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


def load_study(config: Mapping[str, Any] | str | Path = CONFIG_FILE, folder: str | Path = ".") -> Study:
    """Read a study and check all that can be known before it runs.

    Parameters
    ----------
    config : the settings, or the YAML file that holds them (relative to `folder`).
    folder : the study.

    Raises
    ------
    InputError : in one line, for the first thing that is wrong.
    """
    folder = Path(folder)
    values = config if isinstance(config, Mapping) else read_yaml(folder / config)
    settings = parse_section(StudyConfig, values, CONFIG_FILE)
    sheets = {key: Path(getattr(settings, key)) for key in ("sessions", "cameras", "rigs")}
    try:
        os.stat(folder / os.path.expanduser(settings.recordings))
    except OSError as error:
        raise InputError(
            f"{CONFIG_FILE}: key 'recordings' is {settings.recordings!r}: {error.strerror}; write the folder of the recordings"
        ) from None
    study = Study(
        folder,
        settings,
        read_sessions(folder / sheets["sessions"]),
        read_cameras(folder / sheets["cameras"]),
        read_rigs(folder / sheets["rigs"]),
    )
    _check_sessions(study)
    _check_rigs(study)
    _check_simulation(study)
    _check_files(study)
    _check_weights(study)
    _check_calibrations(study)
    _check_overlap(study)
    _check_subjects(study)
    _check_labels(study)
    _check_chosen_cameras(study)
    _check_held_out(study)
    _check_published(study)
    return study


def find_folder(path: Path) -> Path:
    """The study's folder, of which `path` is a file of settings: in ``config``, in ``results/config``, or in the folder itself."""
    if path.is_dir():
        return path
    if not path.exists():
        raise InputError(f"{path}: there is no such file; give the study's folder, or its {CONFIG_FILE}")
    # Links are not followed: the results may be one to another disk.
    return Path(os.path.relpath(re.sub("/(results/config/.+|config/[^/]+|[^/]+)$", "", os.path.abspath(path)) or "/"))


def open_study(path: Path) -> Study:
    """A study, by its folder or its file of settings (YAML), all of it checked; or what a file of ``results/config`` (JSON) says of it.

    Raises
    ------
    InputError : in one line, for the first thing that is wrong.
    """
    folder = find_folder(path)
    if path.suffix != ".json" or path.is_dir():
        return load_study(CONFIG_FILE if path.is_dir() else os.path.relpath(path, folder), folder)
    try:
        return replace(TypeAdapter(Study).validate_python(read_values(path)), folder=folder)
    except ValidationError:
        raise InputError(f"{path}: says nothing of a study; give the study's folder, or run the workflow again") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from the YAML file at `path`."""
    try:
        text = path.read_text(encoding="utf-8")
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader), path)
        values = yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a study has its settings there") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds no settings; write at least 'experiments:'")
    return values


def _check_keys(node: yaml.Node | None, path: Path) -> None:
    """Refuse a key that is there twice, of which YAML would silently keep the last."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _check_keys(entry, path)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise InputError(f"{path}: line {line}: key {name!r} is already in line {lines[name]}; keep one of them")
            lines[name] = line
            _check_keys(value, path)


def _check_sessions(study: Study) -> None:
    sheet, cameras_sheet = study.config.sessions, study.config.cameras
    for name, row in study.sessions.items():
        where = f"{sheet}: row {row.line}"
        if row.rig not in study.rigs:
            raise InputError(f"{where}: rig {row.rig!r} is not in {study.config.rigs}{suggest(row.rig, list(study.rigs))}")
        cameras = study.cameras.get(name, {})
        if len(cameras) < 2:
            found = f"only camera {next(iter(cameras))!r}" if cameras else "no camera"
            raise InputError(f"{where}: session {name!r} has {found} in {cameras_sheet}; at least 2 are needed for 3D")
    for name, cameras in study.cameras.items():
        if name not in study.sessions:
            line = next(iter(cameras.values())).line
            raise InputError(f"{cameras_sheet}: row {line}: session {name!r} is not in {sheet}{suggest(name, list(study.sessions))}")
    if not study.list_sessions("train"):
        first = next(iter(study.config.experiments))
        raise InputError(f"{sheet}: no session has split 'train'; experiment {first!r} needs at least one to learn from")


def _check_rigs(study: Study) -> None:
    boards = study.config.boards
    for row in study.rigs.values():
        if row.board and row.board not in boards:
            hint = suggest(row.board, list(boards)) or f"; {CONFIG_FILE} has the boards {sorted(boards)}"
            raise InputError(f"{study.config.rigs}: row {row.line}: board {row.board!r} is not known{hint}")


def _check_simulation(study: Study) -> None:
    """A rendered session and its rows in the sheets say the same."""
    simulation = study.config.simulation
    for name in simulation.sessions:
        rig = name.removesuffix("_board")
        if name.endswith("_board") and rig in simulation.rigs:
            raise InputError(f"{CONFIG_FILE}: simulation.sessions.{name}: the board videos of rig {rig!r} have this name; choose another")
    for name in study.list_simulated_sessions():
        _check_simulated_session(study, name, simulation.sessions[name])
    for name, row in study.rigs.items():
        if name not in simulation.rigs:
            continue
        for key, expected in (("units", "mm"), ("board", simulation.rigs[name].board)):
            if getattr(row, key) not in ("", expected):
                raise InputError(
                    f"{study.config.rigs}: row {row.line}: {key} of the simulated rig {name!r} is {getattr(row, key)!r}; "
                    f"write {expected!r}, as in the simulation"
                )


def _check_simulated_session(study: Study, name: str, simulated: SimulatedSession) -> None:
    row = study.sessions[name]
    for key in ("subject", "rig"):
        if getattr(row, key) != getattr(simulated, key):
            raise InputError(
                f"{study.config.sessions}: row {row.line}: {key} of the simulated session {name!r} is {getattr(row, key)!r}, "
                f"but simulation.sessions.{name}.{key} is {getattr(simulated, key)!r}; make them equal"
            )
    names = list_simulated_cameras(study.config, simulated.rig)
    for camera, camera_row in study.cameras[name].items():
        if camera not in names or camera_row.video != str(NAMED.simulated_video(name, camera)):
            raise InputError(
                f"{study.config.cameras}: row {camera_row.line}: the simulated session {name!r} has cameras {names[0]} to {names[-1]} "
                f"with videos {NAMED.simulated_video(name, 'CAMERA')}, found {camera!r} with {camera_row.video!r}"
            )


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


def _check_files(study: Study) -> None:
    simulated = list_simulated_files(study.config)
    for where, path in (*_list_named_files(study), *_list_weights(study)):
        if path in simulated:
            continue
        if path.startswith(SIMULATED):
            raise InputError(f"{where}: {path} is not made by the simulation of {CONFIG_FILE}; check the names in its section 'simulation'")
        if "{" in path or "}" in path:
            raise InputError(
                f"{where}: {path}: Snakemake cannot name a file with braces in its path; make a link without them, and name that"
            )
        full = study.folder / path
        if not full.is_file():
            raise InputError(f"{where}: there is no file {path}; check the path, and the key 'recordings' of {CONFIG_FILE}")
        if not os.access(full, os.R_OK) or full.stat().st_size == 0:
            raise InputError(f"{where}: {path} is {'empty' if os.access(full, os.R_OK) else 'not readable'}; check the file")


def _check_weights(study: Study) -> None:
    """Published weights that an experiment names are there before hours of other stages have passed."""
    for name, experiment in study.config.experiments.items():
        pretrained, weights = experiment.model.first_weights, experiment.losses.weights_file
        is_folder = pretrained != "none" and not pretrained.startswith(HUB_PREFIX)
        if is_folder and not (study.folder / pretrained).is_dir():
            raise InputError(
                f"{CONFIG_FILE}: experiments.{name}.model.pretrained: there is no folder {pretrained!r}; write a folder, {HUB_PREFIX}owner/name, or none"
            )
        if weights and not (study.folder / weights).is_file():
            raise InputError(
                f"{CONFIG_FILE}: experiments.{name}.losses.vgg19_weights: there is no file {weights!r}; write the file, or leave it empty to fetch it"
            )


def _check_calibrations(study: Study) -> None:
    """A given calibration has every camera that filmed with its rig."""
    for name, row in study.rigs.items():
        path = study.find_path(row.calibration)
        if row.calibration and Path(path).suffix.lower() == ".toml" and not path.startswith(SIMULATED):
            match_cameras(read_camera_names(study.folder / path), study.list_rig_cameras(name), path)


def _list_named_files(study: Study) -> Iterable[tuple[str, str]]:
    """Where a file is named, and its path."""
    for cameras in study.cameras.values():
        for row in cameras.values():
            for text in filter(None, (*row.videos, row.frame_map, row.mask)):
                yield f"{study.config.cameras}: row {row.line}", study.find_path(text)
    for session in study.sessions.values():
        for text in filter(None, (session.joints, session.behaviours)):
            yield f"{study.config.sessions}: row {session.line}", study.find_path(text)
    for rig in study.rigs.values():
        for text in filter(None, (rig.calibration, rig.intrinsics, rig.world_points)):
            yield f"{study.config.rigs}: row {rig.line}", study.find_path(text)
        for path in study.find_board_videos(rig.rig).values():
            yield f"{study.config.rigs}: row {rig.line}", path


def _list_weights(study: Study) -> Iterable[tuple[str, str]]:
    """Where first weights are named, and the path of each of their files."""
    for name, experiment in study.config.experiments.items():
        for path in list_weights(experiment.model, study.folder):
            yield f"{CONFIG_FILE}: experiments.{name}.model.pretrained", os.path.relpath(path, study.folder)


def _check_overlap(study: Study) -> None:
    """No frame of a recording, nor its neighbour in time, is both learned from and judged on."""
    learned: dict[str, list[tuple[str, list[str]]]] = {}
    for train in study.list_sessions("train"):
        for source, (_, before) in _list_sources(study, train).items():
            learned.setdefault(source, []).append((train, before))
    for test in study.list_sessions("test"):
        for source, (path, before) in _list_sources(study, test).items():
            for train, others in learned.get(source, ()):
                _check_apart(study, train, test, path, before == others)


def _check_apart(study: Study, train: str, test: str, path: str, alike: bool) -> None:
    """Refuse two sessions that share the file at `path` and frames of it; `alike`: they count its frames in the same way."""
    one, other = study.sessions[train], study.sessions[test]
    where = f"{study.config.sessions}: rows {one.line} and {other.line}: sessions {train!r} (train) and {test!r} (test)"
    if not alike:
        raise InputError(
            f"{where} share {path}, but not the files before it, so their frames cannot be told apart; give both the same files"
        )
    begin = max(one.start or 0, other.start or 0)
    end = min(float("inf") if row.stop is None else row.stop for row in (one, other))
    if begin <= end:
        raise InputError(f"{where} overlap or touch at frame {begin} of {path}; change start and stop so that frames lie between them")


def _list_sources(study: Study, session: str) -> dict[str, tuple[str, list[str]]]:
    """What two sessions may have in common, whatever links lead there: videos, and the file of the joints.

    By place: the path, and the places of the files that are part of the same video and come before it.
    """
    joints = study.sessions[session].joints
    videos = [study.find_videos(session, camera) for camera in study.cameras[session]] + ([[study.find_path(joints)]] if joints else [])
    places = [[os.path.realpath(study.folder / path) for path in files] for files in videos]
    return {
        place: (path, row[:number])
        for files, row in zip(videos, places, strict=True)
        for number, (path, place) in enumerate(zip(files, row, strict=True))
    }


def _check_subjects(study: Study) -> None:
    """Where an experiment is judged on new subjects, none is learned from."""
    for name, experiment in study.config.experiments.items():
        judged = {*study.list_pose_sessions(name), *study.list_action_sessions(name)}
        # The network has seen the subjects of all training sessions, also of those that have nothing to be judged by.
        train = {study.sessions[session].subject for session in study.list_sessions("train")}
        test = {study.sessions[session].subject for session in judged & {*study.list_sessions("test")}}
        if experiment.evaluation.split == "subject" and train & test:
            raise InputError(
                f"{study.config.sessions}: subject {min(train & test)!r} is in both train and test; "
                f"if that is meant, set experiments.{name}.evaluation.split to session"
            )


def _check_labels(study: Study) -> None:
    """What a supervised method learns from is there."""
    for name, experiment in study.config.experiments.items():
        held_out = experiment.training.validation_sessions
        if experiment.description.role == "supervised" and not set(study.list_sessions("train", joints=True)) - set(held_out):
            raise InputError(
                f"{CONFIG_FILE}: experiments.{name}: method {experiment.method!r} learns from joints, which no session with split 'train' has; "
                f"name them in {study.config.sessions}, or choose another method"
            )


def _check_chosen_cameras(study: Study) -> None:
    """An experiment that sees some of the cameras has at least two of them in every session; what is said of a camera, is of one."""
    known = list(dict.fromkeys(entry for cameras in study.cameras.values() for entry in cameras))
    for camera in study.config.calibration.fisheye:
        if camera not in known:
            raise InputError(f"{CONFIG_FILE}: calibration.fisheye: no session has {camera!r}{suggest(camera, known)}")
    for name, experiment in study.config.experiments.items():
        for camera in experiment.cameras:
            if camera not in known:
                raise InputError(f"{CONFIG_FILE}: experiments.{name}.cameras: no session has {camera!r}{suggest(camera, known)}")
        for session in study.sessions:
            if len(found := study.list_cameras(name, session)) < 2:
                raise InputError(
                    f"{CONFIG_FILE}: experiments.{name}.cameras: session {session!r} has {found[0] if found else 'none'} of them; "
                    "at least two are needed for 3D"
                )


def _check_held_out(study: Study) -> None:
    """Sessions that an experiment's training watches are training sessions, and some are left to learn from."""
    trained = study.list_sessions("train")
    for name, experiment in study.config.experiments.items():
        held_out = experiment.training.validation_sessions
        where = f"{CONFIG_FILE}: experiments.{name}.training.validation_sessions"
        for session in held_out:
            if session not in trained:
                raise InputError(f"{where}: {session!r} has no split 'train' in {study.config.sessions}{suggest(session, trained)}")
        if not set(trained) - set(held_out):
            raise InputError(f"{where}: holds out every training session; leave at least one to learn from")


def _check_published(study: Study) -> None:
    """Published numbers that a table asks for are there."""
    for name, table in study.config.paper.items():
        known = list(dict.fromkeys(row["data"] for row in read_published(measure=table.measure)))
        if table.published and table.published not in known:
            raise InputError(
                f"{CONFIG_FILE}: paper.{name}.published: there are published numbers ({table.measure}) of {', '.join(known)}, "
                f"none of {table.published!r}; leave it empty"
            )
