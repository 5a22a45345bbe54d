"""Views in one picture: every video shows all cameras, each in a part of its own, as the user says or a calibration suggests."""

from collections.abc import Mapping, Sequence

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, Size, list_overlaps, parse_crop
from bkind3d.start.calibrations import Candidate
from bkind3d.start.inventory import Inventory
from bkind3d.start.naming import FEWEST
from bkind3d.start.recordings import Recognised, make_name, recognise_views

_SAY = "say where each is: --views side=0,0,396,168 bottom=0,168,396,238 (x,y,width,height)"


def find_views(
    inventory: Inventory, pattern: str | None, entries: Sequence[str] | Mapping[str, Crop], candidates: Sequence[Candidate]
) -> Recognised:
    """Recognise recordings each of which shows all views.

    Parameters
    ----------
    pattern : of the videos' paths; their names are those of the sessions without it.
    entries : ``CAMERA=x,y,width,height``, as typed; none: a calibration with cameras of parts that fill the picture says where they are. Or
        the parts of a rig that is known.
    candidates : calibrations that were found.

    Raises
    ------
    InputError : where views are fewer than two, are not in the pictures, or nothing says where they are.
    """
    given = dict(entries) if isinstance(entries, Mapping) else _read_views(entries)
    if given:
        return recognise_views(inventory, pattern, lambda size: given)
    proposed: dict[str, Crop] = {}
    found = recognise_views(inventory, pattern, lambda size: proposed or proposed.update(propose_views(candidates, size)) or proposed)
    listed = " ".join(f"{camera}={crop}" for camera, crop in proposed.items())
    found.remarks.append(
        f"Assumed that views fill the picture in the order of the calibration; look at the doctor's page, and else: --views {listed}"
    )
    return found


def _read_views(entries: Sequence[str]) -> dict[str, Crop]:
    views: dict[str, Crop] = {}
    for entry in entries:
        camera, separator, text = entry.partition("=")
        name, crop = make_name(camera), parse_crop(text, f"--views {entry}")
        if not separator or not camera or crop is None:
            raise InputError(f"--views {entry}", "is not of the form CAMERA=x,y,width,height", _SAY)
        if name in views:
            raise InputError(f"--views {entry}", f"view {name!r} is there twice", "names must differ")
        views[name] = crop
    if len(views) == 1:
        raise InputError(f"--views {entries[0]}", "is one view", f"{FEWEST} are the least for 3D")
    return views


def propose_views(candidates: Sequence[Candidate], whole: Size) -> dict[str, Crop]:
    """The parts of a picture of the size `whole` that the cameras of a calibration fill, in its order: below or beside each other, or in rows.

    Raises
    ------
    InputError : where no calibration says it, or two say different things.
    """
    found: dict[tuple[tuple[str, Crop], ...], Candidate] = {}
    for candidate in candidates:
        sizes = {str(table.get("name", section)): table.get("size") for section, table in candidate.given.tables.items()}
        known = {make_name(name): (int(size[0]), int(size[1])) for name, size in sizes.items() if size is not None}
        if len(known) == len(sizes) and (crops := arrange(list(known.values()), whole)):
            found.setdefault(tuple(zip(known, crops, strict=True)), candidate)
    if len(found) != 1:
        names = ", ".join(str(candidate.path) for candidate in found.values())
        why = (
            f"{names} say different things of it"
            if found
            else f"no calibration has cameras whose pictures fill one of {whole[0]}x{whole[1]}"
        )
        raise InputError("--views", f"nothing says where the views are: {why}", _SAY)
    return dict(next(iter(found)))


def arrange(sizes: Sequence[Size], whole: Size) -> list[Crop]:
    """Where pictures of these `sizes` lie in one that they fill: below each other, beside each other, or row by row; nothing where they do not."""
    widths, heights = [size[0] for size in sizes], [size[1] for size in sizes]
    if len(sizes) < FEWEST:
        return []
    if set(widths) == {whole[0]} and sum(heights) == whole[1]:
        return [Crop(0, sum(heights[:index]), *size) for index, size in enumerate(sizes)]
    if set(heights) == {whole[1]} and sum(widths) == whole[0]:
        return [Crop(sum(widths[:index]), 0, *size) for index, size in enumerate(sizes)]
    width, height = sizes[0]
    if len(set(sizes)) == 1 and whole[0] % width == whole[1] % height == 0 and whole[0] // width * (whole[1] // height) == len(sizes):
        return [
            Crop(index % (whole[0] // width) * width, index // (whole[0] // width) * height, width, height) for index in range(len(sizes))
        ]
    return []


def remark_on_overlaps(found: Recognised) -> list[str]:
    """Say which views have pixels in common."""
    return [f"The views {one} and {other} overlap: what lies in both is seen twice." for one, other in list_overlaps(found.crops)]
