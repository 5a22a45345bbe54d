"""Who was filmed in which session, what joints and behaviours there are, and which session should judge: guesses from names, all of them told."""

import re
from collections.abc import Mapping, Sequence

from bkind3d.config import InputError
from bkind3d.start.inventory import Inventory
from bkind3d.start.naming import list_dates
from bkind3d.start.recordings import Recognised, make_name

#: Parts of a session's name that say when or how often somebody was filmed, and not who.
_WHEN = re.compile(
    r"(d|day|t|trial|rec|recording|session|sess|s|run|take|clip|vid|video|test|exp|experiment|block|part|week|w|date)?[-_ ]?\d*"
    r"|baseline|pre|post|control|morning|evening|am|pm",
    re.I,
)
#: Tables that go with a session, by what their files are called.
TABLES = ("joints", "behaviours")
#: How files are called that may hold joints in 3D of other programs.
_POSES = re.compile(r"pose|joint|points|3d", re.I)


def name_subjects(sessions: Sequence[str], given: str | None) -> tuple[dict[str, str], str]:
    """The subject of every session, and what is to be said of that.

    Parameters
    ----------
    given : a name, or a pattern such as ``{subject}_*`` of the sessions' names; without it, sessions that differ by date, day or trial alone
        are of one subject, others of one each.

    Raises
    ------
    InputError : where a pattern does not fit.
    """
    if given and ("{" in given or "*" in given):
        return _read_subjects(sessions, given), f"Subjects by --subject {given!r}."
    if given:
        return dict.fromkeys(sessions, make_name(given)), ""
    who = {session: _drop_when(session) for session in sessions}
    shared = [name for name in dict.fromkeys(who.values()) if name and list(who.values()).count(name) > 1]
    subjects = {session: who[session] if who[session] in shared else session for session in sessions}
    if len(sessions) == 1:
        return subjects, ""
    if not shared:
        return subjects, "Assumed that every session is of another subject; change it in sessions.tsv, or with --subject '{subject}_*'."
    told = "; ".join(f"{name}: {', '.join(s for s in sessions if subjects[s] == name)}" for name in shared[:8])
    rest = " Every other session is of a subject of its own." if len(set(subjects.values()) - set(shared)) else ""
    return (
        subjects,
        f"Assumed, by names without dates, that these are of one subject each: {told}.{rest} Change it with --subject '{{subject}}_*'.",
    )


def _read_subjects(sessions: Sequence[str], pattern: str) -> dict[str, str]:
    fields = re.findall(r"\{[^}]*\}", pattern)
    if fields != ["{subject}"]:
        raise InputError(
            f"--subject {pattern!r}", "write {subject} once, and * for anything else in a session's name, as in '{subject}_*', or a name"
        )
    before, after = (".*".join(map(re.escape, part.split("*"))) for part in pattern.split("{subject}"))
    found = {}
    for session in sessions:
        match = re.fullmatch(f"{before}(?P<subject>.+?){after}", session)
        if not match:
            raise InputError(f"--subject {pattern!r}", f"does not fit session {session!r}", "* is anything, as in '*{subject}_*'")
        found[session] = make_name(match["subject"])
    return found


def _drop_when(session: str) -> str:
    """What of a session's name says who was filmed."""
    for date in list_dates(session):
        session = session.replace(date, "_")
    parts = [part for part in re.split(r"[_ -]+", session) if part and not _WHEN.fullmatch(part)]
    return make_name("_".join(parts)) if parts else ""


def find_tables(inventory: Inventory, found: Recognised) -> dict[str, dict[str, str]]:
    """Tables of joints and behaviours of the sessions, relative to the folder: files, or folders, of these names with a session's name in their path."""
    tables: dict[str, dict[str, str]] = {session: {} for session in found.sessions}
    for path in list(inventory.passed_over):
        if path.suffix == ".parquet" and (
            kind := next((name for name in TABLES if name in f"{path.parent.name}/{path.stem}".lower()), None)
        ):
            words = {make_name(part) for part in path.relative_to(inventory.folder).with_suffix("").parts}
            words |= {make_name(re.sub(rf"[-_. ]?{kind}[-_. ]?", "", path.stem, flags=re.I))}
            mine = [session for session in found.sessions if session in words]
            if len(mine) == 1 and kind not in tables[mine[0]]:
                tables[mine[0]][kind] = str(path.relative_to(inventory.folder))
                inventory.use(path, f"tables of {kind}")
        elif path.suffix.lower() in (".trc", ".h5", ".csv") and _POSES.search(inventory.name(path)):
            axes = ", joints_axes" if path.suffix.lower() == ".trc" else ""
            inventory.passed_over[path] = f"perhaps true joints: to be judged by them, name it in sessions.tsv (joints{axes})"
    return tables


def propose_splits(subjects: Mapping[str, str], tables: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, str], str]:
    """Train or test for every session: one subject that has joints judges, where others have them, too."""
    judged = [session for session in subjects if "joints" in tables[session]]
    who = list(dict.fromkeys(subjects[session] for session in judged))
    splits = dict.fromkeys(subjects, "train")
    if len(who) < 2:
        return splits, "All sessions are to learn from (split: train); none judges. Change it in sessions.tsv."
    splits |= {session: "test" for session in subjects if subjects[session] == who[-1]}
    tested = ", ".join(session for session in splits if splits[session] == "test")
    return splits, f"Assumed that {tested} judges the result (split: test), and the others are learned from; change it in sessions.tsv."
