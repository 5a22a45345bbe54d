"""ChArUco boards: finding their corners in the videos of all cameras."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from tqdm import tqdm

from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.video import VideoInfo, decode_frames, probe_video

if TYPE_CHECKING:
    from aniposelib.boards import CharucoBoard

log = logging.getLogger(__name__)

#: Fewest corners of a board in a picture that say where it is.
MIN_CORNERS = 8
#: Frames per camera in which both layouts of a board with an even number of rows are tried.
_TRIAL_FRAMES = 10
#: Board videos may differ in length by this share (a camera that stopped a moment later), not more.
_LENGTH_SHARE = 0.05


@dataclass(frozen=True)
class Corners:
    """The board's corners as all cameras see them.

    Attributes
    ----------
    cameras : names.
    sizes : (width, height) of every camera's pictures.
    frames : numbers of the searched frames.
    points : pixels, NaN where a corner is not found; boards of which a camera sees too few corners are left out.
    model : where the corners are on the board, units of the board; OpenCV's board frame (z into the board, 0 at its corner).
    board : aniposelib's board.
    """

    cameras: list[str]
    sizes: list[tuple[int, int]]
    frames: Int[NDArray, "frame"]
    points: Float[NDArray, "camera frame corner 2"]
    model: Float[NDArray, "corner 3"]
    board: "CharucoBoard"

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(camera, frame): whether the camera sees the board."""
        return np.asarray(np.isfinite(self.points[..., 0]).any(axis=2))


def make_board(config: BoardConfig, legacy: bool) -> "CharucoBoard":
    """aniposelib's board, with detection thresholds that suit small pictures as well as large ones."""
    from aniposelib.boards import CharucoBoard

    board = CharucoBoard(
        config.squares_x, config.squares_y, config.square_length, config.marker_length, config.marker_bits, config.dictionary_size
    )
    board.board.setLegacyPattern(legacy)
    parameters = board.detector_params
    # aniposelib's windows of 50 to 700 pixels find less, and take twice as long (measured at 320x256 and 1280x1024).
    parameters.adaptiveThreshWinSizeMin, parameters.adaptiveThreshWinSizeMax, parameters.adaptiveThreshWinSizeStep = 3, 43, 10
    parameters.adaptiveThreshConstant = 7
    board.charuco_detector.setBoard(board.board)
    board.charuco_detector.setDetectorParameters(parameters)
    return board


def find_corners(videos: Mapping[str, str | Path], board: BoardConfig, config: CalibrationConfig, threads: int = 1) -> Corners:
    """Search evenly spread frames of all board videos, decoded once in order, `threads` videos at a time.

    Raises
    ------
    InputError : where videos differ in length, or cameras never see the board.
    """
    infos = {camera: probe_video(path) for camera, path in videos.items()}
    n_frames = _agree_on_length(infos, config.floor_frame)
    frames = np.unique(np.linspace(0, n_frames - 1, min(config.max_board_frames, n_frames)).round().astype(np.int64))
    if config.floor_frame is not None:
        frames = np.union1d(frames, [config.floor_frame])
    legacy = _choose_layout(videos, board, frames, threads)
    maker, points = make_board(board, legacy), _search_videos(videos, board, legacy, frames, threads)
    points[(np.isfinite(points[..., 0]).sum(axis=2) < MIN_CORNERS)] = np.nan
    model = np.asarray(maker.board.getChessboardCorners(), dtype=np.float64)
    corners = Corners(list(videos), [(info.width, info.height) for info in infos.values()], frames, points, model, maker)
    blind = [camera for camera, seen in zip(videos, corners.seen, strict=True) if not seen.any()]
    if blind:
        raise InputError(
            f"{videos[blind[0]]}: the board is found in no frame by camera(s) {', '.join(blind)}; check the board's squares, marker_bits, "
            "dictionary_size and legacy_pattern, and that it fills enough of the picture"
        )
    return corners


def rows_of(corners: Corners, camera: int) -> list[dict[str, Any]]:
    """One camera's corners in aniposelib's form."""
    rows = []
    for frame in np.flatnonzero(corners.seen[camera]):
        found = np.flatnonzero(np.isfinite(corners.points[camera, frame, :, 0]))
        points = corners.points[camera, frame, found][:, None].astype(np.float32)
        rows.append({"framenum": int(frame), "corners": points, "ids": found[:, None].astype(np.int32)})
    return list(corners.board.fill_points_rows(rows))


def _agree_on_length(infos: Mapping[str, VideoInfo], floor_frame: int | None) -> int:
    lengths = {camera: info.n_frames for camera, info in infos.items()}
    shortest, longest = min(lengths.values()), max(lengths.values())
    counts = ", ".join(f"{camera} {length}" for camera, length in lengths.items())
    if longest - shortest > max(1, _LENGTH_SHARE * longest):
        raise InputError(
            f"the board videos have different numbers of frames ({counts}); the cameras have to film the board at the same moments: cut them alike"
        )
    if longest != shortest:
        log.warning("the board videos have different numbers of frames (%s); the first %d are used", counts, shortest)
    if floor_frame is not None and floor_frame >= shortest:
        raise InputError(f"calibration.floor_frame is {floor_frame}, but the board videos have {shortest} frames (counted from 0)")
    return shortest


def _choose_layout(videos: Mapping[str, str | Path], config: BoardConfig, frames: NDArray[np.int64], threads: int) -> bool:
    """Whether the board has the layout of OpenCV before 4.6; the wrong one finds nothing, without any error."""
    if config.legacy_pattern != "auto" or config.squares_y % 2:
        return config.legacy_pattern == "true"
    trial = frames[np.linspace(0, len(frames) - 1, min(_TRIAL_FRAMES, len(frames))).round().astype(int)]
    layouts = (False, True)
    found = [int(np.isfinite(_search_videos(videos, config, legacy, trial, threads)[..., 0]).sum()) for legacy in layouts]
    log.info("corners found with the layout of OpenCV since 4.6: %d, with the one before: %d", found[False], found[True])
    return found[True] > found[False]


def _search_videos(
    videos: Mapping[str, str | Path], config: BoardConfig, legacy: bool, frames: NDArray[np.int64], threads: int
) -> Float[NDArray, "camera frame corner 2"]:
    """Corners in the given frames of all videos; every thread has a detector of its own."""
    with ThreadPoolExecutor(threads) as pool:
        searches = [pool.submit(_search_video, path, make_board(config, legacy), frames, camera) for camera, path in videos.items()]
        return np.stack([search.result() for search in searches])


def _search_video(path: str | Path, board: "CharucoBoard", frames: NDArray[np.int64], camera: str) -> Float[NDArray, "frame corner 2"]:
    wanted = {int(frame): index for index, frame in enumerate(frames)}
    points = np.full((len(frames), board.total_size, 2), np.nan)
    decoded = decode_frames(path, gray=True, wanted=wanted.__contains__)
    for frame, _, picture in tqdm(decoded, total=len(frames), desc=f"board in {camera}", unit="frame", disable=None):
        found, numbers = board.detect_image(picture)
        if numbers is not None and len(found):
            points[wanted[frame], np.asarray(numbers).ravel()] = np.asarray(found, dtype=np.float64).reshape(-1, 2)
        if frame >= frames[-1]:
            break
    return points
