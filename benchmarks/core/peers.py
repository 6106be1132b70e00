"""The peers: which are installed, and their best set-ups for each kind of scene.

They are a development extra (``make peers``); without them the benchmark measures ours alone and says so.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from benchmarks.core.scenes import Scene
from benchmarks.core.trial import Piece, Trial, collect, timed_steps
from messages.frames import F64

PACKAGES = ("stonesoup", "pyehm", "filterpy", "numpy", "numba")
PATIENCE_S = 2.0  # for what a piece needs besides its step
MEMORY_BYTES = 8 << 30  # of a peer's process: the hypotheses of one overlapping swarm can fill any machine


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
    """Run one set-up on a scene, in a process of its own, until its end or its time limit.

    A single scan of exact JPDA may take hours where a swarm's gates overlap; only a process can be stopped then.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, name, scene), daemon=True)
    process.start()
    theirs.close()
    try:
        times_ns = ours.recv()  # it is loaded and ready: now its time counts
        return collect(name, _received(ours, limit_s), times_ns, limit_s)
    finally:
        process.kill()
        process.join()


def _received(connection: Any, limit_s: float) -> Iterator[Piece]:
    """Yield what the peer's process sends, until it ends or the steps and the waiting have used up the limit."""
    left_s = limit_s
    while left_s > 0.0 and connection.poll(left_s + PATIENCE_S):
        piece = connection.recv()
        if piece is None:
            return
        left_s -= piece[0] / 1e3
        yield piece


def _serve(connection: Any, name: str, scene: Scene) -> None:
    """Run a set-up and send the scans' times, then a piece a step, then None."""
    from benchmarks.core.stone_soup import SET_UPS, Run
    from benchmarks.core.stone_soup_column import ColumnRun

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    (setup,) = (setup for setup in SET_UPS[scene.kind] if setup.name == name)
    run = ColumnRun(setup, scene) if scene.poses else Run(setup, scene)
    connection.send(run.times_ns)
    try:
        for piece in timed_steps(run.steps(), run.rows):
            connection.send(piece)
    except MemoryError:
        print(f"{scene.name}: {name}: more than {MEMORY_BYTES >> 30} GiB for one scan: stopped", file=sys.stderr)
    connection.send(None)


def ehm2_marginals() -> Callable[[F64], F64]:
    """Return pyehm's exact marginals (n, n + 1) of a fully connected likelihood matrix (n, n + 1)."""
    from pyehm.core import EHM2

    def run(weights: F64) -> F64:
        result: Any = EHM2().run(np.ones(weights.shape, dtype=np.int32), weights)
        return np.asarray(result, dtype=np.float64)

    return run
