"""Is the architecture still true: who imports whom, and who may import the heavy libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import PACKAGES, sources, tracked

ALLOWED = {  # library -> files or folders that may import it
    "zmq": ("messages/zmq_bus.py",),
    "numba": ("fusion/kernels/", "sim/terrain.py", "sim/line_of_sight.py"),
    "onnxruntime": ("detectors/session.py", "detectors/training/eoir_export.py"),  # the latter: its quantiser
    "torch": ("detectors/training/",),
    "onnx": ("detectors/training/",),
    "cv2": ("detectors/", "scenarios/elevation/geotiff.py"),
    "filterpy": ("fusion/filterpy_backend.py", "benchmarks/core/filterpy_step.py"),
    "stonesoup": ("benchmarks/core/stone_soup",),
    "pyehm": ("benchmarks/core/",),
    "matplotlib": ("benchmarks/",),
    "typer": ("vedette/",),
    "rich": ("vedette/",),
}


def imported(tree: ast.Module) -> set[str]:
    """Return the top-level names that a module imports, wherever in the module it does so."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def providers() -> dict[str, set[str]]:
    """Return top-level import name -> distributions that install it (importlib's own answer is incomplete on 3.10)."""
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        for file in distribution.files or ():
            name = file.parts[0].split(".")[0] if len(file.parts) == 1 else file.parts[0]
            found.setdefault(name, set()).add(canonicalize_name(distribution.metadata["Name"]))
    return found


def test_import_contracts_hold(root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("library", ALLOWED)
def test_library_is_imported_only_where_it_may_be(root: Path, library: str) -> None:
    wrong = [p for p, tree in sources(root) if library in imported(tree) and not p.startswith(ALLOWED[library])]
    assert wrong == []


def test_every_library_is_declared(root: Path) -> None:
    """A module that imports what pyproject.toml does not name works only on the machine of whoever wrote it."""
    declared = {
        canonicalize_name(r.name) for r in map(Requirement, requires("vedette") or ()) if "dev" not in str(r.marker)
    }
    provided = providers()
    # google.protobuf comes with mcap-protobuf-support, pydantic_core with pydantic, which pins it exactly.
    known = {*PACKAGES, *sys.stdlib_module_names, "google", "pydantic_core"}
    wrong = {
        (path, name)
        for path, tree in sources(root)
        for name in imported(tree) - known
        if not declared & provided.get(name, {name})  # an extra that is not installed: known by its own name
    }
    assert wrong == set()


def test_packages_are_those_of_this_distribution(root: Path) -> None:
    """Generic names such as ``fusion`` must not resolve to somebody else's package."""
    for package in PACKAGES:
        module = __import__(package)
        assert Path(str(module.__file__)).resolve() == root / package / "__init__.py"


def test_folders_are_the_architecture(root: Path) -> None:
    """Every top-level folder with Python in it is a package that pyproject.toml lists, tests or docs."""
    folders = {path.split("/")[0] for path in tracked(root) if path.endswith(".py")}
    assert folders <= {*PACKAGES, "tests", "docs", ".ci"}
