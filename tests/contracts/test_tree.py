"""What is tracked: no address of one machine or of a registry, short quickstarts, a wheel with what it should hold."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from source_tree import PACKAGES, tracked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Written in pieces, so that this file does not match itself.
MACHINE_PATHS = re.compile(
    "|".join(f"/{p}/" for p in ("work", "root", "farm", "opt/pypi", "tmp/[a-z]*", "home/[a-z]*"))
)
REGISTRY_HOSTS = re.compile(r"(pypi|pythonhosted|npmjs|debian)\." + r"(org|com|net)|" + r"--(extra-)?" + r"index-url")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".csv", ".json", ".lock", ".txt", ".html", ".svg", ".sh", ""}


def matches(root: Path, pattern: re.Pattern[str]) -> list[str]:
    """Return ``path:line: text`` of every match in tracked text files."""
    found = []
    for path in tracked(root):
        if Path(path).suffix not in TEXT:
            continue
        for i, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path}:{i}: {line.strip()[:120]}")
    return found


def test_no_machine_path_is_tracked(root: Path) -> None:
    assert matches(root, MACHINE_PATHS) == []


def test_no_registry_address_is_tracked(root: Path) -> None:
    assert [m for m in matches(root, REGISTRY_HOSTS) if not m.startswith(("tests/contracts/", ".ci/"))] == []


def test_readme_quickstarts_are_short(root: Path) -> None:
    sys.path.insert(0, str(root / ".ci"))
    from quickstarts import blocks

    found = blocks((root / "README.md").read_text(encoding="utf-8"))
    assert {"Set-up", "Researcher", "Edge", "Trainer"} <= set(found)
    assert {title: len(lines) for title, lines in found.items() if len(lines) > 5} == {}


def test_set_up_is_two_commands_that_the_checks_run(root: Path) -> None:
    sys.path.insert(0, str(root / ".ci"))
    from quickstarts import SET_UP, blocks

    commands = [line.split("#")[0].strip() for line in blocks((root / "README.md").read_text(encoding="utf-8"))[SET_UP]]
    lines = re.findall(r"^step make ([\w ]+)", (root / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    steps = {f"make {target}" for line in lines for target in line.split()}
    assert commands == ["make run", "make test"]
    assert set(commands) <= steps


def expected_in_wheel(root: Path) -> set[str]:
    """Return every tracked file of the packages: code, ``py.typed`` and the scenario and catalogue files."""
    return {p for p in tracked(root) if p.split("/")[0] in PACKAGES}


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (made,) = out.glob("vedette-*.whl")
    return zipfile.ZipFile(made).namelist()


def test_wheel_holds_every_tracked_file_of_the_packages(root: Path, wheel: list[str]) -> None:
    assert expected_in_wheel(root) - set(wheel) == set()


def test_wheel_holds_nothing_else(root: Path, wheel: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel}
    assert {t for t in top if not t.endswith(".dist-info")} == set(PACKAGES)
    suffixes = {Path(name).suffix for name in wheel if ".dist-info/" not in name}
    assert suffixes <= {".py", ".yaml", ".typed", ".csv", ".json", ".html", ".onnx"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_packages_are_named_once(root: Path) -> None:
    """The wheel's list, mypy's list and the import contracts' list name the same packages in the same order."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    wheel_list = project["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert wheel_list == project["mypy"]["packages"] == project["importlinter"]["root_packages"] == list(PACKAGES)


def test_opencv_comes_without_a_screen(root: Path) -> None:
    """opencv-python links libGL, which a bare server or a vehicle has not; both own ``cv2`` and must never meet."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        pins = re.findall(r"^(opencv[a-z-]*)==", (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert pins == ["opencv-python-headless"]
