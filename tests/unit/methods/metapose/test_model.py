import torch

from bkind3d.geometry.alignment import align_similarity
from bkind3d.methods.metapose.mixtures import Mixtures
from bkind3d.methods.metapose.model import MetaposeModel, Scene
from bkind3d.methods.metapose.objective import project_joints
from bkind3d.methods.metapose.settings import MetaposeModelConfig
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.methods.learning import learn
from tests.unit.methods.metapose.scenes import turn_at_random

NAMES = [f"j{number}" for number in range(9)]


def make_model(start: str) -> MetaposeModel:
    torch.manual_seed(0)
    return MetaposeModel(MetaposeModelConfig(encoder="small", width=16, stages=1, start=start), NAMES)


def see(moments) -> Mixtures:
    """What a perfect detector says."""
    places = project_joints(moments.joints, moments.views)
    shape = places.shape[:-1]
    return Mixtures(torch.ones(*shape, 1), places[..., None, :], torch.full((*shape, 1), 1e-3))


def test_known_cameras_start_with_the_true_pose() -> None:
    model, moments = make_model("triangulation"), make_random_moments(2, 4, 32, 9)
    scene = model.start(see(moments), moments.views)
    torch.testing.assert_close(100 * scene.poses, moments.joints, atol=0.1, rtol=0)
    places = scene.cameras.project(scene.poses)
    assert (places - project_joints(moments.joints, moments.views)).abs().max() < 0.15  # weak perspective


def test_without_cameras_the_pose_is_found_but_for_perspective() -> None:
    model, moments = make_model("factorisation"), make_random_moments(2, 4, 32, 9)
    moments.joints[1] = moments.joints[0]
    model.shape.copy_(moments.joints[0] / 100)
    scene = model.start(see(moments), moments.views)
    apart = (align_similarity(scene.poses, moments.joints) - moments.joints).norm(dim=-1).mean()
    assert apart < 10  # of a cube of 100 whose camera is four sides away


def test_a_pose_is_placed_as_the_first_camera_sees_it() -> None:
    """A pose in any frame, with the cameras turned alike, is placed in the world as it was."""
    model, moments = make_model("triangulation"), make_random_moments(2, 4, 32, 9)
    scene = model.start(see(moments), moments.views)
    turn = turn_at_random(2).float()
    moved = type(scene.cameras).of(
        turn[:, None].mT @ scene.cameras.rotations, torch.nn.functional.softplus(scene.cameras.scales), scene.cameras.shifts[..., :2]
    )
    straight, turned = (model.place(entry, moments.views) for entry in (scene, Scene(scene.poses @ turn, moved)))
    torch.testing.assert_close(straight, turned, atol=1e-2, rtol=0)
    torch.testing.assert_close(align_similarity(straight, moments.joints).float(), moments.joints, atol=0.2, rtol=0)


def test_the_variant_with_known_cameras_learns_on_a_tiny_scene(tmp_path) -> None:
    training = {"batch_size": 4, "learning_rate": 5e-3, "warmup_steps": 5, "distort_views": 0.0}
    before, after, _ = learn(tmp_path, {"method": "metapose_calibrated", "model": {"width": 64}, "training": training}, 40)
    assert after[0] < 0.6 * before[0]
