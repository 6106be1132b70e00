"""The sources as the contract tests see them: tracked files and syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("vedette", "messages", "scenarios", "sim", "fusion", "detectors", "edge_node", "benchmarks")


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield (path relative to the repository, syntax tree) of every module of the packages."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def tracked(root: Path) -> list[str]:
    """Return the paths of all tracked files that exist."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    return [p for p in done.stdout.split("\0") if p and (root / p).is_file()]
