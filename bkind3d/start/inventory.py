"""Every file below a folder: what it is used as, or why it is passed over. Nothing is left out in silence."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv", ".ts", ".mts")
CALIBRATIONS = {ending for row in CALIBRATION_FORMATS.values() for ending in row.endings}

#: Bytes beyond which a file is no calibration, and files of one ending in a folder beyond which they are data.
_LARGEST, _MANY = 20_000_000, 100
#: Folders and endings of names that programs give to copies with drawings, and to smaller copies.
_DRAWN = re.compile(
    r"annotated|label+ed|overlaid|overlays?(?![a-z])|drawn|skeletons?(?![a-z])|with[-_ ]?(key)?points|reproject(ed|ion)|tracked|"
    r"pose[-_]?[23]d|videos[-_]combined|videos[-_](raw[-_])?compressed|(?<![a-z])(proxy|proxies|preview|previews|thumbnails?)(?![a-z])|"
    r"DLC_|_pose(?=\.[^.]+$)",
    re.I,
)
#: Lines of one kind that are listed before the rest is counted.
_LISTED = 8


@dataclass
class Inventory:
    """The files below a folder, and what became of each.

    Attributes
    ----------
    folder : that was searched; read only.
    videos, candidates : files that may be videos of sessions or boards, and those that may be calibrations or boards' descriptions.
    used : what a file is used as.
    passed_over : why a file is not used.
    """

    folder: Path
    videos: list[Path] = field(default_factory=list)
    candidates: list[Path] = field(default_factory=list)
    used: dict[Path, str] = field(default_factory=dict)
    passed_over: dict[Path, str] = field(default_factory=dict)

    def pass_over(self, path: Path, why: str) -> None:
        """Say why a file is not used; the first reason stays."""
        if path not in self.used:
            self.passed_over.setdefault(path, why)

    def use(self, path: Path, role: str) -> None:
        """Say what a file is used as."""
        self.used[path] = role
        self.passed_over.pop(path, None)

    def name(self, path: Path) -> str:
        """A file as it is said: below the folder where it lies there."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)


def list_files(folder: Path) -> Inventory:
    """List the files below `folder`, also below linked folders; hidden ones are none.

    Raises
    ------
    InputError : where it is no folder, or holds no videos.
    """
    if not folder.is_dir():
        raise InputError(folder, "is no folder", "name the one that holds the recordings")
    inventory, others = Inventory(folder), dict[tuple[Path, str], list[Path]]()
    for path in _walk(folder):
        suffix = path.suffix.lower()
        if suffix in VIDEOS:
            inventory.videos.append(path)
        else:
            others.setdefault((path.parent, suffix), []).append(path)
    for (_, suffix), paths in others.items():
        for path in paths:
            if suffix not in CALIBRATIONS:
                inventory.pass_over(path, "no video and no calibration")
            elif len(paths) > _MANY or (path.exists() and path.stat().st_size > _LARGEST):
                inventory.pass_over(path, "too many or too large to be calibrations")
            else:
                inventory.candidates.append(path)
    if not inventory.videos:
        seen = Counter(suffix or "without an ending" for (_, suffix), paths in others.items() for _ in paths)
        found = f"; there are {', '.join(f'{count} {name}' for name, count in seen.most_common(4))}" if seen else ""
        raise InputError(folder, f"holds no videos ({', '.join(VIDEOS)}){found}", "name the folder that holds the recordings")
    _pass_over_copies(inventory)
    return inventory


def _walk(folder: Path) -> Iterable[Path]:
    """Files, by folder and name; a linked folder is entered once."""
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        if (place := os.path.realpath(root)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in sorted(files) if not name.startswith("."))


def _pass_over_copies(inventory: Inventory) -> None:
    """Copies with drawings are no recordings; where there is nothing else, they are all that there is."""
    drawn = {path: match[0] for path in inventory.videos if (match := _DRAWN.search(inventory.name(path)))}
    if len(drawn) < len(inventory.videos):
        for path, word in drawn.items():
            inventory.pass_over(path, f"a copy with drawings or of lower quality, by its name ({word!r}); rename it if it is a recording")
        inventory.videos = [path for path in inventory.videos if path not in drawn]


def describe_passed_over(inventory: Inventory) -> list[str]:
    """A line for every file that is not used, or for many with one reason."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path, why in inventory.passed_over.items():
        groups[why].append(path)
    lines = []
    for why, paths in groups.items():
        if len(paths) <= 2:
            lines += [f"  passed over: {inventory.name(path)}: {why}" for path in paths]
        else:
            kinds = ", ".join(
                f"{count} {suffix or 'without an ending'}" for suffix, count in Counter(p.suffix for p in paths).most_common(4)
            )
            lines.append(f"  passed over: {len(paths)} files ({kinds}), such as {inventory.name(paths[0])}: {why}")
    return lines


def describe_used(inventory: Inventory) -> str:
    """How many files of each kind there are."""
    roles: Mapping[str, int] = Counter(inventory.used.values())
    parts = [f"{role} {count}" for role, count in roles.items()]
    total = len(inventory.used) + len(inventory.passed_over)
    return f"Files: {total} seen; {', '.join([*parts, f'passed over {len(inventory.passed_over)}'])}."
