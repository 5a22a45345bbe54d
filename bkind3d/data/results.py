"""Results as JSON: the columns of the result tables, and how their files are read and written."""

import json
import math
from pathlib import Path
from typing import Any, Literal

from bkind3d.config import InputError, read_values
from bkind3d.data.writing import replaced_when_complete

#: What a candidate is among those that are compared: `discovered` keypoints and `supervised` joints are judged, the method of an
#: experiment being one or the other; a `floor` is what they must beat, an `oracle` what they could reach.
Role = Literal["discovered", "supervised", "floor", "oracle"]
Supervision = Literal["none", "2D", "3D"]

#: The floors of every experiment: the best constant pose, and the method's own network before its training.
MEAN_POSE, UNTRAINED = FLOORS = ("mean_pose", "untrained")

#: Sets of features that behaviours are recognised from beside those of the method, which are named for its role: annotated joints, these
#: and the method's together, and none (the most frequent behaviour is always named).
GROUND_TRUTH, BOTH, FOUND_JOINTS, MAJORITY_CLASS = ("ground_truth", "both", "found_joints", "majority_class")

#: Columns of ``results/tables/pose.csv`` in order: one row per experiment and method. Units of length as in `unit`; `n_unknown`
#: counts joints of the judged frames that have no true position; `interval_unit` says what the bootstrap drew: session or second. `encoder` and `perceptual` are those that the
#: keypoints' network was trained with; `labels` the labelled frames that a row learned from, its regression included.
POSE_COLUMNS = (
    "experiment", "method", "supervision", "dataset", "split", "n_views", "n_keypoints", "regressor", "n_frames", "n_missing",
    "mpjpe", "n_mpjpe", "pa_mpjpe", "unit", "pa_mpjpe_ci_low", "pa_mpjpe_ci_high", "vs_mean_pose_ci_low", "vs_mean_pose_ci_high",
    "vs_untrained_ci_low", "vs_untrained_ci_high", "root_mpjpe", "pck", "auc", "pck_threshold", "n_unknown", "interval_unit",
    "encoder", "perceptual", "labels",
)  # fmt: skip

#: Columns that results of earlier versions lack.
LATER_COLUMNS = frozenset({"labels"})

#: Columns of ``results/tables/actions.csv`` in order: one row per experiment and features.
ACTION_COLUMNS = (
    "experiment", "features", "classifier", "dataset", "n_classes", "n_train", "n_test", "accuracy", "accuracy_ci_low",
    "accuracy_ci_high", "macro_f1", "mean_average_precision",
)  # fmt: skip

#: What the regressor and classifier columns say where a session set has nothing to be judged against.
NO_REFERENCE = "no reference"


#: A frame with fewer known joints fixes no similarity: it is not labelled. A joint that is known in fewer training frames teaches nothing.
MIN_JOINTS, MIN_FRAMES = 3, 10


def name_oracle(n_joints: int) -> str:
    """The name of the candidate that knows so many of the true joints."""
    return f"oracle_{n_joints}"


#: What the name of a supervised method's row ends with where its joints went through the regression, too.
_REGRESSED = "+regression"


def name_regressed(method: str) -> str:
    """The name of the joints of a supervised method after the regression to joints that discovered keypoints go through."""
    return method + _REGRESSED


def role_of(name: str) -> Literal["floor", "oracle", "regressed"] | None:
    """The role of a candidate or a set of features by its name in the tables; None for what the experiment's method found."""
    if name.endswith(_REGRESSED):
        return "regressed"
    if name in (*FLOORS, MAJORITY_CLASS):
        return "floor"
    return "oracle" if name.startswith("oracle_") or name in (GROUND_TRUTH, BOTH) else None


def _plain(value: Any) -> Any:
    """Turn what JSON cannot hold into what it can: NaN and infinities into null, numpy scalars into numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(content: dict[str, Any], path: str | Path) -> None:
    """Write `content` as JSON, all of it or nothing; numbers that are not finite become null."""
    text = json.dumps(_plain(content), indent=1, allow_nan=False)
    with replaced_when_complete(path) as temporary:
        temporary.write_text(text + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read the JSON object at `path`; refuse anything else in one line."""
    content = read_values(path, "make it anew with the workflow")
    if not isinstance(content, dict):
        raise InputError(path, f"expected a JSON object, found {type(content).__name__}", "make it anew with the workflow")
    return content
