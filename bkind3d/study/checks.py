"""What is checked of a study before anything runs: its settings and sheets against each other, and the files that they name."""

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from bkind3d.config import HUB_PREFIX, PACKAGED, PACKAGED_ENCODER, InputError, SimulatedSession
from bkind3d.config.network import find_packaged_weights, list_weights, names_folder
from bkind3d.data.calibration_formats import match_cameras, read_camera_names
from bkind3d.data.crops import Crop
from bkind3d.study.layout import NAMED, SIMULATED
from bkind3d.study.published import read_published
from bkind3d.study.sheets import CameraRow, suggest
from bkind3d.study.study import CONFIG_FILE, Study, list_simulated_cameras, list_simulated_files


def check_study(study: Study) -> None:
    """Refuse, in one line, the first thing that is wrong with what settings, sheets and the file system say together.

    Raises
    ------
    InputError : naming the file, the row or key, and what to do.
    """
    for check in (
        _check_sessions,
        _check_rigs,
        _check_simulation,
        _check_files,
        _check_shared_videos,
        _check_crops,
        _check_weights,
        _check_calibrations,
        _check_overlap,
        _check_subjects,
        _check_labels,
        _check_chosen_cameras,
        _check_cameras_of_methods,
        _check_held_out,
        _check_published,
    ):
        check(study)


def _check_sessions(study: Study) -> None:
    sheet, cameras_sheet = study.config.sessions, study.config.cameras
    for name, row in study.sessions.items():
        where = f"{sheet}: row {row.line}"
        if row.rig not in study.rigs:
            raise InputError(where, f"rig {row.rig!r} is not in {study.config.rigs}", suggest(row.rig, list(study.rigs)))
        cameras = study.cameras.get(name, {})
        if len(cameras) < 2:
            found = f"only camera {next(iter(cameras))!r}" if cameras else "no camera"
            raise InputError(where, f"session {name!r} has {found} in {cameras_sheet}", "at least 2 are needed for 3D")
    for name, cameras in study.cameras.items():
        if name not in study.sessions:
            line = next(iter(cameras.values())).line
            raise InputError(cameras_sheet, f"row {line}: session {name!r} is not in {sheet}", suggest(name, list(study.sessions)))
    if not study.list_sessions("train"):
        first = next(iter(study.config.experiments))
        raise InputError(sheet, "no session has split 'train'", f"experiment {first!r} needs at least one to learn from")


def _check_rigs(study: Study) -> None:
    boards = study.config.boards
    for row in study.rigs.values():
        if row.board and row.board not in boards:
            hint = suggest(row.board, list(boards)) or f"{CONFIG_FILE} has the boards {sorted(boards)}"
            raise InputError(study.config.rigs, f"row {row.line}: board {row.board!r} is not known", hint)
        # Views in one picture share their video of the board, too.
        shared = bool(row.board_videos) and not all("{camera}" in pattern for pattern in row.board_videos.split(";"))
        if shared and set(study.list_rig_cameras(row.rig)) - set(study.find_crops(row.rig)):
            what = f"row {row.line}: board_videos {row.board_videos!r} has no {{camera}}"
            raise InputError(study.config.rigs, what, "write {camera} where the camera's name stands in the path")


def _check_simulation(study: Study) -> None:
    """A rendered session and its rows in the sheets say the same."""
    simulation = study.config.simulation
    for name in simulation.sessions:
        rig = name.removesuffix("_board")
        if name.endswith("_board") and rig in simulation.rigs:
            raise InputError(CONFIG_FILE, f"simulation.sessions.{name}: the board videos of rig {rig!r} have this name", "choose another")
    for name in study.list_simulated_sessions():
        _check_simulated_session(study, name, simulation.sessions[name])
    for name, row in study.rigs.items():
        if name not in simulation.rigs:
            continue
        for key, expected in (("units", "mm"), ("board", simulation.rigs[name].board)):
            if getattr(row, key) not in ("", expected):
                raise InputError(
                    study.config.rigs,
                    f"row {row.line}: {key} of the simulated rig {name!r} is {getattr(row, key)!r}",
                    f"write {expected!r}, as in the simulation",
                )


def _check_simulated_session(study: Study, name: str, simulated: SimulatedSession) -> None:
    row = study.sessions[name]
    for key in ("subject", "rig"):
        if getattr(row, key) != getattr(simulated, key):
            raise InputError(
                study.config.sessions,
                f"row {row.line}: {key} of the simulated session {name!r} is {getattr(row, key)!r}, but simulation.sessions.{name}.{key} "
                f"is {getattr(simulated, key)!r}",
                "make them equal",
            )
    names = list_simulated_cameras(study.config, simulated.rig)
    for camera, camera_row in study.cameras[name].items():
        if camera not in names or camera_row.video != str(NAMED.simulated_video(name, camera)):
            raise InputError(
                study.config.cameras,
                f"row {camera_row.line}: the simulated session {name!r} has cameras {names[0]} to {names[-1]} with videos "
                f"{NAMED.simulated_video(name, 'CAMERA')}, found {camera!r} with {camera_row.video!r}",
                "write these",
            )


def _check_files(study: Study) -> None:
    simulated = list_simulated_files(study.config)
    for where, path in (*_list_named_files(study), *_list_motions(study), *_list_weights(study)):
        if path in simulated:
            continue
        if path.startswith(SIMULATED):
            raise InputError(where, f"{path} is not made by the simulation of {CONFIG_FILE}", "check the names in its section 'simulation'")
        if "{" in path or "}" in path:
            raise InputError(
                where, f"{path}: Snakemake cannot name a file with braces in its path", "make a link without them, and name that"
            )
        full = study.folder / path
        if not os.path.isfile(full):  # also where the path is longer than paths can be
            raise InputError(where, f"there is no file {path}", f"check the path, and the key 'recordings' of {CONFIG_FILE}")
        if not os.access(full, os.R_OK) or full.stat().st_size == 0:
            raise InputError(where, f"{path} is {'empty' if os.access(full, os.R_OK) else 'not readable'}", "check the file")


def _check_weights(study: Study) -> None:
    """Published weights that an experiment names are there before hours of other stages have passed."""
    for name, experiment in study.config.experiments.items():
        pretrained, weights = experiment.model.first_weights, experiment.losses.weights_file
        where = f"{CONFIG_FILE}: experiments.{name}"
        if names_folder(experiment.model) and not os.path.isdir(study.folder / pretrained):
            raise InputError(
                f"{where}.model.pretrained", f"there is no folder {pretrained!r}", f"write a folder, {HUB_PREFIX}owner/name, or none"
            )
        if pretrained == PACKAGED or experiment.losses.perceptual_features == PACKAGED_ENCODER:
            try:
                find_packaged_weights()
            except InputError as error:
                raise InputError(where, error.what, error.remedy) from None
        if weights and not os.path.isfile(study.folder / weights):
            raise InputError(
                f"{where}.losses.vgg19_weights", f"there is no file {weights!r}", "write the file, or leave it empty to fetch it"
            )


def _check_shared_videos(study: Study) -> None:
    """No file is the video of two cameras of a session, whatever link leads to it: but for views that crops or masks tell apart."""
    for session, cameras in study.cameras.items():
        seen: dict[tuple[str, str, Crop | None], str] = {}
        for camera, row in cameras.items():
            for text in row.videos:
                path = study.find_path(text)
                place = os.path.realpath(study.folder / path) if not path.startswith(SIMULATED) else path
                # One view, be it mirrored or not, is one camera's.
                view = row.part and row.part._replace(flip=False)
                other = seen.setdefault((place, row.mask, view), camera)
                if other != camera:
                    where = f"{study.config.cameras}: row {row.line}"
                    what = f"camera {camera!r} of session {session!r} has the video of camera {other!r} ({path})"
                    raise InputError(where, what, "name the video of each camera; views in one picture are told apart by the column crop")


def _check_crops(study: Study) -> None:
    """A camera's part of the picture is the same wherever its calibration is used."""
    seen: dict[tuple[str, str], tuple[CameraRow, Crop | None]] = {}
    for session, cameras in study.cameras.items():
        for camera, row in cameras.items():
            rig = study.sessions[session].rig
            if (rig, camera) not in seen:
                seen[rig, camera] = row, row.part
            elif seen[rig, camera][1] != row.part:
                first = seen[rig, camera][0]
                what = f"the crop of camera {camera!r} is {row.crop or 'the whole picture'}, in row {first.line} {first.crop or 'the whole picture'}"
                raise InputError(
                    f"{study.config.cameras}: row {row.line}", what, f"calibrations hold for one of them: make it another rig than {rig!r}"
                )


def _check_calibrations(study: Study) -> None:
    """A given calibration has every camera that filmed with its rig."""
    for name, row in study.rigs.items():
        path = study.find_path(row.calibration)
        if row.calibration and Path(path).suffix.lower() == ".toml" and not path.startswith(SIMULATED):
            match_cameras(read_camera_names(study.folder / path), study.list_rig_cameras(name), path)


def _list_motions(study: Study) -> Iterable[tuple[str, str]]:
    """Measured motion that simulated subjects follow, and where it is named."""
    sessions = {name: study.config.simulation.sessions[name] for name in study.list_simulated_sessions()}
    return [(f"{CONFIG_FILE}: simulation.sessions.{name}.motion", session.motion) for name, session in sessions.items() if session.motion]


def _list_named_files(study: Study) -> Iterable[tuple[str, str]]:
    """Where a file is named, and its path."""
    for cameras in study.cameras.values():
        for row in cameras.values():
            for text in filter(None, (*row.videos, row.frame_map, row.mask, row.background, row.silhouettes)):
                yield f"{study.config.cameras}: row {row.line}", study.find_path(text)
    for session in study.sessions.values():
        for text in filter(None, (session.joints, session.behaviours)):
            yield f"{study.config.sessions}: row {session.line}", study.find_path(text)
    for rig in study.rigs.values():
        for text in filter(None, (rig.calibration, rig.intrinsics, rig.world_points)):
            yield f"{study.config.rigs}: row {rig.line}", study.find_path(text)
        for path in (*chain.from_iterable(study.find_board_videos(rig.rig).values()), *study.find_board_frame_maps(rig.rig).values()):
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
            "", f"{where} share {path}, but not the files before it, so their frames cannot be told apart", "give both the same files"
        )
    begin = max(one.start or 0, other.start or 0)
    end = min(float("inf") if row.stop is None else row.stop for row in (one, other))
    if begin <= end:
        raise InputError(
            "", f"{where} overlap or touch at frame {begin} of {path}", "change start and stop so that frames lie between them"
        )


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
                study.config.sessions,
                f"subject {min(train & test)!r} is in both train and test",
                f"if that is meant, set experiments.{name}.evaluation.split to session",
            )


def _check_labels(study: Study) -> None:
    """What a supervised method learns from is there, and nothing that it is judged by."""
    for name, experiment in study.config.experiments.items():
        if experiment.description.role != "supervised":
            continue
        held_out, where = experiment.training.validation_sessions, f"{CONFIG_FILE}: experiments.{name}"
        if not set(study.list_sessions("train", joints=True)) - set(held_out):
            raise InputError(
                CONFIG_FILE,
                f"experiments.{name}: method {experiment.method!r} learns from joints, which no session with split 'train' has",
                f"name them in {study.config.sessions}, or choose another method",
            )
        if experiment.evaluation.split == "blocks":
            what = f"method {experiment.method!r} learns from joints of whole sessions, those of the blocks that would test it among them"
            raise InputError(f"{where}.evaluation.split", what, "set it to subject or session")


def _check_cameras_of_methods(study: Study) -> None:
    """A method that tells cameras apart by their order meets the same ones in every session; one that needs several has them."""
    for name, experiment in study.config.experiments.items():
        method, first = experiment.description, next(iter(study.sessions))
        for session in study.sessions:
            cameras, expected = (sorted(study.list_cameras(name, entry)) for entry in (session, first))
            where = f"{CONFIG_FILE}: experiments.{name}: method {experiment.method!r}"
            if method.same_cameras and cameras != expected:
                what = (
                    f"needs the same cameras in all sessions, but {session!r} has {', '.join(cameras)} and {first!r} {', '.join(expected)}"
                )
                raise InputError(where, what, "name those that all have in the experiment's cameras, or choose another method")
            if len(cameras) < method.least_cameras:
                what = f"needs at least {method.least_cameras} cameras, but session {session!r} has {len(cameras)}"
                raise InputError(where, what, "choose another method")


def _check_chosen_cameras(study: Study) -> None:
    """An experiment that sees some of the cameras has at least two of them in every session; what is said of a camera, is of one."""
    known = list(dict.fromkeys(entry for cameras in study.cameras.values() for entry in cameras))
    named = [("calibration.fisheye", camera) for camera in study.config.calibration.fisheye]
    named += [
        (f"experiments.{name}.cameras", camera) for name, experiment in study.config.experiments.items() for camera in experiment.cameras
    ]
    for key, camera in named:
        if camera not in known:
            raise InputError(CONFIG_FILE, f"{key}: no session has {camera!r}", suggest(camera, known))
    for name in study.config.experiments:
        for session in study.sessions:
            if len(found := study.list_cameras(name, session)) < 2:
                raise InputError(
                    CONFIG_FILE,
                    f"experiments.{name}.cameras: session {session!r} has {found[0] if found else 'none'} of them",
                    "at least two are needed for 3D",
                )


def _check_held_out(study: Study) -> None:
    """Sessions that an experiment's training watches are training sessions, and some are left to learn from."""
    trained = study.list_sessions("train")
    for name, experiment in study.config.experiments.items():
        held_out = experiment.training.validation_sessions
        where = f"{CONFIG_FILE}: experiments.{name}.training.validation_sessions"
        for session in held_out:
            if session not in trained:
                raise InputError(where, f"{session!r} has no split 'train' in {study.config.sessions}", suggest(session, trained))
        if not set(trained) - set(held_out):
            raise InputError(where, "holds out every training session", "leave at least one to learn from")


def _check_published(study: Study) -> None:
    """Published numbers that a table asks for are there."""
    for name, table in study.config.paper.items():
        known = list(dict.fromkeys(row["data"] for row in read_published(measure=table.measure)))
        if table.published and table.published not in known:
            raise InputError(
                CONFIG_FILE,
                f"paper.{name}.published: there are published numbers ({table.measure}) of {', '.join(known)}, none of {table.published!r}",
                "leave it empty",
            )
