"""Parts of pictures that are cameras of their own, compared with the videos that they are cut out of."""

import os

from bkind3d.config import InputError
from bkind3d.data.crops import CropError
from bkind3d.data.video import probe_video
from bkind3d.study.study import Study


def check_parts(study: Study) -> None:
    """Refuse, before anything runs, a part that lies outside of its video's pictures; one session of a rig is asked for each camera.

    Raises
    ------
    InputError : naming the row of the sheet. Whatever else is wrong with a video is said of its session alone, when it is read.
    """
    seen = set()
    for session, cameras in study.cameras.items():
        for camera, row in cameras.items():
            known, view = (study.sessions[session].rig, camera), study.find_view(session, camera)
            if row.part is None or known in seen or not os.path.exists(view.files[0]):
                continue
            seen.add(known)
            try:
                probe_video(view, counted=False)
            except CropError as error:
                raise InputError(f"{study.config.cameras}: row {row.line}", f"{error.where}: {error.what}", error.remedy) from None
            except InputError:
                continue
