"""Times of the frames of all cameras, as caliscope writes them beside its videos: a recording that has them is paired by them."""

from bkind3d.config import InputError
from bkind3d.data.frame_maps import FrameMap, holds_all_cameras, read_clock
from bkind3d.start.inventory import Inventory
from bkind3d.start.recordings import Recognised


def find_times(inventory: Inventory, found: Recognised) -> tuple[dict[str, str], list[str]]:
    """The file with the times of all cameras of a session, relative to the folder, by session; and what is to be said of it."""
    times, remarks = dict[str, str](), []
    for path in [path for path in inventory.candidates if path.suffix.lower() == ".csv" and holds_all_cameras(path)]:
        homes = [session for session in found.sessions if found.find_home(session) == path.parent]
        if len(homes) != 1 or homes[0] in times:
            inventory.passed_over[path] = "times of frames, but not of one session: name it in cameras.tsv (frame_map)"
            continue
        cameras = list(found.sessions[homes[0]])
        try:
            read_clock(FrameMap(path, cameras[0], dict.fromkeys(cameras, path)))
        except InputError as error:
            inventory.passed_over[path] = f"times of frames, but {error.reason}"
            continue
        times[homes[0]] = str(path.relative_to(inventory.folder))
        inventory.use(path, "times of frames")
        remarks.append(f"Frames of {homes[0]} are paired by their times in {times[homes[0]]} (frame_map in cameras.tsv).")
    return times, remarks
