"""Shared by all tests: where the repository is, and which tests exercise the kernels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMPORTS_KERNELS = re.compile(r"^\s*(from|import) fusion\.kernels\b", re.MULTILINE)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark ``kernels`` what imports fusion.kernels itself."""
    imports: dict[Path, bool] = {}
    for item in items:
        path = item.path
        if path not in imports:
            imports[path] = IMPORTS_KERNELS.search(path.read_text(encoding="utf-8")) is not None
        if imports[path]:
            item.add_marker(pytest.mark.kernels)
