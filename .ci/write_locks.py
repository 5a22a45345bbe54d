"""Write the lock files and environment.yaml from what is installed in the environment that runs this: `make lock`.

``requirements.lock`` pins what running needs, ``requirements-test.lock`` what testing needs besides (published weights among
it), and
``environment.yaml`` is the conda environment of the same packages. None of them names a package index, a local build
(``+cpu``) or a hash: which build of torch fits is the installing machine's matter.
"""

import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
#: Extras that running does not need, and the one that names others.
SPARED = {"all", "test", "weights", "fuzz"}
#: Packages that must not stand beside the others (docs/decisions.md).
FORBIDDEN = {"torchvision", "opencv-python", "opencv-python-headless", "timm"}
HEADER = "# Written by `make lock` from an environment in which all tests passed.\n"
#: OpenCV is the pip package that aniposelib needs (docs/decisions.md), so everything that shares its arrays is, too.
ENVIRONMENT = """name: bkind3d
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - libgl
  - libegl
  - libglib
  - pip:
"""


def collect(requirements: list[str]) -> dict[str, str]:
    """Name and version of every package that `requirements` need, directly or not, as installed here."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in requirements]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        extras = tuple(sorted(requirement.extras))
        name = canonicalize_name(requirement.name)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        package = distribution(name)
        found[name] = package.version.split("+")[0]
        for text in package.requires or []:
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(needed)
    return found


def main() -> int:
    """Write both files; refuse packages that must not be there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    direct = [*project["dependencies"], *(text for name, texts in extras.items() if name not in SPARED for text in texts)]
    running = collect(direct)
    testing = {name: version for name, version in collect(extras["test"]).items() if name not in running}
    if wrong := FORBIDDEN & {*running, *testing}:
        sys.stderr.write(f"{', '.join(sorted(wrong))} must not be installed: see docs/decisions.md\n")
        return 1
    for file, pins in (("requirements.lock", running), ("requirements-test.lock", testing)):
        (ROOT / file).write_text(HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
    names = sorted(canonicalize_name(Requirement(text).name) for text in direct)
    (ROOT / "environment.yaml").write_text(HEADER + ENVIRONMENT + "".join(f"      - {name}=={running[name]}\n" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
