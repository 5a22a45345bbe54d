"""A whole study: its settings and sheets, then every session."""

import json
import logging
import shlex
from collections.abc import Sequence
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.doctor.checks import Check, group_checks, sort_checks, summarise
from bkind3d.doctor.masks import write_mask_page
from bkind3d.doctor.page import write_doctor_page
from bkind3d.doctor.rigs import examine_rig
from bkind3d.doctor.sessions import examine_session
from bkind3d.doctor.suggestions import check_memory, suggest_settings
from bkind3d.study.opening import find_folder, open_study

#: The page on which masks are drawn, beside the doctor's.
MASK_PAGE = "masks.html"

log = logging.getLogger(__name__)


def examine_study(
    config: Path, sessions: Sequence[str] | None = None, full: bool = False, page: Path | None = None, memory: bool = True
) -> tuple[list[Check], Path | None]:
    """Examine a study and write its page, and one on which masks are drawn.

    Parameters
    ----------
    config : the study's folder, or its file of settings.
    sessions : names of those to examine; all without it.
    full : whether every frame is decoded.
    page : the HTML file; in the study's results without it.
    memory : whether the memory of a sample is measured, for experiments that have no model.

    Returns
    -------
    checks : grave ones first.
    page : the file that was written; none where settings or sheets are refused.
    """
    try:
        study = open_study(config)
    except InputError as error:
        return [Check.of_error("sheets", error, "correct it")], None
    wanted = list(sessions or study.sessions)
    for name in wanted:
        if name not in study.sessions:
            raise InputError(study.config.sessions, f"has no session {name!r}", f"known: {', '.join(study.sessions)}")
    agree = f"settings and sheets agree: {len(study.sessions)} sessions, {len(study.rigs)} rigs"
    checks = [Check("pass", "sheets", agree)]
    for name in dict.fromkeys(study.sessions[session].rig for session in wanted):
        checks += examine_rig(study, name)
    examined = []
    for name in wanted:
        if not all((study.folder / path).exists() for camera in study.cameras[name] for path in study.find_videos(name, camera)):
            checks.append(Check("warning", "video", "its videos are not there yet", "snakemake renders them", session=name))
            continue
        examined.append(examine_session(study, name, full))
        checks += examined[-1].checks
    checks += suggest_settings(study, [entry.measured for entry in examined])
    checks += check_memory(study) if memory else []
    path = page or study.results.doctor_page()
    write_doctor_page(study, examined, checks, path)
    write_mask_page(study, examined, path.with_name(MASK_PAGE))
    log.info("%s: %s", path, ", ".join(f"{count} {status}" for status, count in summarise(checks)["counts"].items()))
    return sort_checks(checks), path


def name_command(config: Path) -> str:
    """The command that runs the study."""
    return f"bkind3d run {shlex.quote(str(find_folder(config)))}"


def format_checks(checks: Sequence[Check], as_json: bool) -> str:
    """The checks as lines for people, or as JSON for machines."""
    found = summarise(checks)
    if as_json:
        return json.dumps(found, indent=1) + "\n"
    counts = ", ".join(f"{count} {status}" for status, count in found["counts"].items())
    return "\n".join([*(cause.describe() for cause in group_checks(checks)), counts]) + "\n"
