"""After the warm-up nothing is left to compile: a compilation during an engagement is a fault."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import fusion.kernels
from fusion import warm_up
from vedette.run import RunOptions, run


def signatures() -> dict[str, int]:
    """The number of compiled forms of each kernel, by name."""
    found: dict[str, int] = {}
    for info in pkgutil.iter_modules(fusion.kernels.__path__):
        module = importlib.import_module(f"fusion.kernels.{info.name}")
        for name, kernel in vars(module).items():
            dispatcher: Any = kernel
            if hasattr(dispatcher, "signatures") and dispatcher.__module__ == module.__name__:
                found[f"{info.name}.{name}"] = len(dispatcher.signatures)
    return found


@pytest.mark.jit
def test_an_engagement_compiles_nothing_after_the_warm_up(tmp_path: Path) -> None:
    warm_up()
    before = signatures()
    options = RunOptions(
        "fpv_treeline",
        1,
        tmp_path / "run",
        overrides=("duration_s=8",),
        in_process=True,
        quiet=True,
        recording=False,
        report=False,
    )
    run(options)
    assert sum(before.values()) >= 6  # what is called from Python; what those call is compiled into them
    assert signatures() == before
