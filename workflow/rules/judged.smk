# What the evaluation needs: sessions that can be judged, and their files.


def get_behaviours(wildcards):
    sessions = study.list_action_sessions(wildcards.experiment)
    return [study.find_path(study.sessions[session].behaviours) for session in sessions]


def get_all_behaviours(wildcards):
    return [study.find_path(study.sessions[session].behaviours) for session in study.list_sessions(behaviours=True)]


def get_session_behaviours(wildcards):
    text = study.sessions[wildcards.session].behaviours
    return study.find_path(text) if text else []


def list_pose_sessions_with_behaviours(experiment):
    return [name for name in study.list_pose_sessions(experiment) if study.sessions[name].behaviours]


def get_pose_behaviours(wildcards):
    """Behaviours of the sessions with joints, to tell the errors of each apart."""
    return [study.find_path(study.sessions[name].behaviours) for name in list_pose_sessions_with_behaviours(wildcards.experiment)]


def list_judged_sessions(experiment):
    """Sessions whose keypoints are regressed to joints, or looked at where there are no joints."""
    return study.list_pose_sessions(experiment) or study.list_sessions("train", "test")


def list_labelled_sessions(experiment):
    """Sessions by whose keypoints behaviours are recognised; those at hand where there are none."""
    return study.list_action_sessions(experiment) or study.list_sessions("train", "test")


def list_labelled_sessions_with_joints(experiment):
    """Clicks in a few frames are no joints of windows."""
    return [session for session in study.list_action_sessions(experiment) if study.sessions[session].joints and not is_labelled(session)]


def list_labelled_sessions_with_found_joints(experiment):
    """Sessions by whose found joints behaviours are recognised: where joints are clicked."""
    discovered = study.config.experiments[experiment].description.role == "discovered"
    return study.list_action_sessions(experiment) if discovered and has_clicked_joints(experiment) else []


def get_results(pattern, list_sessions):
    """Input function: the file of every session of an experiment, in `pattern`'s place of {session}."""

    def get_files(wildcards):
        sessions = list_sessions(wildcards.experiment)
        return [pattern.format(experiment=wildcards.experiment, session=session) for session in sessions]

    return get_files


def pair_sessions(name, list_sessions):
    """Params function: SESSION=PATH for every file of the input `name`, of these sessions in this order."""
    return lambda wildcards, input: pair_names(list_sessions(wildcards.experiment), input.get(name))
