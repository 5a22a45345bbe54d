"""What can be judged, as far as sheets and the files of joints and behaviours tell before a run: nobody should learn it from the end of one.

The workflow asks this whenever it starts, so what takes long to import is imported where a study has such files.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bkind3d.config import EvaluationConfig, ExperimentConfig, InputError
from bkind3d.data.results import MIN_FRAMES, MIN_JOINTS
from bkind3d.study.sheets import SessionRow
from bkind3d.study.study import CONFIG_FILE, Study

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: Bytes of the files that are read before a run; of larger ones nothing is said.
MOST_BYTES = 100_000_000


def remark_on_evaluation(study: Study) -> list[str]:
    """A line for every evaluation that was asked for and cannot be done, with what to do; the run goes on, and its report says why."""
    joints, behaviours = _JointFiles(study), _BehaviourFiles(study)
    lines = []
    for name in study.config.experiments:
        for what, find_reason in (("keypoints", joints.find_reason), ("behaviours", behaviours.find_reason)):
            if reason := find_reason(name):
                lines.append(f"experiment {name}: its {what} will not be evaluated: {reason}; the run goes on, and its report says so")
    return lines


def check_budgets(study: Study) -> None:
    """Refuse, in one line, experiments that ask for more labelled frames than the files of joints hold, as far as these are there.

    Raises
    ------
    InputError : with the experiment and both numbers.
    """
    files = _JointFiles(study)
    for name, experiment in study.config.experiments.items():
        wanted = getattr(experiment.training, "labels", "all")
        tables = files.read_all(study.list_sessions("train", joints=True)) if wanted != "all" else None
        if tables is None:
            continue
        there = sum(_keep_frames(study, session, experiment, table, "train")["frame"].nunique() for session, table in tables.items())
        if wanted > there:
            what = f"asks for {wanted} labelled frames, but the training sessions keep {there} with at least {MIN_JOINTS} joints"
            raise InputError(f"{CONFIG_FILE}: experiments.{name}.training.labels", what, "ask for fewer, or write all")


class _Files:
    """Tables of the sessions, each read once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.tables: dict[str, pd.DataFrame] = {}

    def find_path(self, session: str) -> str:
        """The file of a session."""
        raise NotImplementedError

    def read(self, session: str) -> "pd.DataFrame":
        """The table of a session."""
        raise NotImplementedError

    def read_all(self, sessions: Iterable[str]) -> "dict[str, pd.DataFrame] | None":
        """The tables of `sessions`; none where one is not there yet (it is rendered), or all are too large to be read beforehand."""
        paths = {name: self.study.folder / self.find_path(name) for name in sessions}
        if not all(map(os.path.exists, paths.values())) or sum(map(os.path.getsize, paths.values())) > MOST_BYTES:
            return None
        for name in paths.keys() - self.tables.keys():
            self.tables[name] = self.read(name)
        return {name: self.tables[name] for name in paths}

    def describe_split(self, sessions: Sequence[str]) -> str:
        """In which parts of the split some sessions are."""
        rows = self.study.sessions
        parts = {split: [name for name in sessions if rows[name].split == split] for split in ("train", "test")}
        return ", ".join(
            f"{split}: {', '.join(names[:3]) + (', ...' if len(names) > 3 else '') or 'none'}" for split, names in parts.items()
        )


class _JointFiles(_Files):
    def find_path(self, session: str) -> str:
        return self.study.find_path(self.study.sessions[session].joints)

    def read(self, session: str) -> "pd.DataFrame":
        from bkind3d.data.joint_files import read_joints

        row = self.study.sessions[session]
        rig = self.study.rigs[row.rig]
        return read_joints(self.study.folder / self.find_path(session), rig.units, row.joints_axes or "XYZ", rig.up)

    def find_reason(self, experiment: str) -> str:
        """Why an experiment's keypoints cannot be judged by joints, and what to do; empty where they can be, or where there are none."""
        study, sessions = self.study, self.study.list_pose_sessions(experiment)
        labelled = study.list_sessions("train", "test", joints=True)
        if not sessions:
            advice = "change 'split' in the sheet, or set evaluation.split to blocks"
            return f"joints are not in both train and test sessions ({self.describe_split(labelled)}); {advice}" if labelled else ""
        units = {study.rigs[study.sessions[name].rig].units for name in sessions}
        if len(units) > 1:
            return f"the rigs of its sessions are in different units ({', '.join(sorted(units))}); give them the same"
        try:
            tables = self.read_all(sessions)
        except InputError as error:
            return str(error)
        return _count_joints(study, experiment, tables) if tables else ""


class _BehaviourFiles(_Files):
    def find_path(self, session: str) -> str:
        return self.study.find_path(self.study.sessions[session].behaviours)

    def read(self, session: str) -> "pd.DataFrame":
        from bkind3d.data.parquet import read_table

        return read_table(self.study.folder / self.find_path(session), "behaviours", ["frame", "behaviour"]).dropna()

    def find_reason(self, experiment: str) -> str:
        """Why behaviours cannot be recognised; empty where they can be, or where nobody asked."""
        study, sessions = self.study, self.study.list_action_sessions(experiment)
        labelled = study.list_sessions("train", "test", behaviours=True)
        if not study.config.experiments[experiment].actions.enabled or not labelled:
            return ""
        if not sessions:
            return f"they are not in both train and test sessions ({self.describe_split(labelled)}); change 'split' in the sheet"
        try:
            tables = self.read_all(sessions)
        except InputError as error:
            return str(error)
        for part in ("train", "test") if tables else ():
            assert tables is not None
            found = sorted({name for session in sessions if study.sessions[session].split == part for name in tables[session]["behaviour"]})
            if len(found) < 2:
                which = f"only the behaviour {found[0]!r}" if found else "no behaviour"
                return f"the {part} sessions have {which}; label at least two, or set actions.enabled to false"
        return ""


def _count_joints(study: Study, experiment: str, tables: "Mapping[str, pd.DataFrame]") -> str:
    """Why joints are too few, or others in one session than in another; empty where they are enough."""
    import pandas as pd

    settings = study.config.experiments[experiment]
    names = {session: set(table["joint"]) for session, table in tables.items()}
    first = next(iter(names))
    for session, own in names.items():
        if odd := sorted(own ^ names[first]):
            return f"joint {odd[0]!r} is in the joints of {first if odd[0] in names[first] else session} alone; all sessions need the same"
    root = settings.evaluation.root
    if root and root not in names[first]:
        return f"evaluation.root is {root!r}, but the joints are {', '.join(sorted(names[first]))}; name one of them, or leave it empty"
    counts: dict[str, pd.Series[int]] = {}
    for part in ("train", "test"):
        kept = [_keep_frames(study, session, settings, table, part) for session, table in tables.items()]
        counts[part] = pd.concat(kept)["joint"].value_counts().reindex(sorted(names[first]), fill_value=0)
    if not counts["test"].any():
        return f"no kept frame of the test sessions has {MIN_JOINTS} joints; check the frames' numbers, which count from 0, and 'step'"
    joint, number = str(counts["train"].idxmin()), int(counts["train"].min())
    needed = max(MIN_FRAMES, _count_parameters(settings))
    if number >= needed:
        return ""
    ridge = ", or set evaluation.regressor to ridge" if number >= MIN_FRAMES else ", or leave its rows out of the files"
    return f"joint {joint!r} is known in {number} training frames, {needed} are needed; label more frames{ridge}"


def _count_parameters(settings: ExperimentConfig) -> int:
    """Frames that a regression needs for as many parameters; 0 where that is not known, or does not matter."""
    if settings.description.role == "supervised" or settings.evaluation.regressor != "linear":
        return 0
    return 3 * int(getattr(settings.model, "n_keypoints", 0)) - 2


def _keep_frames(study: Study, session: str, settings: ExperimentConfig, table: "pd.DataFrame", part: str) -> "pd.DataFrame":
    """Rows of known joints in the frames of a session that are kept, play `part`, and have enough joints to be labelled."""
    row, known = study.sessions[session], table[table["x"].notna()]
    known = known[known.groupby("frame")["joint"].transform("size") >= MIN_JOINTS]
    mapped = any(camera.frame_map for camera in study.cameras[session].values())
    start, step = row.start or 0, study.config.framesets[settings.frames].step
    position = (known["frame"].to_numpy() - start) // step
    chosen = _play_part(settings.evaluation, row, position, part) & (known["frame"] >= start).to_numpy()
    if row.stop is not None:
        chosen &= (known["frame"] < row.stop).to_numpy()
    if not mapped or row.start is not None:  # else the session may start at any frame
        chosen &= ((known["frame"] - start) % step == 0).to_numpy()
    return known[chosen]


def _play_part(evaluation: EvaluationConfig, row: SessionRow, position: "NDArray[np.int64]", part: str) -> "NDArray[np.bool_]":
    """Whether kept frames, by their position in the session, play a part: as the split into blocks has it, or their session."""
    if evaluation.split != "blocks":
        return (position >= 0) & (row.split == part)
    block, within = position // evaluation.block_frames, position % evaluation.block_frames
    inside = (within >= evaluation.border_frames) & (within < evaluation.block_frames - evaluation.border_frames)
    return inside & (block % 2 == (0 if part == "train" else 1))
