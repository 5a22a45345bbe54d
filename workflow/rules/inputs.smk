# What rules need of recordings and rigs, asked of the study: every function returns files, or parameters made of them.


def get_cameras(wildcards):
    return list(study.cameras[wildcards.session])


def get_calibration(wildcards):
    return f"results/calibration/{study.sessions[wildcards.session].rig}.toml"


def get_given_cameras(wildcards):
    """The cameras of a given calibration, and how it is to be read where its file does not say it."""
    row = study.rigs[wildcards.rig]
    options = ["--size", *row.calibration_size.split()] if row.calibration_size else []
    options += [f"--format={row.calibration_format}"] if row.calibration_format else []
    options += [f"--subject={row.calibration_subject}"] if row.calibration_subject else []
    return sorted(study.list_rig_cameras(wildcards.rig)) + options


def get_video(wildcards):
    return study.find_videos(wildcards.session, wildcards.camera)


def get_session_videos(wildcards):
    return [path for camera in study.cameras[wildcards.session] for path in study.find_videos(wildcards.session, camera)]


def get_all_recordings(wildcards):
    """The videos of all sessions, and what says which of their frames are the session's."""
    rows = [row for cameras in study.cameras.values() for row in cameras.values()]
    return [study.find_path(text) for row in rows for text in (*row.videos, row.frame_map) if text]


def get_videos_beside(wildcards):
    """Other sessions' videos, which show the room, too: nothing is asked of them where the sheet gives the empty room, or silhouettes."""
    row = study.cameras[wildcards.session][wildcards.camera]
    return [] if row.background or row.silhouettes else study.find_videos_beside(wildcards.session, wildcards.camera)


def get_frame_maps(wildcards):
    """The frame maps of a session's cameras, which have one clock; none where this camera has none."""
    maps = study.find_frame_maps(wildcards.session)
    return list(maps.values()) if wildcards.camera in maps else []


def get_camera_file(column):
    """Finds a file that the sheet of cameras may name."""

    def find(wildcards):
        text = getattr(study.cameras[wildcards.session][wildcards.camera], column)
        return study.find_path(text) if text else []

    return find


def get_survey_options(wildcards, input):
    """The options that say which frames of a video belong to the session, when these were filmed, and where in its pictures the subject may be."""
    row = study.sessions[wildcards.session]
    given = {
        "--mask": input.get("mask"),
        "--background": input.get("background"),
        "--silhouettes": input.get("silhouettes"),
        "--crop": study.cameras[wildcards.session][wildcards.camera].crop or None,
        "--start": row.start,
        "--stop": row.stop,
        "--rate": row.frame_rate,
    }
    options = [str(part) for option, value in given.items() if value not in (None, []) for part in (option, value)]
    options += ["--beside", *input.beside] if input.get("beside") else []
    if not input.get("frame_maps"):
        return options
    return options + ["--camera", wildcards.camera, "--frame-maps", *pair_names(study.find_frame_maps(wildcards.session), input.frame_maps)]


def get_shared_files(column, cameras):
    """Finds files that the sheet of cameras may name of views in one picture."""

    def find(wildcards):
        texts = [getattr(study.cameras[wildcards.session][camera], column) for camera in cameras]
        return [study.find_path(text) for text in texts if text]

    return find


def get_shared_frame_maps(cameras):
    """Finds the frame maps of a session, which have one clock; none where these cameras have none."""

    def find(wildcards):
        maps = study.find_frame_maps(wildcards.session)
        return list(maps.values()) if set(cameras) & set(maps) else []

    return find


def get_shared_options(cameras):
    """The options of :func:`get_survey_options` for views in one picture."""

    def find(wildcards, input, output):
        rows = {camera: study.cameras[wildcards.session][camera] for camera in cameras}
        options = ["--views", *(f"{camera}={row.crop}" for camera, row in rows.items())]
        for option, column in (("--masks", "mask"), ("--backgrounds", "background"), ("--silhouettes", "silhouettes")):
            given = {camera: getattr(row, column) for camera, row in rows.items() if getattr(row, column)}
            options += [option, *(f"{camera}={study.find_path(text)}" for camera, text in given.items())] if given else []
        row = study.sessions[wildcards.session]
        for option, value in (("--start", row.start), ("--stop", row.stop), ("--rate", row.frame_rate)):
            options += [option, str(value)] if value is not None else []
        options += ["--beside", *input.beside] if input.beside else []
        options += ["--frame-maps", *pair_names(study.find_frame_maps(wildcards.session), input.frame_maps)] if input.frame_maps else []
        return options + ["--outputs", *pair_names(cameras, output)]

    return find


def get_session_surveys(session):
    return [f"results/survey/{session}/{camera}.parquet" for camera in study.cameras[session]]


def get_surveys(wildcards):
    return get_session_surveys(wildcards.session)


def get_measured_locations(wildcards):
    return [f"results/location/{session}.parquet" for session in study.list_measured()]


def get_session_frames(experiment, session):
    folder = f"results/frames/{study.config.experiments[experiment].frames}/{session}"
    return [f"{folder}/{camera}.parquet" for camera in study.list_cameras(experiment, session)]


def get_frames(wildcards):
    return get_session_frames(wildcards.experiment, wildcards.session)


def get_training_frames(wildcards):
    sessions = study.list_sessions("train")
    return [path for session in sessions for path in get_session_frames(wildcards.experiment, session)]


def get_training_joints(wildcards):
    """Joints of the training sessions, for methods that learn from them."""
    if study.config.experiments[wildcards.experiment].description.role != "supervised":
        return []
    return [f"results/joints/{session}.parquet" for session in study.list_sessions("train", joints=True)]


def get_first_weights(wildcards):
    return list(map(str, list_weights(study.config.experiments[wildcards.experiment].model)))


def get_training_options(wildcards):
    """SESSION=PATH,PATH for every training session, and their joints where they are learned from; the order of the sheets changes nothing."""
    sessions, joints = sorted(study.list_sessions("train")), get_training_joints(wildcards)
    frames = (",".join(sorted(get_session_frames(wildcards.experiment, session))) for session in sessions)
    labels = ["--joints", *pair_names(study.list_sessions("train", joints=True), joints)] if joints else []
    return pair_names(sessions, frames) + labels


def get_true_calibration(wildcards):
    """The truth of a simulated rig, which its calibration is compared with."""
    return f"results/simulation/truth/{wildcards.rig}/calibration.toml" if is_simulated(wildcards.rig) else []


def get_rig_file(column):
    """Finds a file that the sheet of rigs may name."""

    def find(wildcards):
        text = getattr(study.rigs[wildcards.rig], column)
        return study.find_path(text) if text else []

    return find


def get_known_of_rig(wildcards, input):
    """The options that say what is known of a rig beforehand."""
    given = {"--intrinsics": input.intrinsics, "--world-points": input.world_points, "--truth": input.truth}
    options = [part for option, path in given.items() if path for part in (option, path)]
    crops = study.find_crops(wildcards.rig)
    options += ["--crops", *(f"{camera}={crop}" for camera, crop in crops.items())] if crops else []
    maps = study.find_board_frame_maps(wildcards.rig)
    return options + (["--frame-maps", *pair_names(list(maps), list(input.frame_maps))] if maps else [])


def is_simulated(rig):
    return rig in study.config.simulation.rigs and study.rigs[rig].board_videos.startswith(SIMULATED)


def get_joints(wildcards):
    return study.find_path(study.sessions[wildcards.session].joints)


def get_label_calibration(wildcards):
    """Labels are clicks, which the rig's cameras turn into joints."""
    return get_calibration(wildcards) if is_labelled(wildcards.session) else []


def get_label_surveys(wildcards):
    """They say how large the pictures are that were clicked."""
    return get_surveys(wildcards) if is_labelled(wildcards.session) else []


def is_labelled(session):
    return study.sessions[session].joints.startswith(LABELS)


def has_clicked_joints(experiment):
    """Whether an experiment's joints are found from clicks, not from joints that are known in every frame."""
    return any(map(is_labelled, study.list_fit_sessions(experiment)))


def get_joints_options(wildcards, input):
    """How the file of the joints is to be read."""
    row = study.sessions[wildcards.session]
    if is_labelled(wildcards.session):
        surveys = pair_names(study.cameras[wildcards.session], input.surveys)
        return [f"--units={study.rigs[row.rig].units}", "--calibration", input.calibration, "--surveys", *surveys]
    rig = study.rigs[row.rig]
    return [f"--units={rig.units}", f"--up={rig.up}", *([f"--axes={row.joints_axes}"] if row.joints_axes else [])]
