"""Whose files can be written, and what is common to all of them: what is asked for, checked, and written when all of it is there.

The module of a layout has ``SUBJECTS`` and ``ACTIONS`` (who and what there is; empty where nothing is to choose), ``CHUNK`` (frames of each file
of a video; 0 for one file), ``LEAST`` (the fewest frames, and the smallest width of pictures), ``IMITATES`` (the data set; empty for none), and
``write(content, folder, workers)``, which writes the files and returns how many recordings there are.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.writing import folder_when_complete

log = logging.getLogger(__name__)

#: The modules of the layouts, by their names on the command line.
LAYOUTS = {
    "laboratory": "bkind3d.simulation.layouts.laboratory",
    "h36m": "bkind3d.simulation.layouts.human36m",
    "rat7m": "bkind3d.simulation.layouts.rat7m",
}


@dataclass(frozen=True)
class Content:
    """What is rendered.

    Attributes
    ----------
    subjects, actions : who, and doing what; no actions in layouts that know none.
    frames : of each take or session.
    size : width of the pictures.
    chunk : frames of each file of a video; 0 in layouts of one file.
    """

    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    frames: int
    size: int
    chunk: int

    @property
    def shape(self) -> tuple[int, int]:
        """(width, height) of pictures of 5:4; both even."""
        return self.size, round(0.8 * self.size / 2) * 2


def choose_content(
    name: str, subjects: Sequence[str] | None, actions: Sequence[str] | None, frames: int, size: int, chunk: int | None = None
) -> Content:
    """Check what is to be rendered in the layout `name`; None means all, or as the data set has it.

    Raises
    ------
    InputError : where the layout has no such subject, action or option, or the numbers cannot be rendered.
    """
    layout = import_module(LAYOUTS[name])
    for option, given, is_known in (("chunk", chunk, layout.CHUNK), ("actions", actions, layout.ACTIONS)):
        if given is not None and not is_known:
            raise InputError(f"--{option}", f"means nothing in the layout {name}", "leave it out")
    for option, chosen, known in (("subjects", subjects, layout.SUBJECTS), ("actions", actions, layout.ACTIONS)):
        stray = [one for one in chosen or () if one not in known]
        if stray:
            raise InputError(f"--{option}", f"there is no {stray[0]!r}", f"there are {', '.join(known)}")
    least_frames, least_size = layout.LEAST
    if frames < least_frames:
        raise InputError("--frames", f"{frames} is too short for a recording", f"give at least {least_frames}")
    if size < least_size or size % 2:
        raise InputError("--size", f"{size} cannot be filmed", f"give an even number from {least_size} on")
    who, what = (tuple(dict.fromkeys(given or known)) for given, known in ((subjects, layout.SUBJECTS), (actions, layout.ACTIONS)))
    return Content(who, what, frames, size, chunk or layout.CHUNK)


def write_layout(name: str, content: Content, output: Path, workers: int = 1) -> None:
    """Write recordings in the layout `name` to `output`, which is there when all of it is."""
    layout = import_module(LAYOUTS[name])
    with folder_when_complete(output) as folder:
        if layout.IMITATES:
            (folder / "SIMULATED.txt").write_text(
                f"SIMULATED\nWhat these files show is rendered (bkind3d simulate). They have the layout of {layout.IMITATES} and nothing of its\n"
                "content: they show that importers, splits and tables work, and say nothing about animals or people.\n",
                encoding="utf-8",
            )
        n_recordings = layout.write(content, folder, workers)
    log.info("%s: %d recordings of %s", output, n_recordings, ", ".join(content.subjects))
