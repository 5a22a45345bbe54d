import torch

from bkind3d.methods.metapose.network import Stage, describe_all
from tests.unit.networks.test_v2v import count


def test_the_paper_s_stage_has_the_paper_s_size() -> None:
    with torch.device("meta"):
        n_parameters, _ = count(Stage(17), torch.zeros(1, 4, 22 * 17 + 12), torch.ones(1, 4, dtype=torch.bool))
    assert abs(n_parameters / 2.99 - 1) < 0.02


def test_cameras_may_come_in_any_order() -> None:
    torch.manual_seed(0)
    stage, inputs, present = Stage(3, 16), torch.randn(2, 4, 78), torch.tensor([[True] * 4, [True, True, False, True]])
    order = [2, 0, 3, 1]
    pose, cameras = stage(inputs, present)
    turned_pose, turned_cameras = stage(inputs[:, order], present[:, order])
    torch.testing.assert_close(turned_pose, pose)
    torch.testing.assert_close(turned_cameras, cameras[:, order])
    assert not cameras[1, 2].any()


def test_means_and_deviations_are_those_of_the_cameras_that_are_there() -> None:
    features = torch.tensor([[[1.0], [3.0], [100.0]]])
    found = describe_all(features, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(found[0, 0], torch.tensor([1.0, 2.0, 1.0]), atol=1e-5, rtol=0)
