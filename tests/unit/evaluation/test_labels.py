import pytest

from bkind3d.data.results import MEAN_POSE
from bkind3d.evaluation.labels import LABEL_COLUMNS, collect_labels, say_when


def discover(*errors, name="ours"):
    entries = [("bkind3d", *entry) for entry in errors] + [(MEAN_POSE, number, 30.0) for number, _ in errors]
    curve = [{"method": method, "n_frames": number, "n_draws": 5, "regressor": "none" if method == MEAN_POSE else "ridge",
              "pa_mpjpe": error, "pa_mpjpe_low": error - 1, "pa_mpjpe_high": error + 1, "mpjpe": 0.0} for method, number, error in entries]  # fmt: skip
    row = {"experiment": name, "method": "bkind3d", "supervision": "none", "regressor": "linear", "pa_mpjpe": 5.0, "unit": "mm"}
    return {"rows": [row, {"method": MEAN_POSE, "pa_mpjpe": 30.0}], "label_efficiency": curve}


def train(labels, error, name="dannce"):
    row = {"experiment": f"{name}_{labels}", "method": name, "supervision": "3D", "regressor": "none", "labels": labels, "pa_mpjpe": error}
    return {"rows": [row | {"pa_mpjpe_ci_low": error - 2, "pa_mpjpe_ci_high": error + 2}], "label_efficiency": []}


OURS = discover((10, 16.0), (100, 10.0), (1000, 8.0))


def test_curves_and_points_lie_on_one_axis_and_the_constant_pose_is_there_once():
    table = collect_labels([OURS, discover((10, 17.0), name="again"), train(30, 12.0), {"rows": [], "reason": "no reference"}])
    assert tuple(table) == LABEL_COLUMNS
    assert table.groupby(["experiment", "method"]).size().to_dict() == {
        ("ours", "bkind3d"): 3, ("ours", MEAN_POSE): 3, ("again", "bkind3d"): 1, ("dannce_30", "dannce"): 1
    }  # fmt: skip
    point = table[table["method"] == "dannce"].iloc[0]
    assert (point["labels"], point["pa_mpjpe_low"], point["interval"]) == (30, 10.0, "bootstrap")


@pytest.mark.parametrize(
    ("trained", "sentence"),
    [
        # By hand: gains of -8 at 10 and +8 at 1000 cross in the middle of the logarithms.
        ([(10, 24.0), (1000, 0.0)], "with fewer than 100 labelled frames, ours and its regression is better here than dannce"),
        (
            [(10, 24.0), (100, 12.0)],
            "up to 100 labelled frames, the most that were tried, ours and its regression is better here than dannce",
        ),
        ([(30, 4.0)], "dannce is better than ours and its regression at all numbers of labelled frames that were tried, from 30 on"),
    ],
)
def test_a_sentence_says_from_where_on_labels_are_worth_it(trained, sentence):
    assert say_when(collect_labels([OURS, *(train(*entry) for entry in trained)])) == [sentence]


def test_seeds_of_a_method_are_averaged():
    judgements = [OURS, train(10, 20.0), train(10, 28.0, "dannce"), train(1000, 0.0)]
    judgements[2]["rows"][0]["experiment"] = "dannce_other_seed"
    assert say_when(collect_labels(judgements))[0].startswith("with fewer than 100 labelled frames")


def test_without_a_supervised_method_nothing_is_said():
    assert say_when(collect_labels([OURS])) == [] and collect_labels([]).empty
