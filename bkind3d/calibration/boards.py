"""Calibration boards: ChArUco and checkerboards as aniposelib knows them, and where their corners are in pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from numpy.typing import NDArray

from bkind3d.config import BoardConfig
from bkind3d.data.crops import Part

if TYPE_CHECKING:
    from aniposelib.boards import CalibrationObject

Picture = UInt8[NDArray, "..."]
#: Halves of the windows in which a corner is refined again, pixels by which they may differ, and how often and how finely it is done.
_WINDOWS, _ALIKE, _STEPS = ((3, 3), (5, 5)), 0.3, (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-3)
#: How a checkerboard is searched: thoroughly, and to a fraction of a pixel.
_CHECKERBOARD = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
#: A corner of a checkerboard may lie this share of a square off the plane grid that fits all best; lenses bend it less, wrong rows more.
_OFF_GRID = 0.3


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
    parts : which part of the video's pictures is a camera's, of those that do not have the whole.
    """

    cameras: list[str]
    sizes: list[tuple[int, int]]
    frames: Int[NDArray, "frame"]
    points: Float[NDArray, "camera frame corner 2"]
    model: Float[NDArray, "corner 3"]
    board: "CalibrationObject"
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def seen(self) -> Bool[NDArray, "camera frame"]:
        """(camera, frame): whether the camera sees the board."""
        return np.asarray(np.isfinite(self.points[..., 0]).any(axis=2))

    @property
    def shared(self) -> Int[NDArray, "camera camera"]:
        """(camera, camera): in how many frames both see the board."""
        seen = self.seen.astype(np.int64)
        return np.asarray(seen @ seen.T)

    @cached_property
    def neighbours(self) -> Int[NDArray, "edge 2"]:
        """Corners that are one square apart."""
        distances = np.linalg.norm(self.model[:, None] - self.model, axis=-1)
        square = distances[distances > 0].min()
        return np.argwhere(np.triu(np.abs(distances - square) < 1e-3 * square))

    @property
    def outline(self) -> Float[NDArray, "4 3"]:
        """The outermost corners of the board."""
        low, high = self.model.min(axis=0), self.model.max(axis=0)
        return np.array([[x, y, 0.0] for x, y in ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))])

    def select(self, chosen: Shaped[NDArray, "..."]) -> "Corners":
        """The same of some frames (indices, or a mask)."""
        return replace(self, frames=self.frames[chosen], points=self.points[:, chosen])


def make_board(config: BoardConfig, legacy: bool = False) -> "CalibrationObject":
    """aniposelib's board, with detection thresholds that suit small pictures as well as large ones."""
    from aniposelib.boards import CharucoBoard, Checkerboard

    if config.pattern == "checkerboard":
        return Checkerboard(config.squares_x - 1, config.squares_y - 1, config.square_length)
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


def locate_model(board: "CalibrationObject") -> Float[NDArray, "corner 3"]:
    """Where the corners are on `board`: from its corner, x along the columns, y along the rows, in its units."""
    if hasattr(board, "charuco_detector"):
        return np.asarray(board.board.getChessboardCorners(), dtype=np.float64)
    return np.asarray(board.get_object_points(), dtype=np.float64) + board.get_square_length() * np.array([1.0, 1.0, 0.0])


def detect_corners(board: "CalibrationObject", picture: Picture) -> Float[NDArray, "corner 2"]:
    """Find `board` in a grey picture: pixels of its corners, NaN where one is not seen."""
    points = np.full((board.get_empty_detection().shape[0], 2), np.nan)
    if hasattr(board, "charuco_detector"):
        found, numbers = board.detect_image(picture)
        if numbers is not None and len(found):
            corners = np.asarray(found, dtype=np.float64).reshape(-1, 2)
            points[np.asarray(numbers).ravel()] = _refine_again(picture, corners) if _adds_half_a_pixel() else corners
        return points
    # aniposelib's own search takes a part of a checkerboard for the whole. This one now and then takes what is beside a board for a row of it.
    complete, found = cv2.findChessboardCornersSB(picture, board.get_size(), flags=_CHECKERBOARD)
    if complete and not _is_grid(found, board.get_size()):
        complete, found = cv2.findChessboardCorners(picture, board.get_size())
        if complete:
            found = cv2.cornerSubPix(picture, np.asarray(found, np.float32).reshape(-1, 1, 2), _WINDOWS[0], (-1, -1), _STEPS)
            complete = _is_grid(found, board.get_size())
    return np.asarray(found, dtype=np.float64).reshape(-1, 2) if complete else points


def _is_grid(found: Shaped[NDArray, "..."], size: tuple[int, int]) -> bool:
    """Whether corners lie where a plane grid of `size` would show them, but for a lens' distortion."""
    grid = np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), axis=-1).reshape(-1, 2).astype(np.float32)
    corners = np.asarray(found, dtype=np.float32).reshape(-1, 2)
    plane, _ = cv2.findHomography(grid, corners)
    if plane is None:
        return False
    off = np.linalg.norm(cv2.perspectiveTransform(grid[None], plane)[0] - corners, axis=1)
    square = np.median(np.linalg.norm(np.diff(corners.reshape(size[1], size[0], 2), axis=1), axis=2))
    return bool(off.max() < _OFF_GRID * square)


@cache
def _adds_half_a_pixel() -> bool:
    """Whether this OpenCV adds half a pixel to corners that it refined, as versions before 4.14 do (its issue 25539): seen on a drawn board."""
    side, board = 40, cv2.aruco.CharucoBoard((4, 3), 4, 3, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    picture = cv2.copyMakeBorder(board.generateImage((4 * side, 3 * side)), side, side, side, side, cv2.BORDER_CONSTANT, value=255)
    found, numbers, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(picture)
    if numbers is None:
        return False
    true = np.asarray(board.getChessboardCorners())[np.asarray(numbers).ravel(), :2] / 4 * side + side - 0.5
    return bool(np.median(np.asarray(found).reshape(-1, 2) - true) > 0.25)


def _refine_again(picture: Picture, corners: Float[NDArray, "corner 2"]) -> Float[NDArray, "corner 2"]:
    """Where the picture says that corners are which had half a pixel added to them; NaN where a narrow and a wide look disagree."""
    start = (corners - 0.5).astype(np.float32).reshape(-1, 1, 2)
    narrow, wide = (cv2.cornerSubPix(picture, start.copy(), window, (-1, -1), _STEPS)[:, 0] for window in _WINDOWS)
    alike = np.linalg.norm(narrow - wide, axis=1, keepdims=True) < _ALIKE
    return np.where(alike, wide, np.nan).astype(np.float64)


def rows_of(corners: Corners, camera: int, poses: Float[NDArray, "frame 4 4"]) -> list[dict[str, Any]]:
    """One camera's corners in aniposelib's form; `poses` are the board's in the camera's frame (NaN: the frame is left out)."""
    rows = []
    for frame in np.flatnonzero(corners.seen[camera] & np.isfinite(poses[:, 0, 0])):
        found = np.flatnonzero(np.isfinite(corners.points[camera, frame, :, 0]))
        points = corners.points[camera, frame, found][:, None].astype(np.float32)
        pose = {"rvec": cv2.Rodrigues(poses[frame, :3, :3])[0], "tvec": poses[frame, :3, 3:]}
        rows.append({"framenum": int(frame), "corners": points, "ids": found[:, None].astype(np.int32), **pose})
    return list(corners.board.fill_points_rows(rows))
