"""Rigs: whether the world stands upright, and how often cameras saw the board that they are calibrated by, alone and together."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from jaxtyping import Bool
from numpy.typing import NDArray

from bkind3d.calibration.corners import find_corners
from bkind3d.config import InputError
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.video import cut_board
from bkind3d.doctor.checks import Check
from bkind3d.doctor.sessions import find_rig_file, read_rig
from bkind3d.geometry.cameras import Camera, axis_vector, find_up, name_axis, upright_rotation
from bkind3d.geometry.units import METRES
from bkind3d.study.study import Study

#: Frames of board videos that are searched, where no calibration has done it yet.
SAMPLES = 24
#: Board frames of a camera, and of two cameras together, below which a calibration rests on little.
_FEW, _FEW_SHARED = 6, 3
_FILM = "film the board nearer, in all parts of the picture, slowly, and so that two cameras see it at a time"


def examine_rig(study: Study, name: str) -> list[Check]:
    """Look at a rig's units, its world, and, where it is calibrated here, its board videos."""
    return [*check_board_size(study, name), *_check_world(study, name), *_check_boards(study, name)]


def check_board_size(study: Study, name: str) -> list[Check]:
    """Whether a board is as large as boards are."""
    row = study.rigs[name]
    board = study.config.boards.get(row.board)
    if board is None or row.units not in METRES or 1e-3 <= board.square_length * METRES[row.units] <= 1:
        return []
    sentence = f"rig {name!r}: a board with squares of {board.square_length:g} {row.units} cannot be"
    return [Check("failure", "units", sentence, "give square_length and marker_length in the rig's units")]


def _check_world(study: Study, name: str) -> list[Check]:
    try:
        cameras = read_rig(study, name)
    except InputError:
        return []  # the sessions say what is wrong with it
    row = study.rigs[name]
    # As the workflow makes it, the world is upright already.
    turned = bool(row.calibration) and find_rig_file(study, name) == study.results.calibration(name)
    return check_up(name, cameras or {}, row.up, turned, given=bool(row.calibration))


def check_up(name: str, cameras: Mapping[str, Camera], up: str, turned: bool, given: bool = True) -> list[Check]:
    """Whether the axis that is said to point up does so in the pictures of most cameras.

    Parameters
    ----------
    cameras : in the world of their file; or, where it was `turned`, in the one in which `up` has become z.
    given : whether the calibration is another program's, of which the sheet of rigs says what is up.
    """
    seen = find_up(list(cameras.values())) if cameras else None
    if seen is None:
        return []
    found = name_axis(upright_rotation(up).T @ axis_vector(seen)) if turned else seen
    if found == (up if given else "z"):
        return [Check("pass", "up", f"rig {name!r}: {found} points up in the pictures, too")]
    sentence = f"rig {name!r}: z is taken for up, but in the pictures of most cameras {found} points up"
    step = "lay the board on the floor in a frame, and name it (calibration.floor_frame), or give world_points in rigs.tsv"
    if given:
        sentence = f"rig {name!r}: up is {up!r}, but in the pictures of most cameras {found} points up"
        step = f"write {found} as up of this rig in rigs.tsv, unless the cameras hang upside down"
    return [Check("warning", "up", sentence, step)]


def _check_boards(study: Study, name: str) -> list[Check]:
    videos = study.find_board_views(name)
    maps = {camera: study.folder / path for camera, path in study.find_board_frame_maps(name).items()}
    quality = study.results.calibration_quality(name)
    if not videos:
        return []
    if quality.exists():
        table, metadata = read_table(quality, "calibration"), read_metadata(quality)
        counts = dict(zip(table["camera"], table["n_board_frames"].astype(int), strict=True))
        shared = {(pair["one"], pair["other"]): int(pair["n_shared"]) for pair in metadata.get("pairs", [])}
        return check_board_views(name, counts, shared)
    if not all(path.exists() for view in videos.values() for path in view.files):
        return [Check("warning", "board", f"rig {name!r}: its board videos are not there yet", "snakemake renders them")]
    try:
        few = study.config.calibration.model_copy(update={"max_board_frames": SAMPLES})
        cut = {camera: cut_board(view) for camera, view in videos.items()}
        corners = find_corners(cut, study.config.boards[study.rigs[name].board], few, frame_maps=maps)
    except InputError as error:
        return [Check.of_error("board", InputError(f"rig {name}: {error.where}".rstrip(": "), error.what, error.remedy), _FILM)]
    return check_board_views(name, *count_views(corners.cameras, corners.seen), of=len(corners.frames))


def count_views(cameras: Sequence[str], seen: Bool[NDArray, "camera frame"]) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """In how many frames each camera, and each two cameras together, see the board."""
    shared = {(one, other): int((seen[i] & seen[j]).sum()) for (i, one), (j, other) in combinations(enumerate(cameras), 2)}
    return dict(zip(cameras, seen.sum(axis=1).tolist(), strict=True)), shared


def check_board_views(name: str, counts: Mapping[str, int], shared: Mapping[tuple[str, str], int], of: int = 0) -> list[Check]:
    """Whether every camera saw the board often enough, and all of them are tied together by what two saw at a time; `of` so many frames."""
    total = f" of {of} frames that were looked at" if of else " frames"
    few = _FEW if not of else min(_FEW, of // 4)
    checks = []
    for camera, count in counts.items():
        sentence, rare = f"rig {name!r}: the board is found in {count}{total}", count < few
        checks.append(Check("warning" if rare else "pass", "board", sentence, _FILM if rare else "", camera=camera))
    listed = ", ".join(f"{one} and {other} {count}" for (one, other), count in shared.items())
    together = f"rig {name!r}: frames in which two cameras see the board: {listed or 'none'}"
    apart = _list_apart(list(counts), {pair for pair, count in shared.items() if count >= (_FEW_SHARED if not of else 1)})
    if apart:
        return [*checks, Check("warning", "board", f"{together}; {', '.join(apart)} are hardly tied to the others", _FILM)]
    return [*checks, Check("pass", "board", together)]


def _list_apart(cameras: Sequence[str], tied: set[tuple[str, str]]) -> list[str]:
    """Cameras that no chain of pairs ties to the largest group."""
    group = {camera: {camera} for camera in cameras}
    for one, other in tied:
        joined = group[one] | group[other]
        group |= dict.fromkeys(joined, joined)
    largest = max(group.values(), key=len, default=set())
    return [camera for camera in cameras if camera not in largest]
