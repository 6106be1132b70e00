"""The peers: which are installed, and their best set-ups for each kind of scene.

They are a development extra (``make peers``); without them the benchmark measures ours alone and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from benchmarks.core.scenes import Scene
from benchmarks.core.trial import Trial, run_timed
from messages.frames import F64

PACKAGES = ("stonesoup", "pyehm", "filterpy", "numpy", "numba")


def installed() -> dict[str, str | None]:
    """Return the version of each package that is compared or used; None where it is missing."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def available() -> bool:
    """Say whether the other trackers are installed."""
    return None not in (_version("stonesoup"), _version("pyehm"))


def peer_names(kind: str) -> list[str]:
    """Return the names of the set-ups that run on a kind of scene."""
    from benchmarks.core.stone_soup import SET_UPS

    return [setup.name for setup in SET_UPS.get(kind, ())]


def run_peer(name: str, scene: Scene, limit_s: float) -> Trial:
    """Run one set-up on a scene until its end or its time limit."""
    from benchmarks.core.stone_soup import SET_UPS, Run
    from benchmarks.core.stone_soup_column import ColumnRun

    (setup,) = (setup for setup in SET_UPS[scene.kind] if setup.name == name)
    run = ColumnRun(setup, scene) if scene.poses else Run(setup, scene)
    return run_timed(name, run.steps(), run.rows, run.times_ns, limit_s)


def ehm2_marginals() -> Callable[[F64], F64]:
    """Return pyehm's exact marginals (n, n + 1) of a fully connected likelihood matrix (n, n + 1)."""
    from pyehm.core import EHM2

    def run(weights: F64) -> F64:
        result: Any = EHM2().run(np.ones(weights.shape, dtype=np.int32), weights)
        return np.asarray(result, dtype=np.float64)

    return run
