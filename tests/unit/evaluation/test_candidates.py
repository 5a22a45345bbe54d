import pytest

from bkind3d.config import InputError
from bkind3d.data.results import FLOORS, name_oracle, role_of
from bkind3d.evaluation.candidates import ORACLES, Candidate, order_joints
from bkind3d.methods.supervised.settings import SupervisedExperiment


def test_every_candidate_of_the_evaluation_s_own_is_known_by_its_name():
    assert [role_of(name) for name in FLOORS] == ["floor", "floor"]
    assert {role_of(name_oracle(number)) for number in ORACLES} == {"oracle"}
    assert [role_of(name) for name in ("majority_class", "ground_truth", "both")] == ["floor", "oracle", "oracle"]
    assert [role_of(name) for name in ("bkind3d", "discovered", "supervised", "mine")] == [None] * 4


def test_a_method_says_what_it_is():
    assert Candidate.of(SupervisedExperiment.description) == Candidate("taught", "supervised", "3D")


def test_joints_are_found_by_their_names():
    assert order_joints(("paw", "tail", "nose"), ("nose", "paw")) == [2, 0]
    with pytest.raises(InputError, match="joint 'ear' is not among those that the network found: paw, tail"):
        order_joints(("paw", "tail"), ("paw", "ear"))
