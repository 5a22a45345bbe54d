import torch

from bkind3d.geometry.alignment import align_similarity
from bkind3d.methods.metapose.cameras import Cameras, factorise, inverse_softplus, start_without_cameras
from tests.unit.methods.metapose.scenes import make_scene, turn_at_random


def test_numbers_of_a_camera_are_those_that_made_it() -> None:
    rotations, scales = turn_at_random(2, 3), 0.1 + torch.rand(2, 3, dtype=torch.float64)
    cameras = Cameras.of(rotations, scales, torch.zeros(2, 3, 2, dtype=torch.float64))
    torch.testing.assert_close(cameras.rotations, rotations)
    torch.testing.assert_close(torch.nn.functional.softplus(cameras.scales), scales)
    assert cameras.flatten().shape == (2, 3, 10)
    torch.testing.assert_close(torch.nn.functional.softplus(inverse_softplus(torch.tensor(3.0))), torch.tensor(3.0))


def test_a_projection_is_that_by_hand() -> None:
    cameras = Cameras.of(torch.eye(3)[None, None], torch.tensor([[2.0]]), torch.tensor([[[0.5, -0.5]]]))
    torch.testing.assert_close(cameras.project(torch.tensor([[[1.0, 2.0, 9.0]]])), torch.tensor([[[[2.5, 3.5]]]]))


def test_places_alone_give_the_pose_but_for_a_mirror() -> None:
    poses, cameras = make_scene()
    found, _ = factorise(cameras.project(poses), torch.ones(4, 4, dtype=torch.bool))
    mirrored = found * found.new_tensor([1.0, 1.0, -1.0])
    apart = torch.stack([(align_similarity(images, poses) - poses).norm(dim=-1).amax(dim=1) for images in (found, mirrored)])
    assert apart.amin(dim=0).max() < 1e-4 and apart.amax(dim=0).min() > 0.1


def test_the_mean_shape_tells_the_pose_from_its_mirror_image_and_cameras_explain_the_places() -> None:
    poses, cameras = make_scene()
    places = cameras.project(poses)
    found, own = start_without_cameras(places, torch.ones(4, 4, dtype=torch.bool), poses.mean(dim=0) @ turn_at_random(1)[0] * 7)
    torch.testing.assert_close(align_similarity(found, poses), poses, atol=1e-4, rtol=0)
    torch.testing.assert_close(own.project(found), places, atol=1e-4, rtol=0)
    wrong, _ = start_without_cameras(places, torch.ones(4, 4, dtype=torch.bool), poses.mean(dim=0) * torch.tensor([1.0, 1, -1]).double())
    assert (align_similarity(wrong, poses) - poses).norm(dim=-1).max() > 0.1


def test_places_that_contradict_each_other_do_not_blow_a_pose_up() -> None:
    poses, cameras = make_scene()
    places = cameras.project(poses)
    places[:, ::2, 1::2] = places[:, ::2, 0:-1:2]  # every other view takes one joint for its neighbour
    found, _ = start_without_cameras(places, torch.ones(4, 4, dtype=torch.bool), poses.mean(dim=0))
    assert found.abs().max() < 5 * places.abs().max()


def test_an_absent_view_has_no_say() -> None:
    poses, cameras = make_scene()
    places = cameras.project(poses)
    places[:, 1] = 77
    present = torch.tensor([[True, False, True, True]]).expand(4, -1)
    found, _ = start_without_cameras(places, present, poses.mean(dim=0))
    torch.testing.assert_close(align_similarity(found, poses), poses, atol=1e-4, rtol=0)


def test_gradients_of_projections() -> None:
    poses, cameras = make_scene(2, 3, 4)
    values = [value.clone().requires_grad_() for value in (poses, cameras.turns, cameras.scales, cameras.shifts)]
    assert torch.autograd.gradcheck(lambda p, *c: Cameras(*c).project(p), values)
