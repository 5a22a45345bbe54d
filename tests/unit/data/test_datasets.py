"""Frames tables become samples: what is decoded, which pairs are drawn, what is refused."""

import numpy as np
import pytest
import torch

from bkind3d.config import InputError
from bkind3d.data.datasets import PairDataset, PerSession, SessionFrames, Views, collate_moments
from bkind3d.data.parquet import read_metadata, read_table, write_table
from tests.unit.scenes import COLOURS, make_body, project, write_session


def face_along_x(*sessions: SessionFrames) -> PerSession:
    """Headings of all frames: none of them turned."""
    return {session.session: np.zeros(len(session), np.float32) for session in sessions}


def test_colour_and_mask_of_a_blob_are_where_its_projection_says(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    views = session.decode(np.array([4]))
    for view in range(3):
        x, y = project(make_body(12)[4, 3], views.projections[0, view].double().numpy()).round().astype(int)
        assert torch.allclose(views.images[0, view, :, y, x], torch.from_numpy(COLOURS[3] / 255).float(), atol=0.12)
        assert views.masks[0, view, 0, y, x] == 1


def test_an_absent_view_is_zero_and_marked(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    table = read_table(paths[1], "frames")
    table.loc[table["frame"] == 2, "valid"] = False
    write_table(table, "frames", paths[1], {k: v for k, v in read_metadata(paths[1]).items() if k not in ("table", "version")})
    views = SessionFrames(paths).decode(np.array([2]), n_views=5)
    assert views.present.tolist() == [[True, False, True, False, False]]
    assert views.images[0, 1].abs().sum() == 0


def test_the_same_index_gives_the_same_pair_and_neighbours_are_near(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    dataset = PairDataset([session], face_along_x(session), 50, seed=3, distance=1)
    again = PairDataset([session], face_along_x(session), 50, seed=3, distance=1)
    for index in (0, 7, 49):
        first, second = dataset[index]
        assert torch.equal(first.views.images, again[index][0].views.images)
        assert torch.equal(second.views.images, again[index][1].views.images)
    other = PairDataset([session], face_along_x(session), 50, seed=4, distance=1)
    assert not all(torch.equal(dataset[i][0].views.images, other[i][0].views.images) for i in range(5))
    batch = collate_moments([dataset[0], dataset[1]])
    assert batch[0].views.images.shape == (2, 3, 3, 48, 48)


def test_pairs_with_a_gap_share_one_window_and_a_still_background_stays_still(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=20))
    first, second = (moments.views for moments in PairDataset([session], face_along_x(session), 5, 0, 2, gap_seconds=0.3)[0])
    assert first.images.shape[-1] == session.size
    assert torch.allclose(first.projections, second.projections)
    near_body = torch.nn.functional.max_pool2d(torch.maximum(first.masks, second.masks).flatten(0, 1), 17, 1, 8).view(first.masks.shape)
    background = near_body == 0  # JPEG blocks carry colour a few pixels beyond the body
    difference = (first.images - second.images).abs().amax(dim=2, keepdim=True)
    assert background.sum() > 100
    assert float(difference[background].max()) < 0.03
    assert float(difference.max()) > 0.3


def change_tables(paths, change, **more) -> None:
    """Change every table of a session, and what its metadata say."""
    for path in paths:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")} | more
        write_table(change(read_table(path, "frames")), "frames", path, metadata)


def test_a_moment_at_which_no_camera_sees_the_subject_makes_no_pair(tmp_path) -> None:
    """The location is carried over short gaps, so that such a moment has a centre."""
    paths = write_session(tmp_path, "one", n_frames=20)
    change_tables(paths, lambda table: table.assign(valid=table["frame"] != 10))
    session = SessionFrames(paths)
    assert session.decode_pair(7, 3 / 30) is None
    assert session.decode_pair(6, 3 / 30) is not None


@pytest.mark.parametrize(("gap", "nearest"), [(0.33, 2), (0.36, 2), (0.42, 3), (0.5, 3)])
def test_the_later_moment_of_a_pair_is_the_nearest_kept_frame(tmp_path, monkeypatch, gap: float, nearest: int) -> None:
    """Every fifth frame of a video at 30 Hz: a sixth of a second apart."""
    paths = write_session(tmp_path, "one", n_frames=8)
    change_tables(paths, lambda table: table.assign(time_s=table["frame"] / 6), step=5)
    session, decoded = SessionFrames(paths), []
    original = SessionFrames._decode_moment
    monkeypatch.setattr(SessionFrames, "_decode_moment", lambda self, index, views: decoded.append(index) or original(self, index, views))
    assert session.decode_pair(1, gap) is not None
    assert decoded == [1, 1 + nearest]


def test_no_pair_spans_a_break_of_the_recording(tmp_path) -> None:
    paths = write_session(tmp_path, "one", n_frames=20)
    change_tables(paths, lambda table: table.assign(time_s=table["time_s"] + 60 * (table["frame"] >= 10)))
    session = SessionFrames(paths)
    assert session.decode_pair(8, 3 / 30) is None
    assert session.decode_pair(6, 3 / 30) is not None


def test_a_gap_longer_than_the_session_is_refused(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    with pytest.raises(InputError, match="frame_gap_seconds"):
        PairDataset([session], face_along_x(session), 5, 0, 2, gap_seconds=9.0)[0]


@pytest.mark.parametrize("gap", [0, 0.05, 1 / 12])
def test_a_gap_that_pairs_frames_with_themselves_is_refused(tmp_path, gap: float) -> None:
    """Every fifth frame of a video at 30 Hz."""
    paths = write_session(tmp_path, "one", n_frames=8)
    change_tables(paths, lambda table: table.assign(time_s=table["frame"] / 6), step=5)
    session = SessionFrames(paths)
    said = r"training.frame_gap_seconds: .* s pairs .* session one .* keeps 6 frames per second; set at least 0.1667$"
    with pytest.raises(InputError, match=said):
        PairDataset([session], face_along_x(session), 5, 0, 2, gap_seconds=gap)


def test_the_shortest_gap_that_is_advised_pairs_different_frames(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=8))
    first, second = PairDataset([session], face_along_x(session), 5, 0, 2, gap_seconds=0.0334)[0]
    assert not torch.equal(first.views.images, second.views.images)


def test_tables_of_different_framesets_or_lengths_are_refused(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    metadata = {k: v for k, v in read_metadata(paths[1]).items() if k not in ("table", "version")}
    table = read_table(paths[1], "frames")
    write_table(table, "frames", paths[1], metadata | {"side": 50.0})
    with pytest.raises(InputError, match="side is 50.0"):
        SessionFrames(paths)
    write_table(table[:-1], "frames", paths[1], metadata)
    with pytest.raises(InputError, match="has 11 frames"):
        SessionFrames(paths)


def test_a_session_without_a_usable_frame_is_refused(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    for path in paths[1:]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        write_table(read_table(path, "frames").assign(valid=False), "frames", path, metadata)
    with pytest.raises(InputError, match="no frame in which two cameras see the subject"):
        SessionFrames(paths)


def test_a_session_without_frames_is_refused(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    for path in paths:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        write_table(read_table(path, "frames")[:0], "frames", path, metadata)
    with pytest.raises(
        InputError, match="cam0.parquet: session one has no frame in which two cameras see the subject; look at its location"
    ):
        SessionFrames(paths)


def test_stacking_keeps_order(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    stacked = Views.stack([session.decode(np.array([3])), session.decode(np.array([1]))])
    assert torch.equal(stacked.images[1], session.decode(np.array([1])).images[0])
    assert np.allclose(stacked.centres.numpy(), [[0, 0, 10], [0, 0, 10]])


def test_sessions_of_several_rigs_are_trained_on_together(tmp_path) -> None:
    """Two views and five, in one batch: views that a rig lacks are absent."""
    sessions = [SessionFrames(write_session(tmp_path, name, n_views=n_views)) for name, n_views in (("pair", 2), ("ring", 5))]
    dataset = PairDataset(sessions, face_along_x(*sessions), length=12, distance=2, seed=1)
    batch = collate_moments([dataset[index] for index in range(12)])
    assert len(batch) == 2
    for views in (moments.views for moments in batch):
        assert views.images.shape[:2] == (12, 5)
        assert set(views.present.sum(dim=1).tolist()) == {2, 5}
        assert (views.images[~views.present] == 0).all()


def test_silhouettes_alone_are_those_of_whole_moments(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=4))
    whole, alone = session.decode(np.array([2, 0])), session.decode(np.array([2, 0]), pictures=False)
    assert torch.equal(alone.masks, whole.masks)
    assert alone.image_size == whole.image_size
    assert alone.images.shape[2] == 0
