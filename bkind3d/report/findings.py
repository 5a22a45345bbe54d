"""What a reader must know before looking at anything else: the report's warnings."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from bkind3d.data.cubes import SMALL, find_largest
from bkind3d.data.parquet import read_table
from bkind3d.data.results import FLOORS, MAJORITY_CLASS
from bkind3d.geometry.health import HEADED
from bkind3d.report.candidates import has_reference, is_ours, label_of, rows_of
from bkind3d.report.contents import read_judgement
from bkind3d.report.elements import Note
from bkind3d.report.formatting import format_interval, format_number, format_share
from bkind3d.report.recordings import Located, calibration_quality
from bkind3d.study.doubts import Measure, describe_doubts
from bkind3d.study.study import Study

#: Beyond this mean reprojection error (px) a calibration is worth a look; below this share of its frames a session was badly
#: located; a video with faults in more than this share of its frames is worth a look.
HIGH_ERROR_PX, LOW_SHARE, FAULTY_SHARE = 1.0, 0.9, 0.01

#: What is said where no joints are; how often warnings tell is counted by ``python -m benchmarks.warnings``.
UNJUDGED = (
    "There are no joints to judge the keypoints by. Warnings tell of what is wrong, not that the rest is right: of simulated results that were no better "
    "than the mean pose they told half. Look at the keypoints in the pictures, or label some frames."
)
#: Styles of findings; the link of each says where to read more.
GRAVE, MILD = "warning", "info"


def find_pose_faults(pose: pd.DataFrame, experiment: str, failed: str = "") -> list[Note]:
    """Floors that an experiment does not beat, that there is nothing to judge it by, or why it could not be judged (`failed`)."""
    rows = rows_of(pose, experiment)
    if failed:
        return [Note(f"{experiment}: keypoints {failed}.", GRAVE, "results")]
    if not has_reference(rows):
        return [Note(f"{experiment}: no reference. {UNJUDGED}", MILD, "results")]
    found = []
    for row in (row for row in rows.to_dict("records") if is_ours(row["method"])):
        for floor in FLOORS:
            low, high = row.get(f"vs_{floor}_ci_low", math.nan), row.get(f"vs_{floor}_ci_high", math.nan)
            if math.isfinite(high) and high >= 0:
                interval = f"{format_interval(low, high, 2)} {row['unit']}"
                text = f"{experiment}: the keypoints do not beat the {label_of(floor)}; interval of the paired difference: {interval}."
                found.append(Note(text, GRAVE, "results"))
    return found


def find_action_faults(actions: pd.DataFrame, experiment: str, failed: str = "") -> list[Note]:
    """Behaviours that are not recognised better than by naming the most frequent one, or why they could not be judged (`failed`)."""
    rows = rows_of(actions, experiment)
    if failed:
        return [Note(f"{experiment}: behaviours {failed}.", GRAVE, "behaviours")]
    if not has_reference(rows, "accuracy"):
        return []
    values = {str(row["features"]): row for row in rows.to_dict("records")}
    found, floor = next((row for name, row in values.items() if is_ours(name)), None), values.get(MAJORITY_CLASS)
    if found is None or floor is None:
        return []
    low = found["accuracy_ci_low"]
    if (low if math.isfinite(low) else found["accuracy"]) > floor["accuracy"]:
        return []
    interval = f" [{format_share(low)}, {format_share(found['accuracy_ci_high'])}]" if math.isfinite(low) else ""
    reached = f"accuracy {format_share(found['accuracy'])}{interval} against {format_share(floor['accuracy'])}"
    return [Note(f"{experiment}: behaviours are not recognised above the majority class: {reached}.", GRAVE, "behaviours")]


def find_keypoint_faults(experiment: str, health: Mapping[str, pd.DataFrame]) -> list[Note]:
    """Dead and merged keypoints of the sessions' tables of health, with the number of sessions in which they are.

    A session without any keypoint, which could not be done, says nothing of them.
    """
    health = {session: table for session, table in health.items() if (table["present"] > 0).any()}
    dead = Counter(name for table in health.values() for name in table.loc[table["dead"], "keypoint"])
    merged = Counter(pair for table in health.values() for pair in list_merged(table))
    found = []
    kinds = {"dead keypoints (rarely there, or not moving with the body)": dead, "merged keypoints (on the same place)": merged}
    for what, names in kinds.items():
        # In a session in which the subject rests, a living keypoint may stand still: most sessions decide.
        agreed = {name: count for name, count in names.items() if 2 * count >= len(health)}
        several = f" of {len(health)} sessions)" if len(health) > 1 else ""
        listed = ", ".join(f"{name} (in {count}{several}" if several else name for name, count in agreed.items())
        found += [Note(f"{experiment}: {what}: {listed}.", GRAVE, f"keypoints-{experiment}")] if agreed else []
    return found


def list_merged(health: pd.DataFrame) -> list[str]:
    """Pairs of keypoints that lie on each other, each once."""
    places = {name: place for place, name in enumerate(health["keypoint"])}
    rows = zip(health["keypoint"], health["merged"], strict=True)
    return [f"{name} and {other}" for name, others in rows for other in others if places[name] < places[other]]


def find_failures(failures: Mapping[str, str]) -> list[Note]:
    """Sessions that could not be done, or not wholly, each with its reason; the others are as they would be without them."""
    return [
        Note(f"{session}: {reason.rstrip('.')}. No other session is the worse for it.", GRAVE, "recordings")
        for session, reason in failures.items()
    ]


def find_doctors_warnings(study: Study, session: str = "") -> list[Note]:
    """What the doctor found wrong, each cause once; of one session, what was found there."""
    found = read_judgement(study.results.doctor_checks())
    causes = [check for check in found.get("checks", []) if check["session"] == session] if session else found.get("causes", [])
    notes = []
    for cause in (cause for cause in causes if cause["status"] != "pass"):
        places = cause.get("places") or ["/".join(filter(None, (cause["session"], cause["camera"])))]
        where = _list_some([place for place in places if place])
        step = f"; {cause['next_step']}" if cause["next_step"] else ""
        text = f"The doctor{f' ({where})' if where else ''}: {cause['sentence']}{step}."
        notes.append(Note(text, GRAVE, "recordings"))
    return notes


def find_doubts(measures: Iterable[Measure]) -> list[Note]:
    """What speaks against silhouettes, places and keypoints, though nobody has compared them with the truth."""
    measures = list(measures)
    unused = {m.experiment: m.value for m in measures if m.kind == "headings" and not m.is_doubtful and m.value < HEADED}
    return [Note(sentence, GRAVE, "recordings") for sentence in describe_doubts(measures)] + [
        Note(
            f"{experiment}: headings are not used, and left and right may be hard to tell: independent fits agree in {format_share(share)} of the frames, "
            f"{format_share(HEADED)} are needed.",
            MILD,
            "recordings",
        )
        for experiment, share in unused.items()
    ]


def find_session_faults(study: Study, located: Mapping[str, Located]) -> list[Note]:
    """Sessions in which the subject was badly located, videos with faults, sessions without reference."""
    found = []
    poor = [f"{name} ({format_share(summary.share)})" for name, summary in located.items() if summary.share < LOW_SHARE]
    if poor:
        text = f"The subject was located in less than {LOW_SHARE:.0%} of the frames of {_list_some(poor)}."
        found.append(Note(text, GRAVE, "recordings"))
    given = bool(study.config.location.side)
    misfits = [
        name
        for name, summary in located.items()
        if summary.extent < SMALL * summary.side or summary.extent > find_largest(summary.side, given)
    ]
    if misfits:
        text = f"The cube is larger than twice the subject, or smaller than it, in {_list_some(misfits)}: look at the silhouettes."
        found.append(Note(text, GRAVE, "recordings"))
    faulty = []
    for name in located:
        for camera in study.cameras[name]:
            faults = read_table(study.results.survey(name, camera), "survey", columns=["fault"])["fault"].fillna("")
            faulty += [f"{name} ({camera})"] if (faults != "").mean() > FAULTY_SHARE else []
    if faulty:
        found.append(Note(f"The survey found faults in the videos of {_list_some(faulty)}.", GRAVE, "recordings"))
    for what in ("joints", "behaviours"):
        names = [name for name in located if not getattr(study.sessions[name], what)]
        text = f"No reference ({what}) in {len(names)} of {len(located)} sessions: {_list_some(names)}."
        found += [Note(text, MILD, "recordings")] if names else []
    return found


def _list_some(names: list[str], limit: int = 8) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def find_calibration_faults(study: Study, rigs: list[str]) -> list[Note]:
    """Cameras whose calibration misses the board by more than it should, and limits that were exceeded and accepted."""
    found = []
    for rig in rigs:
        table, metadata = calibration_quality(study, rig)
        for finding in metadata.get("findings", []):
            if finding["level"] == "failure":
                found.append(Note(f"Rig {rig}: {finding['text']} (accepted by calibration.accept_poor).", GRAVE, "calibration"))
        poor = table[table["mean_px"] > HIGH_ERROR_PX] if len(table) else table
        if len(poor):
            listed = ", ".join(f"{row['camera']} ({format_number(row['mean_px'], 2)} px)" for row in poor.to_dict("records"))
            found.append(Note(f"Rig {rig}: high reprojection error: {listed}.", GRAVE, "calibration"))
    return found


def write_findings(found: list[Note]) -> list[Note]:
    """The findings, grave ones first."""
    if not found:
        return [Note("Nothing stands out.", "good")]
    return sorted(found, key=lambda note: note.style != GRAVE)
