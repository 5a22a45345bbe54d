"""Write what was recognised as the sheets and settings of a study, or as further rows of one."""

import glob
import math
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import match_cameras
from bkind3d.data.crops import Crop
from bkind3d.data.writing import folder_when_complete, refuse_inside
from bkind3d.start.calibrations import find_calibrations, read_candidate
from bkind3d.start.clocks import find_times
from bkind3d.start.inventory import Inventory, describe_passed_over, describe_used, list_files
from bkind3d.start.recordings import Recognised, make_name, recognise_recordings
from bkind3d.start.rigs import COLUMNS, Options, make_rigs, relative_path
from bkind3d.start.subjects import TABLES, find_tables, name_subjects, propose_splits
from bkind3d.start.views import find_views, remark_on_overlaps
from bkind3d.study.opening import load_study
from bkind3d.study.replacing import read_sheet, replace_together
from bkind3d.study.sheets import FASTEST, write_sheet
from bkind3d.study.study import Study

#: Longest time between two moments that training takes to be neighbours.
_NEIGHBOUR_SECONDS = 0.07


@dataclass(frozen=True)
class Naming:
    """What the user says of names, as typed: ``pattern`` of the videos' paths, ``subject`` a name or a pattern of sessions' names.

    With ``views``, each video shows all cameras: where they are, or nothing for what a calibration suggests.
    """

    pattern: str | None = None
    subject: str | None = None
    views: Sequence[str] | None = None


def start_study(folder: Path, study: Path, naming: Naming, options: Options, rate: float | None = None) -> str:
    """Recognise the recordings in `folder`, write a study of them, and return what was recognised and what to do next.

    Without `rate`, frames per second are what the videos' files say.

    Raises
    ------
    InputError : where nothing can be recognised, several things could be meant, the study is there already or lies among the recordings.
    """
    if rate is not None and not 0 < rate <= FASTEST:
        raise InputError(f"--rate {rate:g}", "is no number of frames per second", "30 is usual")
    refuse_inside(study, folder)
    inventory = list_files(folder)
    candidates = find_calibrations(inventory)
    known = [read_candidate(options.calibration)] if options.calibration else candidates
    if naming.views is None:
        found = recognise_recordings(inventory, naming.pattern, [candidate.cameras for candidate in known])
    else:
        found = find_views(inventory, naming.pattern, naming.views, known)
    rigs = make_rigs(inventory, found, candidates, options)
    subjects, about_subjects = name_subjects(list(found.sessions), naming.subject)
    tables = find_tables(inventory, found)
    times, about_times = find_times(inventory, found)
    splits, about_splits = propose_splits(subjects, tables)
    settings = _write_settings(found, rigs.boards, rate or max(header.rate for header in found.headers.values()))
    timed = {"frame_rate": f"{rate:.10g}"} if rate else {}
    with folder_when_complete(study) as temporary:
        config = temporary / "config"
        config.mkdir()
        rows = (
            (
                name,
                subjects[name],
                rigs.rig_of[name],
                splits[name],
                "",
                "",
                *timed.values(),
                *(tables[name].get(kind, "") for kind in TABLES),
            )
            for name in found.sessions
        )
        write_sheet(config / "sessions.tsv", ("session", "subject", "rig", "split", "start", "stop", *timed, *TABLES), rows)
        cameras = (
            (name, camera, ";".join(str(path.relative_to(folder)) for path in files), times.get(name, ""), *_list_crops(found, camera))
            for name, videos in found.sessions.items()
            for camera, files in videos.items()
        )
        write_sheet(config / "cameras.tsv", ("session", "camera", "video", "frame_map", *(["crop"] if found.crops else [])), cameras)
        write_sheet(config / "rigs.tsv", COLUMNS, ([row.get(column, "") for column in COLUMNS] for row in rigs.rows))
        (config / "config.yaml").write_text(settings, encoding="utf-8")
        load_study(folder=temporary)
    written = f"Written: {study}/config, to be read and changed."
    hint = f"Next, look whether cameras and videos are sound:\n  bkind3d doctor {shlex.quote(str(study))}\n"
    about_rates = [] if rate else _remark_on_rates(found, inventory, "say --rate")
    remarks = filter(None, [*rigs.remarks, *remark_on_overlaps(found), *about_times, *about_rates, about_subjects, about_splits])
    return "\n".join([*_describe(found, inventory), *remarks, *describe_passed_over(inventory), describe_used(inventory), written, hint])


def add_sessions(study_folder: Path, folder: Path, naming: Naming, rig: str | None) -> str:
    """Add the recordings in `folder` to a study's sheets, to be predicted; return what was added and what to do next.

    Raises
    ------
    InputError : where nothing can be recognised, a session is in the sheet already, or no rig has its cameras.
    """
    study = load_study(folder=study_folder)
    inventory = list_files(folder)
    if rig and rig not in study.rigs:
        raise InputError(f"--rig {rig}", "the study has no such rig", f"it has {', '.join(study.rigs)}")
    rig_cameras = {name: _list_cameras(study, name) for name in ([rig] if rig else study.rigs)}
    views = _find_rig_views(study, list(rig_cameras))
    found = (
        recognise_recordings(inventory, naming.pattern, list(rig_cameras.values()))
        if views is None
        else find_views(inventory, naming.pattern, views, ())
    )
    for name in found.sessions:
        if name in study.sessions:
            raise InputError(
                f"{study_folder}/{study.config.sessions}", f"session {name!r} is already in row {study.sessions[name].line}", "rename one"
            )
    base = (study_folder / os.path.expanduser(study.config.recordings)).resolve()
    subjects, about_subjects = name_subjects(list(found.sessions), naming.subject)
    times, about_times = find_times(inventory, found)
    rows, cameras = [], []
    remarks = [about_subjects, *about_times, *_remark_on_rates(found, inventory, "write it as frame_rate into the sheet of sessions")]
    for name, videos in found.sessions.items():
        chosen, names = _choose_rig(rig_cameras, name, videos, bool(rig))
        if not rig:
            remarks.append(f"Assumed that {name} was filmed with rig {chosen}, which has its cameras; change it with --rig.")
        rows.append({"session": name, "subject": subjects[name], "rig": chosen, "split": "predict"})
        files = {camera: ";".join(relative_path(path, base) for path in paths) for camera, paths in videos.items()}
        paired = {"frame_map": relative_path(folder / times[name], base)} if name in times else {}
        crops = {camera: {"crop": str(crop)} for camera, crop in found.crops.items()}
        cameras += [
            {"session": name, "camera": names[camera], "video": text, **paired, **crops.get(camera, {})} for camera, text in files.items()
        ]
    for path in (path for videos in found.boards.values() for files in videos.values() for path in files):
        inventory.pass_over(path, "a board's video; if cameras were moved, add a rig with it to rigs.tsv, and say --rig")
    for candidate in find_calibrations(inventory):
        inventory.pass_over(candidate.path, "a calibration; if cameras were moved, add a rig with it to rigs.tsv, and say --rig")
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
    lines = [*_describe(found, inventory), *filter(None, remarks), *describe_passed_over(inventory), describe_used(inventory)]
    return "\n".join([*lines, added, hint])


def _list_crops(found: Recognised, camera: str) -> list[str]:
    """A camera's cell of the column crop, where there is one."""
    return [str(found.crops[camera])] if found.crops else []


def _find_rig_views(study: Study, rigs: Sequence[str]) -> dict[str, Crop] | None:
    """The parts of the pictures that are the cameras of these rigs, where their videos show all views; none where cameras have their own."""
    crops = [study.find_crops(rig) for rig in rigs]
    if not all(found and set(found) == set(study.list_rig_cameras(rig)) for rig, found in zip(rigs, crops, strict=True)):
        return None
    if any(found != crops[0] for found in crops):
        raise InputError(
            "", f"the rigs {', '.join(rigs)} have their views at different places", "say with which one this was filmed: --rig"
        )
    return crops[0]


def _list_cameras(study: Study, rig: str) -> list[str]:
    """All cameras of a rig: as the sheet calls them, and those of its calibration, or its board videos, that no session had yet."""
    cameras = study.list_rig_cameras(rig)
    before, found, after = study.find_path(study.rigs[rig].board_videos.partition(";")[0]).partition("{camera}")
    if found:
        # The name may stand there twice, as in {camera}/calib-{camera}.mp4.
        pattern = f"{glob.escape(before)}*{glob.escape(after).replace('{camera}', '*')}"
        named = re.compile(re.escape(before) + "(?P<camera>[^/]+)" + re.escape(after).replace(re.escape("{camera}"), "(?P=camera)"))
        matches = (named.fullmatch(path) for path in sorted(glob.glob(pattern, root_dir=study.folder)))
        cameras += [match["camera"] for match in matches if match and match["camera"] not in cameras]
    path = study.folder / study.find_path(study.rigs[rig].calibration)
    if study.rigs[rig].calibration and path.is_file() and not study.rigs[rig].calibration_subject:
        more = read_candidate(path).cameras
        cameras += [name for name in more if name not in match_cameras(more, cameras, path).values()]
    return cameras


def _choose_rig(
    rigs: Mapping[str, Sequence[str]], session: str, videos: Mapping[str, Sequence[Path]], given: bool
) -> tuple[str, dict[str, str]]:
    """The rig that has a session's cameras, and what that rig calls each of them."""
    fitting, reason = {}, InputError("", "the study has no rig", "add one to its sheet of rigs")
    for name, cameras in rigs.items():
        try:
            fitting[name] = match_cameras(cameras, list(videos), f"rig {name!r}")
        except InputError as error:
            if given:
                raise
            reason = error
    if len(fitting) != 1:
        if fitting:
            raise InputError(f"session {session!r}", f"could be filmed by any of {', '.join(fitting)}", "say which with --rig")
        raise InputError(f"session {session!r}", str(reason))
    return next(iter(fitting.items()))


def _append_rows(text: str, rows: Iterable[Mapping[str, str]]) -> str:
    """A sheet with further rows at its end, in the order of its columns; whatever else it holds stays, line ends, too."""
    header = next(line for line in text.removeprefix("\ufeff").splitlines() if line.strip() and not line.startswith("#"))
    columns = [column.strip() for column in header.split("\t")]
    end = "\r\n" if "\r\n" in text else "\n"
    lines = ["\t".join(row.get(column, "") for column in columns) for row in rows]
    return end.join([text.rstrip("\r\n"), *lines, ""])


def _write_settings(found: Recognised, boards: Mapping[str, Mapping[str, Any]], rate: float) -> str:
    """The settings' page: what was recognised, what is usual, and what each key is for."""
    neighbours = max(1, round(_NEIGHBOUR_SECONDS * rate))
    shown = yaml.safe_dump({"boards": {name: dict(values) for name, values in boards.items()}}, sort_keys=False)
    return f"""# Written by bkind3d init. config/README.md of the workflow explains every key; what is not said here has a default.

# The folder that paths in the sheets start from. Nothing is ever written there.
{yaml.safe_dump({"recordings": str(found.folder.absolute())}, width=math.inf, allow_unicode=True)}
dataset: {yaml.safe_dump(make_name(found.folder.absolute().name), default_style="'").strip()}
{f"{chr(10)}# What was filmed to calibrate; lengths in the rig's units (rigs.tsv).{chr(10)}{shown}" if boards else ""}
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


def _describe(found: Recognised, inventory: Inventory) -> list[str]:
    """What was recognised, in a few lines; one per session, at most twenty."""
    usual = "{session}_{part}" if found.crops else "{session}/{camera}"
    lines = [f"Pattern {found.pattern} (else: --pattern '{usual}.mp4')."]
    for name, videos in [*found.sessions.items()][:20]:
        headers = [found.headers[path] for files in videos.values() for path in files]
        lengths = [sum(found.headers[path].n_frames for path in files) for files in videos.values()]
        sizes = ", ".join(dict.fromkeys(f"{header.width}x{header.height}" for header in headers))
        counts = " to ".join(str(count) for count in sorted({min(lengths), max(lengths)}))
        lines.append(f"  {name}: {', '.join(videos)}; {sizes}, about {counts} frames at {headers[0].rate:g} per second")
    if len(found.sessions) > 20:
        lines.append(f"  ... and {len(found.sessions) - 20} more")
    lines += [f"  {template} (board): {', '.join(videos)}" for template, videos in found.boards.items()]
    absent = {name: [camera for camera in _list_all(found) if camera not in videos] for name, videos in found.sessions.items()}
    lines += [f"  {name} has no camera {', '.join(cameras)}, which other sessions have." for name, cameras in absent.items() if cameras][:8]
    return [*lines, *found.remarks]


def _remark_on_rates(found: Recognised, inventory: Inventory, remedy: str) -> list[str]:
    """A line where files say rates at which no camera films."""
    filmed = [path for videos in found.sessions.values() for files in videos.values() for path in files]
    odd = [path for path in filmed if found.headers[path].is_rate_odd]
    if not odd:
        return []
    more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
    return [
        f"Assumed {found.headers[odd[0]].rate:.3g} frames per second for {inventory.name(odd[0])}{more}, as the file says; if that is wrong, {remedy}."
    ]


def _list_all(found: Recognised) -> list[str]:
    """The cameras of all sessions."""
    return list(dict.fromkeys(camera for videos in found.sessions.values() for camera in videos))
