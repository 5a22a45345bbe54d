"""``python -m benchmarks.surveying VIDEO``: the speed of surveying against that of decoding alone, and whether memory grows.

The video is repeated to a minute (``--frames``) without encoding it again, as it is and with a body that moves through it.
Speeds are processor times of one thread; both are measured in turns, in both orders.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from bkind3d.config import SurveyConfig
from bkind3d.data.video import decode_frames, probe_video
from bkind3d.data.video_writer import VideoWriter
from bkind3d.survey.videos import survey_video

#: Length of the body that is drawn, as a share of the picture's longer side, and turns of its way per video.
BODY_SHARE, TURNS = 0.16, 2
#: Frames of the videos whose memory is compared, and their pictures' size.
SHORT, LONG, SMALL = 1800, 18_000, (320, 256)


def repeat_video(source: Path, target: Path, n_frames: int) -> Path:
    """The packets of `source` again and again, as they are."""
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        step = int(Fraction(1, 1) / (container.streams.video[0].average_rate * packets[0].time_base))
        begin = min(packet.pts for packet in packets)
        with av.open(str(target), "w") as output:
            stream = output.add_stream_from_template(container.streams.video[0])
            for index in range(n_frames):
                packet = packets[index % len(packets)]
                again = av.Packet(bytes(packet))
                shift = index // len(packets) * len(packets) * step - begin
                again.pts, again.dts, again.time_base = packet.pts + shift, packet.dts + shift, packet.time_base
                again.stream, again.is_keyframe = stream, packet.is_keyframe
                output.mux(again)
    return target


def add_body(source: Path, target: Path) -> Path:
    """The video with a body that goes round in it."""
    info = probe_video(source)
    length = BODY_SHARE * max(info.width, info.height)
    with VideoWriter(target, (info.width, info.height), info.rate) as writer:
        for number, _, picture in decode_frames(source):
            angle = 2 * np.pi * TURNS * number / info.n_frames
            middle = (np.array([info.width, info.height]) * (0.5 + 0.3 * np.array([np.cos(angle), np.sin(angle)]))).round().astype(int)
            axes = (round(length / 2), round(length / 5))
            shown = cv2.ellipse(picture.copy(), middle.tolist(), axes, np.degrees(angle) + 90, 0, 360, (150, 105, 70), -1)
            writer.write(np.asarray(cv2.circle(shown, middle.tolist(), round(length / 12), (60, 45, 30), -1), dtype=np.uint8))
    return target


def decode_bare(path: Path, kept: bool) -> None:
    """Decode in order, with luma at quarter size; `kept` is one scaler for all frames, which PyAV makes anew for each otherwise."""
    reformatter = VideoReformatter()
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            make = reformatter.reformat if kept else lambda frame, *args, **options: frame.reformat(*args, **options)
            make(frame, width=frame.width // 4, height=frame.height // 4, format="gray").to_ndarray()


def measure_speeds(path: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds of processor time per frame, least of all rounds, and the median of the rounds' ratios."""
    runs: dict[str, Callable[[], None]] = {
        "bare": lambda: decode_bare(path, True),
        "bare, a scaler per frame": lambda: decode_bare(path, False),
        "survey": lambda: survey_video(path, SurveyConfig(), folder / "survey.parquet"),
    }
    n_frames, taken = probe_video(path).n_frames, {name: [] for name in runs}
    for turn in range(rounds):
        for name in list(runs)[:: 1 if turn % 2 == 0 else -1]:
            started = time.process_time()
            runs[name]()
            taken[name].append(1000 * (time.process_time() - started) / n_frames)
    row = {f"{name}, ms": min(times) for name, times in taken.items()}
    for name in ("bare", "bare, a scaler per frame"):
        row[f"speed against {name}, %"] = 100 * float(np.median(np.array(taken[name]) / np.array(taken["survey"])))
    return row


def measure_memory(source: Path, folder: Path) -> dict[str, float]:
    """Peak memory, MB, of surveying a short and a ten times longer video, each in a process of its own."""
    small, row = folder / "small.mp4", {}
    with VideoWriter(small, SMALL, 30) as writer:
        for _, _, picture in decode_frames(source, SMALL):
            writer.write(picture)
    for n_frames in (SHORT, LONG):
        path = repeat_video(small, folder / f"{n_frames}.mp4", n_frames)
        command = [sys.executable, "-m", "benchmarks.surveying", str(path), "--survey-only"]
        row[f"peak of {n_frames} frames, MB"] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.surveying", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("video", type=Path, help="a video, 1280x1024 for the published figure")
    parser.add_argument("--frames", type=int, default=1800, help="frames of the measured videos (1800)")
    parser.add_argument("--rounds", type=int, default=6, help="measurements of each (6)")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    parser.add_argument("--survey-only", action="store_true", help="survey the video as it is, and print the peak of memory, MB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.survey_only:
            survey_video(arguments.video, SurveyConfig(), folder / "survey.parquet")
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        elif arguments.memory:
            print(json.dumps(measure_memory(arguments.video, folder), indent=1))
        else:
            moving = add_body(arguments.video, folder / "body.mp4")
            for label, path in (("as it is", arguments.video), ("with a body that moves", moving)):
                longer = repeat_video(path, folder / f"longer_{path.name}", arguments.frames)
                print(label, json.dumps(measure_speeds(longer, folder, arguments.rounds), indent=1), flush=True)


if __name__ == "__main__":
    main()
