"""Whether silhouettes, places and keypoints agree with themselves: measures that need no truth, of every session (:mod:`bkind3d.study.doubts`)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.points import SessionKeypoints, read_keypoints
from bkind3d.data.progress import track
from bkind3d.study.doubts import Measure
from bkind3d.study.study import Study

#: Seconds over which the centre and the body are compared: what trembles does so within them.
_TREMBLE = 0.1
#: The body moves if its keypoints go further in that time than this share of the cube's side; below it both stand still.
_STILL = 0.01
#: Keypoints further off a silhouette than this share of the cube's side are off it.
_OFF = 0.02


def measure_doubts(study: Study, sessions: Iterable[str]) -> list[Measure]:
    """Measure all that can be doubted of some sessions: their silhouettes and places, and their keypoints by every experiment."""
    measures = []
    for session in track(list(sessions), "doubts", unit="session"):
        location = read_table(study.results.location(session), "location")
        place = read_metadata(study.results.location(session))
        if not location["valid"].any():
            continue  # there is nothing to doubt; that it is not located is said elsewhere
        side = read_cube(study.results.cube(), str(place.get("units", "")))
        measures += [
            *measure_location(study, session, location, place),
            *measure_silhouettes(study, session, location, side),
        ]
        for name, settings in study.config.experiments.items():
            path, size = study.results.keypoints(name, session), study.config.framesets[settings.frames].size
            measures += measure_keypoints(path, session, name, location, side, size) if path.exists() else []
    return measures


def measure_location(study: Study, session: str, location: pd.DataFrame, place: dict[str, Any]) -> Iterator[Measure]:
    """How many cameras agree on where the subject is, and how far the silhouettes of each agree with the hull of all."""
    cameras = study.cameras[session]
    seen = location.loc[location["valid"], "n_views"]
    yield Measure("views", session, float(seen.mean()) / len(cameras))
    for camera, share in (place.get("agreement") or {}).items():
        yield Measure("outlines", session, float(share), camera)


def measure_silhouettes(study: Study, session: str, location: pd.DataFrame, side: float) -> Iterator[Measure]:
    """How wide the cube is beside each camera's picture, how much of it is subject, and how silhouettes change from one frame to the next."""
    calibrated, _ = read_calibration(study.results.calibration(study.sessions[session].rig))
    centres = location.loc[location["valid"], ["x", "y", "z"]].to_numpy(np.float64)
    for name in study.cameras[session]:
        camera, path = calibrated[name], study.results.survey(session, name)
        areas = read_table(path, "survey", ["area"])["area"].to_numpy(np.float64)
        depths = centres @ camera.rotation[2] + camera.translation[2]
        width = side * float(camera.matrix[0, 0]) / float(np.median(depths)) / camera.size[0]  # as a share of the picture's width
        yield Measure("wide", session, width * camera.size[0] / min(camera.size), name)
        seen = areas[areas > 0]
        if len(seen) > 1:
            yield Measure("empty", session, float(np.median(seen)) / (width * float(read_metadata(path)["width"])) ** 2, name)
            changes = np.abs(np.diff(np.log(seen)))
            yield Measure("flicker", session, float(np.expm1(changes.mean())), name)


def measure_keypoints(path: Path, session: str, experiment: str, location: pd.DataFrame, side: float, size: int) -> Iterator[Measure]:
    """How keypoints stand to silhouettes, centre and themselves; `side` is that of the cube, world units, `size` the same in the frames, pixels."""
    keypoints = read_keypoints(path)
    if not keypoints.located.any():
        return
    stated = keypoints.metadata.get("agreement") or {}
    centres = location.drop_duplicates("frame").set_index("frame").reindex(keypoints.frames)[["x", "y", "z"]].to_numpy(np.float64)
    values = {
        "jitter": measure_jitter(keypoints, centres, side),
        "diffuse": float(np.nanmedian(keypoints.spreads)) / side,
        "off": float((keypoints.residuals[np.isfinite(keypoints.residuals)] > _OFF * size).mean()),
        "left_out": _mean(stated.get("off_left_out")),
        "unsteady": _mean(stated.get("fewer_views")) / side,
        "headings": np.nan if stated.get("headings") is None else float(stated["headings"]),
    }
    for kind, value in values.items():
        yield Measure(kind, session, value, experiment=experiment)


def measure_jitter(keypoints: SessionKeypoints, centres: Float[NDArray, "frame 3"], side: float) -> float:
    """How far the centre moves against the body, as a multiple of how far the body moves (or of what is hardly a movement)."""
    body = keypoints.positions.astype(np.float64).mean(axis=1)
    steps = np.diff(keypoints.times)
    if not len(steps):
        return np.nan
    lag = max(1, round(_TREMBLE / float(np.median(steps))))
    own, against = (np.linalg.norm(path[lag:] - path[:-lag], axis=1) for path in (body, centres - body))
    known = np.isfinite(own) & np.isfinite(against)
    if not known.any():
        return np.nan
    return float(np.sqrt(np.mean(against[known] ** 2))) / max(float(np.sqrt(np.mean(own[known] ** 2))), _STILL * side)


def _mean(values: Any) -> float:
    return float(np.mean(values)) if values else np.nan
