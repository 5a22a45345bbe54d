"""What every export has to do: checks of a writer, for those of this project and of others.

A writer is ``write_session(session, path)``; `check_export` calls it with small sessions and raises AssertionError where it fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.points import SessionKeypoints
from bkind3d.export.sessions import ExportedSession, FilmedView
from bkind3d.geometry.cameras import Camera
from bkind3d.study.sheets import SessionRow

Positions = Float[NDArray, "frame keypoint axis"]
Writer = Callable[[ExportedSession, Path], None]

#: Keypoints as a table, a file or a reader could take them for something else.
NAMES = ["nose", "x", "nan", "fnum", "center_0", "scorer", "cam_2", "True", "e5", "_".join(["tail"] * 12)]
#: Frames without the subject, frames of the second camera before it began, and all frames.
GAPS, LATE, FRAMES = [0, 5, 6], 3, 24


def make_session() -> ExportedSession:
    """A session of two cameras, one of which began later; a keypoint that is never found, and moments without the subject."""
    time, numbers = np.arange(FRAMES), np.arange(len(NAMES))
    positions = np.stack([0.4 * time[:, None] + numbers, np.sin(time[:, None] + numbers), 2 + 0.1 * time[:, None] + 0 * numbers], axis=-1)
    positions[GAPS], positions[:, -1] = np.nan, np.nan
    metadata = {"units": "cm", "rate": 25, "model": "abc", "n_views": 2}
    confidences, spreads = (np.where(np.isfinite(positions[..., 0]), 0.25, gap).astype(np.float32) for gap in (0, np.nan))
    keypoints = SessionKeypoints(list(NAMES), time, time / 25, positions.astype(np.float32), confidences, spreads, spreads, metadata)
    more = {
        "session_start_time": "2026-05-31T14:30:00+02:00",
        "notes": "Übung 'eins', \"двa\"; 三\n",
        "species": "Mus musculus",
        "dose": "1,5",
    }
    row = SessionRow(2, "s-1_a", "m-1", "box", "train", more=more)
    matrix = np.array([[130.0, 0, 48.5], [0, 128.0, 31.0], [0, 0, 1]])
    views = {}
    for name, side, late in (("cam-1", 1.0, 0), ("cam_2", -1.0, LATE)):
        turn = np.array([[0, side, 0], [0, 0, -1.0], [-side, 0, 0]])
        camera = Camera(name, (96, 64), matrix, np.array([-0.1, 0.05, 0.001, 0, 0]), turn, -turn @ [60.0 * side, 0, 2])
        views[name] = FilmedView(camera, [Path(f"{name}.mp4")], 25.0, FRAMES - late, np.where(time >= late, time - late, -1))
    return ExportedSession("one", row, keypoints, [(0, 1), (1, 2)], "cm", 25.0, views)


def vary_session() -> Iterator[tuple[str, ExportedSession]]:
    """Sessions that lack something: each with what it lacks."""
    session = make_session()
    found = session.keypoints
    yield "further columns", replace(session, row=replace(session.row, more={}))
    yield "a skeleton", replace(session, skeleton=[])
    yield "keypoints in any frame", replace(session, keypoints=replace(found, positions=np.full_like(found.positions, np.nan)))
    one = {key: getattr(found, key)[7:8] for key in ("frames", "times", "positions", "confidences", "spreads", "residuals")}
    views = {name: replace(view, video_frames=view.video_frames[7:8]) for name, view in session.views.items()}
    yield "more than one frame", replace(session, keypoints=replace(found, **one), views=views)


def check_export(
    write_session: Writer,
    folder: Path,
    ending: str,
    read_back: Callable[[Path, ExportedSession], tuple[list[str], Positions]],
    expect: Callable[[ExportedSession], Positions] = lambda session: session.keypoints.positions,
) -> None:
    """Write sessions into `folder` (empty) and read them again: all frames, names and numbers, gaps where there is nothing, and nothing else.

    Parameters
    ----------
    ending : of a session's file; empty where it is a folder.
    read_back : gives names and positions of what was written, by other code than the writer's.
    expect : the positions that should be there; the keypoints in the session's units without it.
    """
    for lacking, session in [("", make_session()), *vary_session()]:
        place = folder / f"Säugetier & Maus '{lacking}'"
        path = place / f"{session.name}{ending}"
        try:
            write_session(session, path)
        except InputError as error:
            assert lacking, f"a whole session is refused: {error}"
            assert "\n" not in str(error), f"of a session without {lacking}, more than one line is said: {error}"
            assert not list(folder.glob(f"{place.name}/**/*.*")), f"of a session without {lacking}, something is left"
            continue
        assert [entry.name for entry in place.iterdir()] == [path.name], f"beside {path.name} lies something else: {list(place.iterdir())}"
        assert path.is_file() if ending else path.is_dir()
        names, positions = read_back(path, session)
        assert names == session.keypoints.names, f"names are {names}"
        expected = expect(session)
        assert positions.shape == expected.shape, f"{positions.shape[0]} frames and {positions.shape[1]} keypoints, of {expected.shape[:2]}"
        np.testing.assert_array_equal(np.isnan(positions), np.isnan(expected), f"gaps (a session without {lacking or 'nothing'})")
        np.testing.assert_allclose(positions, expected, rtol=1e-6, atol=1e-6, err_msg=f"a session without {lacking or 'nothing'}")
