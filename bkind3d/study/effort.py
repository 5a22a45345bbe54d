"""How long a processor computes at what a run still has to make of the recordings, estimated from the headers of their videos.

Rates are those of one core of an AMD EPYC with AVX-512 bf16 (benchmarks/README.md), whose demo took a quarter more than they say; other processors and pictures may
take twice as long, or half. Trainings are not counted: what a step costs is known once a network is built.
"""

from collections.abc import Iterator
from pathlib import Path

from bkind3d.config import ExperimentConfig, VolumeModelConfig
from bkind3d.study.storage import clip_frames, list_recordings, measure_videos
from bkind3d.study.study import Study

#: Seconds to decode a pixel of a video, and beside it for a frame of a camera: to survey it, and to extract it.
DECODE, SURVEY, EXTRACT = 2.2e-9, 0.9e-3, 0.9e-3
#: ... to locate the subject in a frame, for each camera; and to show a moment on a session's page, for each experiment.
LOCATE, SHOW = 1.2e-3, 1e-3
#: ... of a prediction, for each voxel: to look at it in a view, and its share of a network of 16 channels, which grows with their square.
LOOK, COMPUTE = 3.5e-8, 3.9e-7
#: ... of a job until it begins its work: of a survey, say, of a prediction, and of a page.
BEGIN, BEGIN_NETWORK, BEGIN_PAGE = 1.0, 5.0, 3.5


def explain_effort(study: Study) -> str | None:
    """One line on the processor time of what is still to be made of the recordings, or nothing where all is there."""
    hours: dict[str, float] = {}
    for stage, path, seconds in list_work(study):
        if not path.exists():
            hours[stage] = hours.get(stage, 0.0) + seconds / 3600
    if not hours:
        return None
    parts = ", ".join(f"{stage} {value:.2g}" for stage, value in hours.items())
    known = all(predict_moment(experiment, 1) for experiment in study.config.experiments.values())
    others = "trainings" if known else "trainings, and keypoints by image encoders and other methods,"
    total = sum(hours.values())
    return f"about {total:.2g} core hours are left to compute ({parts}), {others} not counted; on a processor like ours, or half or twice as long"


def list_work(study: Study) -> Iterator[tuple[str, Path, float]]:
    """Stage, file and processor seconds of all that is made of the recordings, whether it is there or not."""
    recordings = {(session, camera): files for session, camera, files in list_recordings(study)}
    videos = measure_videos({path for files in recordings.values() for path in files})
    lengths: dict[str, float] = {}
    for (session, camera), files in recordings.items():
        frames = clip_frames(sum(videos[path].frames for path in files), study.sessions[session])
        lengths[session] = max(lengths.get(session, 0.0), frames)
        begun = BEGIN + frames * max(videos[path].pixels for path in files) * DECODE
        yield "surveys", study.results.survey(session, camera), begun + frames * SURVEY
        for name in study.list_framesets():
            kept = frames / study.config.framesets[name].step
            yield "frames", study.results.frames(name, session, camera), begun + kept * EXTRACT
    judged = {name: {*study.list_pose_sessions(name)} for name in study.config.experiments}
    for session, frames in lengths.items():
        yield "location", study.results.location(session), BEGIN + frames * len(study.cameras[session]) * LOCATE
        for name, experiment in study.config.experiments.items():
            seconds = predict_moment(experiment, len(study.cameras[session])) * frames / study.config.framesets[experiment.frames].step
            if seconds:
                yield "keypoints", study.results.keypoints(name, session), BEGIN_NETWORK + seconds
            if seconds and session in judged[name]:
                yield "keypoints", study.results.untrained_keypoints(name, session), BEGIN_NETWORK + seconds
        yield "pages", study.results.session_page(session), BEGIN_PAGE + len(study.config.experiments) * frames * SHOW


def predict_moment(experiment: ExperimentConfig, n_views: int) -> float:
    """Processor seconds of a prediction of a moment; 0 where they are not known."""
    network = experiment.model
    if not isinstance(network, VolumeModelConfig) or network.encoder != "none":
        return 0.0
    voxel = LOOK * n_views + COMPUTE * (network.volume_channels / 16) ** 2
    return experiment.prediction.turns * network.volume_size**3 * voxel
