"""Shared by all tests: where the repository and the real recordings are, and which tests exercise the kernels."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMPORTS_KERNELS = re.compile(r"^\s*(from|import) fusion\.kernels\b", re.MULTILINE)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real recordings: $VEDETTE_DATA, then ../shared/data; under CI=true a missing one is a failure."""
    places = [Path(os.environ["VEDETTE_DATA"])] if os.environ.get("VEDETTE_DATA") else []
    places.append(ROOT.parent / "shared" / "data")
    for place in places:
        if (place / "README.md").is_file():
            return place
    message = f"no real recordings in {' or '.join(map(str, places))}: set VEDETTE_DATA to their folder"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark ``data`` what asks for the recordings, and ``kernels`` what imports fusion.kernels itself."""
    imports: dict[Path, bool] = {}
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
        path = item.path
        if path not in imports:
            imports[path] = IMPORTS_KERNELS.search(path.read_text(encoding="utf-8")) is not None
        if imports[path]:
            item.add_marker(pytest.mark.kernels)
