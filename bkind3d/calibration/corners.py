"""Finding the board's corners in the videos of all cameras."""

import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.calibration.boards import Corners, detect_corners, locate_model, make_board
from bkind3d.calibration.misprints import explain_unseen_board, show_more_rows
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.crops import Part
from bkind3d.data.frame_maps import FrameMap, choose_frames
from bkind3d.data.progress import track
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import Video, VideoInfo, decode_frames, list_files, probe_video, read_packets

log = logging.getLogger(__name__)

#: Board videos by camera.
Videos = Mapping[str, Video]
#: Fewest corners of a board in a picture that say where it is.
MIN_CORNERS = 8
#: Frames per camera in which both layouts of a board with an even number of rows are tried, or a reason is looked for.
_TRIAL_FRAMES = 10
#: Pictures that show more rows than the board has are no accident where they are so many, and this share of the trial's.
_MORE_ROWS, _MORE_ROWS_SHARE = 2, 0.05
#: Board videos may differ in length by this share (a camera that stopped a moment later), not more.
_LENGTH_SHARE = 0.05
#: A camera that finds the board in fewer frames than this share of the most that one does may see its back.
_RARE = 0.25
#: Corners on a line say little about where a board is: least width of what is seen, as a share of its length.
_LEAST_WIDTH = 0.05


def find_corners(
    videos: Videos,
    board: BoardConfig,
    config: CalibrationConfig,
    threads: int = 1,
    frame_maps: Mapping[str, str | Path] | None = None,
    least: int = 2,
) -> Corners:
    """Search evenly spread frames of all board videos, decoded once in order, `threads` videos at a time.

    Frames of one number show one moment; where the cameras did not film so, `frame_maps` pair them (all cameras have one then).

    Raises
    ------
    InputError : where there are fewer than `least` videos, they differ in length, cameras never see the board (with the reason where one is
        found), or it has more rows than the settings say.
    """
    if len(videos) < least:
        raise InputError("--videos", f"{len(videos)} camera(s) given, at least 2 are needed", "give more cameras")
    # OpenCV's own threads wait for each other by spinning, which on a busy machine costs more than they bring.
    cv2.setNumThreads(1)
    infos = {camera: probe_video(path) for camera, path in videos.items()}
    paired = _pair_frames(videos, infos, frame_maps) if frame_maps else {}
    n_frames = _agree_on_length(infos, config.floor_frame) if not paired else len(next(iter(paired.values())))
    frames = spread_indices(n_frames, config.max_board_frames)
    if config.floor_frame is not None:
        frames = np.union1d(frames, [config.floor_frame])
    trial = frames[spread_indices(len(frames), _TRIAL_FRAMES)]
    search = _Search(videos, board, threads, set(trial.tolist()), paired)
    legacy = search.choose_layout(trial)
    points, n_taller = search.find(frames, legacy)
    if board.pattern == "charuco" and not np.isfinite(points).any():
        # White on black, as some were printed and filmed: nothing is found in such pictures, and the same board in their negatives.
        search = replace(search, inverted=True)
        legacy = search.choose_layout(trial)
        if np.isfinite(search.find(trial, legacy)[0]).any():
            log.warning("the board is printed white on black: the negatives of the pictures are searched")
            points, n_taller = search.find(frames, legacy)
    if board.pattern == "charuco":
        points = _search_backs(search, points, (frames, trial), legacy)
    if n_taller >= max(_MORE_ROWS, _MORE_ROWS_SHARE * len(trial) * len(videos)):
        raise InputError(
            "",
            f"the board in the videos has more than {board.squares_y} rows of squares (corners beyond them are seen in {n_taller} "
            f"of {len(trial) * len(videos)} pictures)",
            "count them and correct squares_y, and check square_length and marker_length",
        )
    maker = make_board(board, legacy)
    model = locate_model(maker)
    points[~_is_enough(points, model)] = np.nan
    corners = Corners(list(videos), [(info.width, info.height) for info in infos.values()], frames, points, model, maker, list_parts(infos))
    blind = [camera for camera, seen in zip(videos, corners.seen, strict=True) if not seen.any()]
    if blind:
        path = videos[blind[0]]
        shown = decode_frames(path, gray=True, wanted=set(search.list_shown(blind[0], trial)).__contains__)
        reason = explain_unseen_board((frame.picture for frame in shown), board)
        raise InputError(list_files(path)[0], f"the board is found in no frame by camera(s) {', '.join(blind)}", reason)
    return corners


def _search_backs(
    search: "_Search",
    points: Float[NDArray, "camera frame corner 2"],
    frames: tuple[Int[NDArray, "frame"], Int[NDArray, "..."]],
    legacy: bool,
) -> Float[NDArray, "camera frame corner 2"]:
    """The corners, with those of cameras that see the board mirrored: its back, or its front in a mirrored picture (which of both, poses tell).

    `frames` are all that are searched, and those of the trial. Frames in which something was found keep it.
    """
    counts = np.isfinite(points[..., 0]).any(axis=2).sum(axis=1)
    rare = [camera for camera, count in zip(search.videos, counts, strict=True) if count <= _RARE * counts.max()]
    behind = replace(search, videos={camera: search.videos[camera] for camera in rare}, trial=frozenset(), mirrored=True)
    found = np.isfinite(behind.find(frames[1], legacy)[0][..., 0]).any(axis=(1, 2)) if rare else np.zeros(0, bool)
    rare = [camera for camera, shown in zip(rare, found, strict=True) if shown]
    if not rare:
        return points
    log.warning("%s: the board is seen mirrored", ", ".join(rare))
    places = [list(search.videos).index(camera) for camera in rare]
    more, _ = replace(behind, videos={camera: search.videos[camera] for camera in rare}).find(frames[0], legacy)
    filled = points.copy()
    empty = ~np.isfinite(points[places][..., 0]).any(axis=2)
    filled[places] = np.where(empty[..., None, None], more, points[places])
    return filled


def list_parts(infos: Mapping[str, VideoInfo]) -> dict[str, Part]:
    """Which part of its video's pictures is a camera's, of those that do not have the whole."""
    return {camera: info.part for camera, info in infos.items() if info.part}


def _is_enough(points: Float[NDArray, "camera frame corner 2"], model: Float[NDArray, "corner 3"]) -> Bool[NDArray, "camera frame"]:
    """(camera, frame): whether the corners that are seen say where the board is."""
    known = np.isfinite(points[..., 0])
    enough = known.sum(axis=2) >= MIN_CORNERS
    for camera, frame in np.argwhere(enough):
        spread = np.linalg.svd(model[known[camera, frame], :2] - model[known[camera, frame], :2].mean(axis=0), compute_uv=False)
        enough[camera, frame] = spread[1] > _LEAST_WIDTH * spread[0]
    return enough


def _pair_frames(videos: Videos, infos: Mapping[str, VideoInfo], frame_maps: Mapping[str, str | Path]) -> dict[str, Int[NDArray, "frame"]]:
    """The frame of every video that shows each frame of the recording, -1 where it has none."""
    lacking = [camera for camera in videos if camera not in frame_maps]
    if lacking:
        raise InputError("", f"camera {lacking[0]!r} has no frame map, others have", "give one for every camera")
    return {
        camera: choose_frames(info.n_frames, FrameMap(frame_maps[camera], camera, frame_maps), rate=read_packets(videos[camera]).rate)[:, 1]
        for camera, info in infos.items()
    }


def _agree_on_length(infos: Mapping[str, VideoInfo], floor_frame: int | None) -> int:
    lengths = {camera: info.n_frames for camera, info in infos.items()}
    shortest, longest = min(lengths.values()), max(lengths.values())
    longer = [f"{length - shortest} frames of {camera}" for camera, length in lengths.items() if length > shortest]
    counts = ", ".join(f"{camera} {length}" for camera, length in lengths.items())
    if longest - shortest > max(1, _LENGTH_SHARE * longest):
        raise InputError(
            "",
            f"the board videos have different numbers of frames ({counts})",
            f"the cameras have to film the board at the same moments: cut what only the longer ones show ({', '.join(longer)}), at the "
            "beginning or the end, whichever they have before or after the others",
        )
    if longest != shortest:
        log.warning("the board videos have different numbers of frames (%s); the first %d are used", counts, shortest)
    if floor_frame is not None and floor_frame >= shortest:
        raise InputError(
            "", f"calibration.floor_frame is {floor_frame}, but the board videos have {shortest} frames (counted from 0)", "correct it"
        )
    return shortest


@dataclass(frozen=True)
class _Search:
    """How a board is searched in videos, `threads` of them at a time; `trial` are frames in which more rows are looked for.

    `paired` are the frames of each video that show the recording's, where the two are not the same. With `inverted`, the pictures'
    negatives are searched; if `mirrored`, their mirror images, and what is found there is told in pixels of the pictures as they are.
    """

    videos: Videos
    board: BoardConfig
    threads: int
    trial: AbstractSet[int]
    paired: Mapping[str, Int[NDArray, "frame"]] = field(default_factory=dict)
    inverted: bool = False
    mirrored: bool = False

    def list_shown(self, camera: str, frames: Int[NDArray, "..."]) -> list[int]:
        """The video's frames that show these of the recording; -1 where it has none."""
        return [int(number) for number in (self.paired[camera][frames] if camera in self.paired else frames)]

    def choose_layout(self, frames: Int[NDArray, "..."]) -> bool:
        """Whether the board has the layout of OpenCV before 4.6; the wrong one finds nothing, without any error."""
        board = self.board
        if board.legacy_pattern != "auto" or board.squares_y % 2 or board.pattern == "checkerboard":
            return board.legacy_pattern == "true"
        found = [int(np.isfinite(replace(self, trial=frozenset()).find(frames, legacy)[0][..., 0]).sum()) for legacy in (False, True)]
        log.info("corners found with the layout of OpenCV since 4.6: %d, with the one before: %d", found[False], found[True])
        return found[True] > found[False]

    def find(self, frames: Int[NDArray, "..."], legacy: bool) -> tuple[Float[NDArray, "camera frame corner 2"], int]:
        """Corners in the given frames of all videos, and how many pictures of the trial show more rows; every thread has its own detector."""
        with ThreadPoolExecutor(self.threads) as pool:
            searches = [pool.submit(self._search, camera, frames, legacy) for camera in self.videos]
            points, counts = zip(*(search.result() for search in searches), strict=True)
        return np.stack(points), sum(counts)

    def _search(self, camera: str, frames: Int[NDArray, "..."], legacy: bool) -> tuple[Float[NDArray, "frame corner 2"], int]:
        board = make_board(self.board, legacy)
        wanted = {number: index for index, number in enumerate(self.list_shown(camera, frames)) if number >= 0}
        points, tried = np.full((len(frames), len(locate_model(board)), 2), np.nan), []
        decoded = decode_frames(self.videos[camera], gray=True, wanted=wanted.__contains__)
        for number, _, picture in track(decoded, f"board in {camera}", len(wanted), "frame"):
            index = wanted[number]
            shown = np.asarray(255 - picture, dtype=np.uint8) if self.inverted else picture
            if self.mirrored:
                points[index] = detect_corners(board, np.ascontiguousarray(shown[:, ::-1])) * [-1, 1] + [shown.shape[1] - 1, 0]
            else:
                points[index] = detect_corners(board, shown)
            if int(frames[index]) in self.trial and np.isfinite(points[index]).any():
                tried.append(shown)
            if number >= max(wanted):
                break
        return points, sum(show_more_rows(tried, self.board, legacy))
