"""Count where words of our own still stand, which docs/glossary.md replaces: `python .ci/count_words.py [--files]`."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What is read: code, settings, messages and pages, but not the records of what was decided and measured.
READ = ("bkind3d", "workflow", "config", "docs", "profiles", "README.md", "CONTRIBUTING.md")
SPARED = ("docs/glossary.md", "docs/decisions.md")
_ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<say>[^|]+) \| `(?P<pattern>.+)` \|$", re.MULTILINE)


def read_words() -> dict[str, re.Pattern[str]]:
    """The words of the glossary's last table, each with its pattern."""
    table = (ROOT / "docs/glossary.md").read_text().partition("## Words that are being replaced")[2]
    return {f"{row['word']} -> {row['say']}": re.compile(row["pattern"].replace(r"\|", "|")) for row in _ROW.finditer(table)}


def count_words() -> dict[str, dict[str, int]]:
    """How often each word stands in which file."""
    listed = subprocess.run(["git", "ls-files", "-z", *READ], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    counts: dict[str, dict[str, int]] = {word: {} for word in read_words()}
    for name in filter(None, listed.split("\0")):
        if name in SPARED or not name.endswith((".py", ".smk", ".md", ".yaml", ".html", ".js", ".j2", ".json")):
            continue
        text = (ROOT / name).read_text()
        for word, pattern in read_words().items():
            if number := len(pattern.findall(text)):
                counts[word][name] = number
    return counts


def main() -> None:
    """A line for each word, with the files on request."""
    for word, files in count_words().items():
        sys.stdout.write(f"{sum(files.values()):5} in {len(files):3} files  {word}\n")
        if "--files" in sys.argv:
            sys.stdout.writelines(f"        {number:4} {name}\n" for name, number in sorted(files.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    main()
