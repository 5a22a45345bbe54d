"""Write what was recognised as the sheets and settings of a study, or as further rows of one."""

import math
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import match_cameras
from bkind3d.data.writing import folder_when_complete, refuse_inside
from bkind3d.start.boards import read_board
from bkind3d.start.recordings import Recognised, make_name, recognise_recordings
from bkind3d.start.rigs import make_rigs, relative_path
from bkind3d.study.opening import load_study
from bkind3d.study.replacing import read_sheet, replace_together
from bkind3d.study.sheets import write_sheet
from bkind3d.study.study import Study

#: Longest time between two moments that training takes to be neighbours.
_NEIGHBOUR_SECONDS = 0.07


def start_study(folder: Path, study: Path, units: str, pattern: str | None, calibration: Path | None, board: str | None) -> str:
    """Recognise the recordings in `folder`, write a study of them, and return what was recognised and what to do next.

    Raises
    ------
    InputError : where nothing can be recognised, the study is there already or lies among the recordings, or a named calibration has other cameras.
    """
    refuse_inside(study, folder)
    found = recognise_recordings(folder, pattern)
    rigs, rig_of, remarks = make_rigs(found, units, calibration, board)
    settings = _write_settings(found, board)
    with folder_when_complete(study) as temporary:
        config = temporary / "config"
        config.mkdir()
        rows = ((name, name, rig_of[name], "train") for name in found.sessions)
        write_sheet(config / "sessions.tsv", ("session", "subject", "rig", "split", "start", "stop", "joints", "behaviours"), rows)
        cameras = (
            (name, camera, str(path.relative_to(folder))) for name, videos in found.sessions.items() for camera, path in videos.items()
        )
        write_sheet(config / "cameras.tsv", ("session", "camera", "video", "frame_map"), cameras)
        write_sheet(config / "rigs.tsv", ("rig", "units", "calibration", "board", "board_videos"), rigs)
        (config / "config.yaml").write_text(settings, encoding="utf-8")
        load_study(folder=temporary)
    written = f"Written: {study}/config. Correct the subjects (every session has one of its own) in sessions.tsv."
    hint = f"Next, look whether cameras and videos are sound:\n  bkind3d doctor {shlex.quote(str(study))}\n"
    return "\n".join([_describe(found), *remarks, written, hint])


def add_sessions(study_folder: Path, folder: Path, pattern: str | None, rig: str | None, subject: str | None) -> str:
    """Add the recordings in `folder` to a study's sheets, to be predicted; return what was added and what to do next.

    Raises
    ------
    InputError : where nothing can be recognised, a session is in the sheet already, or no rig has its cameras.
    """
    study = load_study(folder=study_folder)
    found = recognise_recordings(folder, pattern)
    for name in found.sessions:
        if name in study.sessions:
            raise InputError(
                f"{study_folder}/{study.config.sessions}: session {name!r} is already in row {study.sessions[name].line}; rename one"
            )
    base = (study_folder / os.path.expanduser(study.config.recordings)).resolve()
    rows, cameras = [], []
    for name, videos in found.sessions.items():
        chosen, names = _choose_rig(study, name, videos, rig)
        rows.append({"session": name, "subject": make_name(subject) if subject else name, "rig": chosen, "split": "predict"})
        cameras += [{"session": name, "camera": names[camera], "video": relative_path(path, base)} for camera, path in videos.items()]
    sheets = {study.config.cameras: cameras, study.config.sessions: rows}
    before = {name: read_sheet(study_folder / name) for name in sheets}
    texts = {name: (text, _append_rows(text, sheets[name])) for name, text in before.items()}
    replace_together(study_folder, texts)
    try:
        load_study(folder=study_folder)
    except BaseException:
        replace_together(study_folder, {name: (after, text) for name, (text, after) in texts.items()})
        raise
    added = f"Added to {study_folder}/{study.config.sessions} and {study_folder}/{study.config.cameras}; no model is trained again."
    hint = f"Next:\n  bkind3d doctor {shlex.quote(str(study_folder))} --sessions {' '.join(found.sessions)}\n"
    return "\n".join([_describe(found), added, hint])


def _choose_rig(study: Study, session: str, videos: Mapping[str, Path], rig: str | None) -> tuple[str, dict[str, str]]:
    """The rig that has a session's cameras, and what that rig calls each of them."""
    if rig and rig not in study.rigs:
        raise InputError(f"--rig {rig}: the study has no such rig; it has {', '.join(study.rigs)}")
    fitting = {}
    for name in [rig] if rig else study.rigs:
        others = [row.session for row in study.sessions.values() if row.rig == name]
        cameras = study.cameras[others[0]] if others else {}
        try:
            fitting[name] = match_cameras(list(cameras), list(videos), f"rig {name!r}")
        except InputError as error:
            if rig:
                raise
            reason = str(error)
    if len(fitting) != 1:
        why = f"could be filmed by any of {', '.join(fitting)}; say which with --rig" if fitting else reason
        raise InputError(f"session {session!r}: {why}")
    return next(iter(fitting.items()))


def _append_rows(text: str, rows: Iterable[Mapping[str, str]]) -> str:
    """A sheet with further rows at its end, in the order of its columns; whatever else it holds stays, line ends, too."""
    header = next(line for line in text.removeprefix("\ufeff").splitlines() if line.strip() and not line.startswith("#"))
    columns = [column.strip() for column in header.split("\t")]
    end = "\r\n" if "\r\n" in text else "\n"
    lines = ["\t".join(row.get(column, "") for column in columns) for row in rows]
    return end.join([text.rstrip("\r\n"), *lines, ""])


def _write_settings(found: Recognised, board: str | None) -> str:
    """The settings' page: what was recognised, what is usual, and what each key is for."""
    rate = max(header.rate for header in found.headers.values())
    neighbours = max(1, round(_NEIGHBOUR_SECONDS * rate))
    values = read_board(board or "8x11:24:18.75")
    measured = "as given" if board else "NOT YET MEASURED: correct every number"
    boards = f"\n# The calibration board ({measured}); lengths in the rig's units (rigs.tsv).\n{yaml.safe_dump({'boards': {'board': values}}, sort_keys=False)}"
    return f"""# Written by bkind3d init. config/README.md of the workflow explains every key; what is not said here has a default.

# The folder that paths in the sheets start from. Nothing is ever written there.
{yaml.safe_dump({"recordings": str(found.folder.absolute())}, width=math.inf, allow_unicode=True)}
dataset: {yaml.safe_dump(make_name(found.folder.absolute().name), default_style="'").strip()}
{boards if found.boards else ""}
# What is trained. Several experiments can stand side by side; tables and report compare them. The size of the subject is
# measured in the videos, and the batch adapts to the memory that there is.
experiments:
  bkind3d:
    preset: bkind3d
    frames: subject
    model:
      n_keypoints: 15
      n_symmetric_pairs: 4   # left and right parts of the body; the other keypoints lie along its middle
    training:
      neighbour_frames: {neighbours}   # {neighbours / rate:.3f} s at {rate:g} frames per second: poses hardly change in it
"""


def _describe(found: Recognised) -> str:
    """What was recognised, in a few lines; one per session, at most twenty."""
    lines = [f"Pattern {found.pattern} (else: --pattern '{{session}}/{{camera}}.mp4')."]
    for name, videos in [*found.sessions.items()][:20]:
        headers = [found.headers[path] for path in videos.values()]
        sizes = ", ".join(dict.fromkeys(f"{header.width}x{header.height}" for header in headers))
        counts = " to ".join(str(count) for count in sorted({min(h.n_frames for h in headers), max(h.n_frames for h in headers)}))
        lines.append(f"  {name}: {', '.join(videos)}; {sizes}, about {counts} frames at {headers[0].rate:g} per second")
    if len(found.sessions) > 20:
        lines.append(f"  ... and {len(found.sessions) - 20} more")
    lines += [f"  {name} (board): {', '.join(videos)}" for name, videos in found.boards.items()]
    lines += [f"  passed over: {path.relative_to(found.folder)} {why}" for path, why in [*found.passed_over.items()][:20]]
    return "\n".join(lines)
