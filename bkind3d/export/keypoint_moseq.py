"""Input for keypoint-MoSeq: points it can load, and the settings its project starts from.

``kpms.setup_project(folder, **yaml.safe_load(open("SESSION/setup.yaml")))``, then
``kpms.load_keypoints("keypoint-moseq", "anipose")``, which finds all sessions below that folder.
"""

from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.writing import replaced_when_complete
from bkind3d.export import anipose
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write SESSION.csv (Anipose's table, which keypoint-MoSeq loads) and setup.yaml into the folder `path`.

    A keypoint without any position would break the fit; it is not among ``use_bodyparts``. What is at the front and at
    the back (keypoint-MoSeq needs it for the heading) is guessed from the direction in which the subject walks.
    """
    names = session.keypoints.names
    known = np.isfinite(session.keypoints.positions[..., 0]).any(axis=0)
    if not known.any():
        raise InputError(f"session {session.name!r}", "no keypoint was found in any frame", "leave it out of keypoint-moseq")
    anipose.write_session(session, path / f"{session.name}.csv")
    used = [name for name, is_known in zip(names, known, strict=True) if is_known]
    ahead = measure_lead(session.keypoints.positions[:, known].astype(np.float64))
    setup = {
        "bodyparts": names,
        "use_bodyparts": used,
        "anterior_bodyparts": [used[int(ahead.argmax())]],
        "posterior_bodyparts": [used[int(ahead.argmin())]],
        "skeleton": [[names[first], names[second]] for first, second in session.skeleton],
        "fps": round(session.rate) if abs(session.rate - round(session.rate)) < 0.01 else session.rate,
    }
    with replaced_when_complete(path / "setup.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(setup, sort_keys=False))


def measure_lead(positions: Float[NDArray, "frame keypoint 3"]) -> Float[NDArray, "keypoint"]:
    """How far each keypoint goes ahead of the body's middle, on average over the way (world units; negative: behind).

    Horizontal movement alone counts (z is up); every step has the weight of its length.
    """
    present = np.isfinite(positions[..., 0]).all(axis=1)
    flat = positions[..., :2]
    centres = flat.mean(axis=1)
    steps = centres[2:] - centres[:-2]
    kept = present[2:] & present[1:-1] & present[:-2]
    along = np.einsum("fkx,fx->k", (flat - centres[:, None])[1:-1][kept], steps[kept])
    return np.asarray(along / max(float(np.linalg.norm(steps[kept], axis=1).sum()), 1e-12))
