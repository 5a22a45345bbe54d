"""What leads from keypoints to joints, as it is fit, used and kept in a file."""

import json
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bkind3d.config import InputError
from bkind3d.data.points import Points
from bkind3d.data.writing import replaced_when_complete
from bkind3d.joints.poses import Heading, Placement, smooth_points
from bkind3d.joints.regression import AffineMap, KernelMap, Map, Regressor

#: What the maps of a stored regressor are.
_MAPS: dict[str, type[AffineMap] | type[KernelMap]] = {"affine": AffineMap, "kernel": KernelMap}


@dataclass(frozen=True)
class JointModel:
    """A regression from the keypoints of a frame and its neighbours to joints, in the subject's own frame.

    Attributes
    ----------
    keypoints, joints : names.
    regressor : None where the points are joints already, as those of a supervised method.
    width : of the average over neighbouring frames, see :func:`bkind3d.joints.poses.smooth_points`.
    heading : to which poses are turned.
    seen : features of the labelled frames.
    typical : distance of a pose from the nearest labelled one, as it usually is.
    radii : of the balls around the joints' answers that hold the true positions as often as was asked, for a labelled pose; world units.
    """

    keypoints: tuple[str, ...]
    joints: tuple[str, ...]
    regressor: Regressor | None
    width: float
    heading: Heading
    seen: Float[NDArray, "seen feature"]
    typical: float
    radii: Float[NDArray, "joint"]

    def predict(self, points: Points) -> tuple[Float[NDArray, "frame joint 3"], Float[NDArray, "frame joint"]]:
        """Find joints, and the radii of their intervals, in every frame that has all keypoints (world units); NaN elsewhere.

        Raises
        ------
        InputError : where the points are not those that it was fit to.
        """
        if strange := sorted(set(self.keypoints) ^ set(points.names)):
            raise InputError("", f"keypoint {strange[0]!r} is not in both the table and what was fit", "fit the joints again")
        positions = np.full((len(points.frames), len(self.joints), 3), np.nan)
        spreads = np.full(positions.shape[:2], np.nan)
        if not self.joints:
            return positions, spreads
        chosen = [points.names.index(name) for name in self.keypoints]
        if self.regressor is None:
            positions[:] = points.positions[:, [points.names.index(name) for name in self.joints]]
            return positions, np.where(np.isfinite(positions[..., 0]), self.radii, np.nan)
        poses = smooth_points(points, self.width).positions[:, chosen]
        known = np.isfinite(poses).all(axis=(1, 2))
        if not known.any():  # a session in which nobody is, or that could not be done
            return positions, spreads
        features, placement = describe_poses(poses[known], self.heading)
        positions[known] = placement.leave(self.regressor.predict(features))
        spreads[known] = self.radii * measure_strangeness(features, self.seen, self.typical)[:, None]
        return positions, spreads

    def write(self, path: Path, notes: dict[str, Any]) -> None:
        """Write arrays and, as JSON, what they are; nothing in the file is code."""
        maps = [] if self.regressor is None else self.regressor.maps
        kinds = [next(name for name, kind in _MAPS.items() if isinstance(entry, kind)) for entry in maps]
        arrays = {f"{index}.{key}": value for index, entry in enumerate(maps) for key, value in asdict(entry).items()}  # type: ignore[call-overload]
        arrays |= {f"members.{index}": members for index, members in enumerate(self.regressor.members if self.regressor else ())}
        arrays |= {"heading": self.heading, "seen": self.seen, "radii": self.radii}
        about = {"keypoints": self.keypoints, "joints": self.joints, "width": self.width, "typical": self.typical, "notes": notes}
        content = BytesIO()
        np.savez_compressed(content, about=np.array(json.dumps(about | {"maps": kinds, "is_fit": self.regressor is not None})), **arrays)
        with replaced_when_complete(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    @classmethod
    def read(cls, path: Path) -> tuple["JointModel", dict[str, Any]]:
        """Read a model, and the notes that were written with it."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            about = json.loads(str(arrays["about"]))
            maps: list[Map] = [
                _MAPS[kind](**{entry.name: arrays[f"{index}.{entry.name}"] for entry in fields(_MAPS[kind])})
                for index, kind in enumerate(about["maps"])
            ]
            regressor = Regressor([arrays[f"members.{index}"] for index in range(len(maps))], maps, ()) if about["is_fit"] else None
            return cls(
                tuple(about["keypoints"]), tuple(about["joints"]), regressor, about["width"], arrays["heading"], arrays["seen"],
                about["typical"], arrays["radii"],
            ), about["notes"]  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(path, f"is no file of fitted joints ({error})", "fit the joints again") from None


def describe_poses(poses: Float[NDArray, "frame point 3"], heading: Heading | None) -> tuple[Float[NDArray, "frame feature"], Placement]:
    """Coordinates in the subject's own frame (without a heading: relative to its centroid), flattened, and what leads there and back."""
    placement = Placement.of(poses, heading)
    return placement.enter(poses).reshape(len(poses), -1), placement


def measure_distances(features: Float[NDArray, "frame feature"], seen: Float[NDArray, "seen feature"]) -> Float[NDArray, "frame"]:
    """Distance of each pose to the nearest one that was learned from: root mean square over coordinates, world units."""
    return np.asarray(cKDTree(seen).query(features)[0] / np.sqrt(features.shape[1]))


def measure_strangeness(
    features: Float[NDArray, "frame feature"], seen: Float[NDArray, "seen feature"], typical: float
) -> Float[NDArray, "frame"]:
    """By what errors grow away from labelled poses: 1 at one, 2 at the distance that is typical."""
    return 1 + measure_distances(features, seen) / max(typical, 1e-12)
