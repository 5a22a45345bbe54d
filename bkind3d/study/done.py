"""Which sessions of a study are done."""

from bkind3d.study.study import Study

#: Names that are listed.
_LISTED = 8


def explain_done(study: Study) -> list[str]:
    """One line per experiment: how many sessions have keypoints, and which ones wait; none before anything was computed."""
    lines = []
    for experiment in study.config.experiments:
        waiting = [name for name in study.sessions if not study.results.keypoints(experiment, name).exists()]
        done = len(study.sessions) - len(waiting)
        if done or study.results.model(experiment).exists():
            more = f" and {len(waiting) - _LISTED} more" if len(waiting) > _LISTED else ""
            rest = f"; without: {', '.join(waiting[:_LISTED])}{more}" if waiting else ""
            lines.append(f"experiment {experiment}: {done} of {len(study.sessions)} sessions have keypoints{rest}")
    return lines
