"""Single videos: what they are, whether all of them can be read, and what is wrong with their frames."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.shrinking import Picture
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import (
    Packets,
    Video,
    VideoInfo,
    decode_frames,
    decode_keyframes,
    describe_files,
    list_files,
    probe_video,
    read_packets,
)
from bkind3d.doctor.checks import Check
from bkind3d.survey.background import model_background
from bkind3d.survey.given import BrightnessFinder, Finder
from bkind3d.survey.room import read_region
from bkind3d.survey.silhouettes import SilhouetteFinder, Silhouettes

#: Pictures per camera that are looked at: keyframes, which are spread over the video, and others spread over its beginning.
SAMPLES = 50
#: Frames of the beginning that are decoded without `--full`.
BEGINNING = 600
#: Longer side of the pictures that are looked at, pixels.
LONG_SIDE = 640
#: Intervals that differ from the usual one by more than this share of it are irregular.
_IRREGULAR = 0.25
#: With irregular intervals in a larger share of the frames, the rate is called variable.
_VARIABLE = 0.02
#: A darker frame (mean grey level) is black. One that differs from the frame before by less than this share of the usual
#: difference repeats it; where that difference (grey levels) is too small, the scene is still and nothing can be said.
_BLACK, _REPEATED, _STILL = 6.0, 0.005, 0.01
#: What a container's name says about how a file's name should end.
_SUFFIXES = {
    "mov": (".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".mj2"),
    "matroska": (".mkv", ".webm"),
    "avi": (".avi",),
    "mpegts": (".ts", ".mts", ".m2ts"),
    "asf": (".wmv", ".asf"),
}


@dataclass(frozen=True)
class Sample:
    """Some frames of a video, shrunk.

    Attributes
    ----------
    info, packets : of the video.
    pictures : RGB by frame number.
    black, repeated : numbers of decoded frames that show nothing, or the frame before again.
    n_decoded : frames that were looked at for these.
    """

    info: VideoInfo
    packets: Packets
    pictures: dict[int, Picture]
    black: list[int]
    repeated: list[int]
    n_decoded: int

    def find_silhouettes(self, config: SurveyConfig, mask: str | Path | None = None) -> dict[int, Silhouettes]:
        """The silhouettes in every picture, where the `mask` is white.

        Raises
        ------
        InputError : where the mask cannot be read, or is of another size.
        """
        pictures = np.stack(list(self.pictures.values()))
        size = (int(pictures.shape[2]), int(pictures.shape[1]))
        region = None if mask is None else read_region(mask, (self.info.width, self.info.height), size, self.info.part)
        finder: Finder
        if isinstance(config.threshold, str):
            finder = BrightnessFinder(pictures, config.threshold, config, region)
        else:
            finder = SilhouetteFinder(model_background(pictures, config), config, region)
        return {number: finder.find(picture) for number, picture in self.pictures.items()}


def examine_video(video: Video, full: bool, has_map: bool, rate: float | None = None) -> tuple[list[Check], Sample | None]:
    """Look at one video: its header, every packet, and some frames (`full`: all); `rate` where the sheet says how fast it was filmed."""
    try:
        info, packets = probe_video(video), read_packets(video)
        sample = sample_video(video, info, packets, full)
    except InputError as error:
        return [Check.of_error("video", error, "copy or convert it again")], None
    seconds, name = float(packets.times[-1]) + 1 / info.rate, describe_files(video)
    described = f"{name}: {info.codec}, {info.width}x{info.height}, {info.n_frames} frames at {info.rate:.4g} per second, {seconds:.1f} s"
    checks = [Check("pass", "video", described)]
    checks += _check_suffix(list_files(video)[0], info)
    if not rate and info.is_rate_odd:
        sentence = f"{name} says that it has {info.rate:.3g} frames per second: times, smoothing and windows follow from that"
        step = "if it is wrong, write the right one as frame_rate into the sheet of sessions"
        checks.append(Check("warning", "rate", sentence, step))
    if info.rotation:
        sentence = f"{name} is marked to be turned by {info.rotation} degrees before it is shown, and is turned"
        checks.append(Check("warning", "rotation", sentence, "calibrate with pictures that are turned alike"))
    return [*checks, *_check_shown(name, sample, full), _check_times(name, packets, has_map), *_check_frames(name, sample)], sample


def sample_video(video: Video, info: VideoInfo, packets: Packets, full: bool) -> Sample:
    """Decode some frames, or all."""
    scale = min(1.0, LONG_SIDE / max(info.width, info.height))
    size = (max(2, round(info.width * scale / 2) * 2), max(2, round(info.height * scale / 2) * 2))
    keys = np.flatnonzero(packets.keys)
    keys = keys[spread_indices(len(keys), SAMPLES // 2)]
    pictures, black, motions = {}, [], [np.inf]
    n_first, n_kept = (info.n_frames, SAMPLES) if full else (min(BEGINNING, info.n_frames), SAMPLES - len(keys))
    kept = set(spread_indices(n_first, n_kept).tolist())
    previous: Picture | None = None
    n_decoded = 0
    for number, _, picture in islice(decode_frames(video, size), n_first):
        n_decoded += 1
        luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        if previous is not None:
            motions.append(float(cv2.mean(cv2.absdiff(luma, previous))[0]))
        if cv2.mean(luma)[0] < _BLACK:
            black.append(number)
        elif number in kept:
            pictures[number] = picture
        previous = luma
    if not full:
        keyed = {frame.number: frame.picture for frame in decode_keyframes(video, set(keys.tolist()), size)}
        pictures |= {number: picture for number, picture in keyed.items() if picture.mean() >= _BLACK}
    usual = float(np.median(motions))
    # A still scene repeats its frames by rights: a codec stores no change.
    repeated = np.flatnonzero(np.array(motions) < _REPEATED * usual).tolist() if usual >= _STILL else []
    return Sample(info, packets, pictures, black, repeated, n_decoded)


def _check_suffix(path: Path, info: VideoInfo) -> list[Check]:
    known = next((suffixes for name, suffixes in _SUFFIXES.items() if name in info.container.split(",")), None)
    if known is None or path.suffix.lower() in known:
        return []
    sentence = f"{path.name} is called {path.suffix or 'nothing'}, but what is in it is {info.container.split(',')[0]}"
    return [Check("warning", "name", sentence, f"rename it to {path.with_suffix(known[0]).name}: other programs go by the name")]


def find_irregular(times: Float[NDArray, "..."]) -> tuple[Int[NDArray, "..."], float]:
    """Numbers of the frames after which an irregular interval follows, and the usual interval, seconds."""
    intervals = np.diff(times)
    usual = float(np.median(intervals)) if len(intervals) else 0.0
    return np.flatnonzero(np.abs(intervals - usual) > _IRREGULAR * usual), usual


def _check_shown(name: str, sample: Sample, full: bool) -> list[Check]:
    """Whether the frames that were counted are those that can be decoded, and how many are stored beside them."""
    checks, expected = [], sample.info.n_frames if full else min(BEGINNING, sample.info.n_frames)
    if sample.n_decoded < expected:
        sentence = f"{name}: {expected - sample.n_decoded} of {expected} frames cannot be decoded"
        checks.append(Check("failure", "frames", sentence, "convert it (ffmpeg -i IN -c:v libx264 OUT.mp4) and look at what is lost"))
    if sample.packets.n_hidden:
        sentence = (
            f"{name}: {sample.packets.n_hidden} stored frames are never shown (it was cut without encoding it again); frames count from the first "
            "that is shown, and programs that show the others count otherwise"
        )
        checks.append(Check("warning", "frames", sentence, "do frame maps, labels and starts count so, too?"))
    return checks


def _check_times(name: str, packets: Packets, has_map: bool) -> Check:
    irregular, usual = find_irregular(packets.times)
    if not len(irregular) or usual == 0:
        return Check("pass", "times", f"{name}: all frames are {1000 * usual:.4g} ms apart")
    intervals = np.diff(packets.times)[irregular]
    mapped = "a frame map is given" if has_map else "give a frame_map, or record at a constant rate"
    if len(irregular) > _VARIABLE * len(packets.times):
        low, high = 1000 * float(np.diff(packets.times).min()), 1000 * float(np.diff(packets.times).max())
        sentence = f"{name} has a variable frame rate: its frames are {low:.4g} to {high:.4g} ms apart"
        return Check("warning" if has_map else "failure", "times", sentence, mapped)
    n_dropped = int(np.maximum(np.rint(intervals / usual) - 1, 0).sum())
    where = f"the first after frame {irregular[0]}, at {packets.times[irregular[0]]:.2f} s"
    return Check("warning", "times", f"{name}: {n_dropped} frames are missing in {len(irregular)} gaps, {where}", mapped)


def _check_frames(name: str, sample: Sample) -> list[Check]:
    checks = []
    for what, numbers, meaning in (("black", sample.black, "show nothing"), ("repeated", sample.repeated, "repeat the frame before")):
        if not numbers:
            continue
        runs = np.split(np.array(numbers), np.flatnonzero(np.diff(numbers) > 1) + 1)
        longest = max(runs, key=len)
        kind = "black frames" if what == "black" else "frozen picture" if len(longest) > 2 else "duplicated frames"
        sentence = f"{name}: {kind}: {len(numbers)} of {sample.n_decoded} decoded frames {meaning}, {len(longest)} at a time from frame {longest[0]} on"
        checks.append(Check("warning", what, sentence, "look at the recording; a frame_map can leave frames out"))
    if not checks:
        checks.append(Check("pass", "frames", f"{name}: none of {sample.n_decoded} decoded frames is black or repeated"))
    return checks
