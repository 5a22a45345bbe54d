"""The results of a study in Python: ``bkind3d.open_study(path)``."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xarray as xr

from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.points import read_keypoints
from bkind3d.export.movement import make_dataset
from bkind3d.export.sessions import find_points
from bkind3d.geometry.cameras import Camera
from bkind3d.study import opening
from bkind3d.study.study import Study


class OpenedStudy:
    """A study's sessions, keypoints, joints, cameras and tables. Nothing is computed, and nothing is written.

    Where an experiment is not named, the first one of the settings is meant.
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def __repr__(self) -> str:
        return f"<study of {len(self._study.sessions)} sessions, experiments {', '.join(self.experiments)}>"

    @property
    def experiments(self) -> list[str]:
        """Names of the experiments."""
        return list(self._study.config.experiments)

    @property
    def sessions(self) -> pd.DataFrame:
        """The sheet of sessions: subject, rig, split and the sheet's further columns (dose, genotype, ...), by session."""
        rows = [
            {"session": row.session, "subject": row.subject, "rig": row.rig, "split": row.split, **row.more}
            for row in self._study.sessions.values()
        ]
        return pd.DataFrame(rows).set_index("session")

    def keypoints(self, session: str, experiment: str | None = None) -> xr.Dataset:
        """Discovered keypoints of a session.

        Returns
        -------
        A poses data set in the convention of ``movement``: position (time, space, keypoints, individuals) in world units, NaN in gaps,
        and confidence; besides, spread (world units) and reprojection_px. `frame` numbers the session's frames along time.
        """
        return self._open(session, experiment, "keypoints")

    def joints(self, session: str, experiment: str | None = None) -> xr.Dataset:
        """Joints that were found from the keypoints of a session; as :meth:`keypoints`, where spread is the radius of a joint's interval."""
        return self._open(session, experiment, "joints")

    def cameras(self, session: str) -> dict[str, Camera]:
        """The calibrated cameras of a session, world to pixels of their videos."""
        found = read_calibration(self._study.results.calibration(self._study.sessions[self._check(session)].rig))[0]
        return {name: found[name] for name in self._study.cameras[session]}

    def labels(self, session: str) -> pd.DataFrame:
        """The labelled (or otherwise given) joints of a session: frame, joint, x, y, z, world units.

        Raises
        ------
        InputError : where there are none.
        """
        path = self._study.results.joints(self._check(session))
        if not path.exists():
            raise InputError(
                path, f"session {session!r} has no labelled joints, or they were not read yet", "label some frames and run the workflow"
            )
        return read_table(path, "joints")

    def table(self, name: str, session: str = "", experiment: str | None = None) -> pd.DataFrame:
        """A table of the results: pose, actions; of an experiment movements, history, errors, joint_errors; of a session kinematics, location.

        Raises
        ------
        InputError : where there is no such table, or it was not made yet.
        """
        results, chosen = self._study.results, experiment or self.experiments[0]
        if name in ("pose", "actions"):
            path = results.pose_table() if name == "pose" else results.actions_table()
            if not path.exists():
                raise InputError(path, "is not there yet", "run the workflow")
            return pd.read_csv(path)
        places: Mapping[str, tuple[str, ...]] = {
            **dict.fromkeys(("movements", "history", "errors", "joint_errors"), (chosen,)),
            "kinematics": (chosen, session),
            "location": (session,),
        }
        if name not in places:
            raise InputError("", f"there is no table {name!r}", f"known are pose, actions, {', '.join(places)}")
        if name in ("kinematics", "location"):
            self._check(session)
        path = getattr(results, name)(*places[name])
        if not path.exists():
            raise InputError(path, "is not there yet", "run the workflow")
        return read_table(path, name)

    def _check(self, session: str) -> str:
        if session not in self._study.sessions:
            raise InputError("", f"session {session!r} is not in the sheet of sessions", f"known: {', '.join(self._study.sessions)}")
        return session

    def _open(self, session: str, experiment: str | None, kind: str) -> xr.Dataset:
        chosen = experiment or self.experiments[0]
        if chosen not in self.experiments:
            raise InputError("", f"experiment {chosen!r} is not in the settings", f"known: {', '.join(self.experiments)}")
        path = find_points(self._study, chosen, self._check(session), "joints" if kind == "joints" else "keypoints")
        found = (
            read_keypoints(path, kind="found_joints")
            if kind == "joints"
            else read_keypoints(path, self._study.config.experiments[chosen].naming)
        )
        dataset = make_dataset(found, self._study.sessions[session].subject, session)
        axes = ("time", "keypoints", "individuals")
        dataset = dataset.assign(spread=(axes, found.spreads[..., None]), reprojection_px=(axes, found.residuals[..., None]))
        dataset["spread"].attrs["units"] = dataset["position"].attrs["units"]
        if kind == "joints":
            dataset["spread"].attrs["level"] = read_metadata(path).get("level", "")
        return dataset.assign_coords(frame=("time", found.frames))


def open_study(path: str | Path) -> OpenedStudy:
    """Open a study by its folder, to look at its results.

    Raises
    ------
    InputError : in one line, for the first thing that is wrong with it.
    """
    return OpenedStudy(opening.open_study(Path(path)))
