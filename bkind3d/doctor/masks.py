"""A page on which the mask of each camera is drawn: white where the subject may be, black over bystanders, mirrors and screens."""

import html
import json
from collections.abc import Iterable
from pathlib import Path

from bkind3d.data.writing import replaced_when_complete
from bkind3d.doctor.sessions import Examined
from bkind3d.report.overlays import encode_jpeg
from bkind3d.report.rendering import name_script
from bkind3d.study.study import Study

_TEMPLATE = Path(__file__).with_name("masks.html")


def write_mask_page(study: Study, examined: Iterable[Examined], path: Path) -> None:
    """Write the page: a picture of each camera of each rig, to be painted on; the page gives the mask back as PNG of the picture's size."""
    cameras = {}
    for entry in examined:
        rig = study.sessions[entry.name].rig
        for camera, sample in entry.samples.items():
            if sample.pictures and (rig, camera) not in cameras:
                picture = sample.pictures[sorted(sample.pictures)[len(sample.pictures) // 2]]
                # Pictures that were looked at may be smaller than the video; its mask is as large as the video.
                cameras[rig, camera] = {
                    "name": f"{rig}_{camera}_mask.png", "title": f"{rig}: {camera}", "width": sample.info.width, "height": sample.info.height,
                    "picture": encode_jpeg(picture),
                }  # fmt: skip
    script = _TEMPLATE.with_suffix(".js").read_text(encoding="utf-8")
    # In JSON, what could end the element or begin a comment is escaped.
    content = json.dumps(list(cameras.values())).replace("<", "\\u003c")
    page = _TEMPLATE.read_text(encoding="utf-8")
    for key, value in {
        "TRUSTED": f"'{name_script(script)}'", "TITLE": html.escape(study.config.report.title), "CAMERAS": content, "SCRIPT": script,
    }.items():  # fmt: skip
        page = page.replace(f"@{key}@", value)
    with replaced_when_complete(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
