"""Labels for other programs: one folder a camera as DeepLabCut labels a video, or one file a session for SLEAP."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.parquet import read_table
from bkind3d.data.video import Packets, decode_at
from bkind3d.data.writing import replaced_when_complete
from bkind3d.joints.clicks import Clicks, read_clicks
from bkind3d.study.layout import LABELS
from bkind3d.study.study import Study

SCORER = "bkind3d"


def write_labels(study: Study, form: str, folder: Path) -> list[Path]:
    """Write the labels of all sessions; gives the files.

    Raises
    ------
    InputError : where nothing is labelled, or a library is not installed.
    """
    labelled = {name: clicks for name in study.sessions if (clicks := read_clicks(study.folder / LABELS / f"{name}.tsv"))}
    if not labelled:
        raise InputError(study.folder / LABELS, "there are no labels", "label some frames first: bkind3d label")
    joints = list(dict.fromkeys(click.joint for clicks in labelled.values() for click in clicks.values()))
    writers: dict[str, Callable[[Study, str, Clicks, list[str], Path], list[Path]]] = {
        "deeplabcut": _write_deeplabcut,
        "sleap": _write_sleap,
    }
    return [path for name, clicks in labelled.items() for path in writers[form](study, name, clicks, joints, folder)]


def _list_views(
    study: Study, session: str, clicks: Clicks, joints: list[str]
) -> Iterator[tuple[str, list[int], Float[NDArray, "frame joint 2"]]]:
    """Of every camera, the numbers in its video of the labelled frames, and the pixels of the joints; NaN where one was not seen."""
    for camera in study.cameras[session]:
        table = read_table(study.results.survey(session, camera), "survey", columns=["frame", "video_frame"]).set_index("frame")[
            "video_frame"
        ]
        here = [click for click in clicks.values() if click.camera == camera and int(table.get(click.frame, -1)) >= 0]
        frames = sorted({click.frame for click in here})
        pixels = np.full((len(frames), len(joints), 2), np.nan)
        for click in here:
            pixels[frames.index(click.frame), joints.index(click.joint)] = click.x, click.y
        if frames:
            yield camera, [int(table[frame]) for frame in frames], pixels


def _write_deeplabcut(study: Study, session: str, clicks: Clicks, joints: list[str], folder: Path) -> list[Path]:
    """Write labeled-data/SESSION_CAMERA: CollectedData_bkind3d.csv and .h5, and the labelled pictures."""
    written = []
    packets: dict[Path, Packets] = {}
    for camera, numbers, pixels in _list_views(study, session, clicks, joints):
        place = folder / "labeled-data" / f"{session}_{camera}"
        names = [f"img{number:06d}.png" for number in numbers]
        view = study.find_view(session, camera)
        for number, name in zip(numbers, names, strict=True):
            with replaced_when_complete(place / name) as temporary:
                picture = decode_at(view, number, packets)
                cv2.imwrite(str(temporary), picture[..., ::-1] if picture.ndim == 3 else picture)
        columns = pd.MultiIndex.from_product([[SCORER], joints, ["x", "y"]], names=["scorer", "bodyparts", "coords"])
        index = pd.MultiIndex.from_tuples([("labeled-data", place.name, name) for name in names])
        table = pd.DataFrame(pixels.reshape(len(names), -1), index=index, columns=columns)
        for ending in (".csv", ".h5"):
            path = place / f"CollectedData_{SCORER}{ending}"
            with replaced_when_complete(path) as temporary:
                if ending == ".csv":
                    table.to_csv(temporary)
                else:
                    table.to_hdf(temporary, key="df_with_missing", mode="w")
            written.append(path)
    return written


def _write_sleap(study: Study, session: str, clicks: Clicks, joints: list[str], folder: Path) -> list[Path]:
    """Write SESSION.slp, which names the videos where they lie."""
    try:
        import sleap_io
    except ModuleNotFoundError:
        raise InputError("", "SLEAP's files need the package sleap-io, which is not installed", "pip install sleap-io") from None
    skeleton, frames, videos = sleap_io.Skeleton(list(joints), name=SCORER), [], []
    for camera, numbers, pixels in _list_views(study, session, clicks, joints):
        view = study.find_view(session, camera)
        path, *more = [path.resolve() for path in view.files]
        video = sleap_io.Video.from_filename([str(part) for part in (path, *more)] if more else str(path))
        videos.append(video)
        placed = view.crop.place(pixels) if view.crop else pixels  # the file shows whole pictures
        for number, points in zip(numbers, placed, strict=True):
            instance = sleap_io.Instance.from_numpy(points, skeleton=skeleton)
            frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=[instance]))
    path = folder / f"{session}.slp"
    with replaced_when_complete(path) as temporary:
        sleap_io.save_slp(sleap_io.Labels(frames, videos=videos, skeletons=[skeleton]), str(temporary))
    return [path]
