"""Fixed colours and marks of keypoints: a keypoint looks alike in every picture, chart and page."""

from dataclasses import dataclass

#: Eight colours that stay apart for the common kinds of colour blindness (out of M. Krzywinski's twelve), neighbours contrasting.
COLOURS = ("#008df9", "#ff6e3a", "#00fccf", "#ff5aaf", "#ffc33b", "#8400cd", "#009f81", "#e20134")

#: Marks, changed after each round of colours. Plotly knows them by these names in 3D, too.
SHAPES = ("circle", "square", "diamond", "cross")

#: Colours of charts: readable on a light and on a dark page. The first is for what this run discovered.
ACCENT, FLOOR, ORACLE = "#3b82c4", "#8b929b", "#c98a2b"
LINES = (ACCENT, "#d9822b", "#2e9e83", "#b56cc4", "#8b929b", "#c94f4f", "#7a9a2e", "#4aa8c9")


@dataclass(frozen=True)
class Mark:
    """How a keypoint is drawn."""

    colour: str
    shape: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)

    @property
    def halo(self) -> tuple[int, int, int]:
        """White around a dark mark, near-black around a bright one."""
        red, green, blue = self.rgb
        return (255, 255, 255) if 0.3 * red + 0.59 * green + 0.11 * blue < 90 else (15, 15, 15)


def mark_of(index: int) -> Mark:
    """The mark of the keypoint with this index in the model's order."""
    return Mark(COLOURS[index % len(COLOURS)], SHAPES[index // len(COLOURS) % len(SHAPES)])
