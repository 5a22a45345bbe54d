"""Where the subject is: its centre per frame, from the silhouettes of several views, and the cube it fits into."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError, LocationConfig
from bkind3d.data.calibration_files import fit_camera_to_video, read_calibration
from bkind3d.data.calibration_formats import require_cameras
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.geometry.cameras import Camera
from bkind3d.survey.consensus import Clusters, find_candidates
from bkind3d.survey.extent import ReadMasks, measure_side
from bkind3d.survey.remarks import describe_nothing, remark_others, remark_track
from bkind3d.survey.silhouettes import MAX_CLUSTERS, decode_mask
from bkind3d.survey.synchronisation import measure_offsets, shift_frames
from bkind3d.survey.tracking import fill_gaps, follow_subject, smooth_track, take_candidates

log = logging.getLogger(__name__)

#: A cluster's seven numbers in the survey: area, centroid x and y, box x0, y0, x1, y1.
CLUSTER_NUMBERS = 7


class Sightings(NamedTuple):
    """What all views saw, with the cameras of the survey pictures, the session's frames and times, and frames per second.

    Clusters are in survey pixels, NaN where there are fewer.
    """

    cameras: list[Camera]
    frames: Int[NDArray, "frame"]
    times: Float[NDArray, "frame"]
    clusters: Clusters
    rate: float


def locate_subject(config: LocationConfig, calibration: str | Path, surveys: Mapping[str, str | Path], output: str | Path) -> list[str]:
    """Locate the subject in every frame of a session and write the table ``location`` to `output`.

    World and units are those of the rig's `calibration`; `surveys` are tables by camera.

    Returns
    -------
    Sentences that the user should read before going on; they are in the table's metadata, too.

    Raises
    ------
    InputError : where a camera is not in the calibration, the surveys' frames differ, or nothing can be located.
    """
    cameras, metadata = read_calibration(calibration)
    units = metadata.get("units", "")
    sightings = read_sightings(cameras, surveys, calibration)
    offsets = measure_offsets(config, sightings.cameras, surveys, sightings.frames)
    shifts = [offset.shift for offset in offsets.values()]
    sightings = sightings._replace(clusters=shift_frames(sightings.clusters, shifts))
    candidates = find_candidates(sightings.cameras, sightings.clusters, config.max_residual)
    low, high = np.array(config.region or ((-np.inf,) * 3, (np.inf,) * 3))
    inside = ((candidates.points >= low) & (candidates.points <= high)).all(axis=2)
    subject = follow_subject(candidates, sightings.times, inside)
    if (subject.candidate < 0).all():
        n_seen = np.isfinite(sightings.clusters[..., 0]).any(axis=2).sum(axis=0).tolist()
        raise InputError(describe_nothing(str(calibration), dict(zip(surveys, n_seen, strict=True)), config))
    points, chosen, residual = take_candidates(candidates, subject)
    max_gap = round(config.max_gap_seconds * sightings.rate)
    centres = fill_gaps(smooth_track(points, config.smooth_seconds * sightings.rate), max_gap)
    side = config.side or config.side_margin * measure_side(
        sightings.cameras, centres, chosen, sightings.clusters, _mask_reader(surveys, sightings.frames, shifts)
    )
    n_views, valid = (chosen >= 0).sum(axis=1), np.isfinite(centres).all(axis=1)
    table = pd.DataFrame(centres, columns=["x", "y", "z"])
    table = table.assign(frame=sightings.frames, time_s=sightings.times, n_views=n_views, residual=residual, valid=valid)
    share = float(valid.mean())
    remarks = remark_track(table, len(surveys), subject.size, units) + remark_others(candidates, subject, sightings.times, inside, units)
    details = {"side": float(side), "units": units, "valid": share, "rate": sightings.rate, "offsets": offsets, "remarks": remarks}
    write_table(table, "location", output, details)
    views = table["n_views"].mean()
    log.info("%s: located in %.1f %% of %d frames, %.2f views each, side %.4g %s", output, 100 * share, len(table), views, side, units)
    return remarks


def read_sightings(cameras: Mapping[str, Camera], surveys: Mapping[str, str | Path], calibration: str | Path) -> Sightings:
    """Read all views' clusters; refuse views that do not fit the calibration or each other."""
    if len(surveys) < 2:
        raise InputError(f"{', '.join(surveys) or 'no camera'}: at least two cameras are needed to locate the subject")
    require_cameras(cameras, surveys, calibration, "name the cameras alike in sheet and calibration")
    metadata = {name: read_metadata(path) for name, path in surveys.items()}
    tables = {name: read_table(path, "survey", ["frame", "time_s", "clusters"]) for name, path in surveys.items()}
    lengths = {name: len(table) for name, table in tables.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(
            f"the cameras have different numbers of frames ({counts}); give frame maps or start and stop, so that frames show the same moments"
        )
    first_name, first = next(iter(tables.items()))
    if first.empty:
        raise InputError(f"{surveys[first_name]}: has no frames")
    for name, table in tables.items():
        if not np.array_equal(table["frame"], first["frame"]):
            span = f"{table['frame'].min()} to {table['frame'].max()}"
            raise InputError(
                f"{surveys[name]}: its frames {span} are not those of camera {first_name!r}; survey both with the same start and stop"
            )
    fitted = []
    for name, entry in metadata.items():
        camera = fit_camera_to_video(cameras[name], (int(entry["video_width"]), int(entry["video_height"])), calibration)
        fitted.append(camera.resized((int(entry["width"]), int(entry["height"]))))
    clusters = np.full((len(first), len(tables), MAX_CLUSTERS, CLUSTER_NUMBERS), np.nan)
    for view, table in enumerate(tables.values()):
        for row, numbers in enumerate(table["clusters"]):
            found = np.asarray(numbers, dtype=np.float64).reshape(-1, CLUSTER_NUMBERS)[:MAX_CLUSTERS]
            clusters[row, view, : len(found)] = found
    return Sightings(fitted, first["frame"].to_numpy(), first["time_s"].to_numpy(), clusters, float(metadata[first_name]["rate"]))


def _mask_reader(surveys: Mapping[str, str | Path], frames: Int[NDArray, "frame"], shifts: list[int]) -> ReadMasks:
    """Read a few silhouettes out of the surveys, each shifted by as many frames as its camera is late."""
    paths = list(surveys.values())

    def read_masks(view: int, positions: Int[NDArray, "..."]) -> list[UInt8[NDArray, "..."]]:
        numbers = frames[positions] + shifts[view]
        rows = read_table(paths[view], "survey", ["frame", "mask"], frames=numbers.tolist()).set_index("frame")["mask"]
        return [decode_mask(rows[number]) for number in numbers]

    return read_masks
