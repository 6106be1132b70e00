"""One extended Kalman filter step (predict, linearise, update) of many tracks: ours, a track at a time by filterpy.

All move the same states by the same time under the same noise and take the same radar measurements
(range, azimuth, elevation, range rate), so the results can be compared as well as the times. Ours is there twice:
as the tracker does it, with the curvature of the measurement and with weighted hypotheses, and as the plain filter of
one model in vector lanes (``fusion.kernels.lanes``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.core.filterpy_step import filterpy_step
from benchmarks.core.our_step import lanes_step, tracker_step
from benchmarks.core.scenes.sensing import look_at
from messages.frames import F64

TRACKS = 1000
STEP_S = 0.1
INTENSITY_M2PS3 = 1.0
SIGMA = np.array([5.0, np.radians(0.5), np.radians(0.8), 0.5])  # range m, azimuth rad, elevation rad, range rate m/s
FILTERPY_TRACKS = 200  # of them: filterpy's cost a track does not depend on their number
FILTERPY_REPEATS = 5
REPEATS = 20

Run = tuple[Callable[[], None], Callable[[], tuple[F64, F64]]]
"""A step that changes its own copy of the problem, and what reads states and covariances afterwards."""


class Problem(NamedTuple):
    """States (n, 6) east, north, up and rates, covariances (n, 6, 6), one measurement (n, 4) each, its sigmas (4,)."""

    x: F64
    P: F64
    z: F64
    sigma: F64
    dt_s: float
    intensity_m2ps3: float


def random_problem(n: int, rng: np.random.Generator) -> Problem:
    """Return tracks anywhere in the radar's reach, and a measurement close to where each will be."""
    place = rng.uniform(-800.0, 800.0, (n, 3)) * np.array([1.0, 1.0, 0.1]) + np.array([0.0, 1000.0, 120.0])
    x = np.concatenate([place, rng.normal(0.0, 12.0, (n, 3))], axis=1)
    root = rng.normal(0.0, 1.0, (n, 6, 6)) * np.array([2.0, 2.0, 2.0, 0.7, 0.7, 0.7])[:, None]
    P = root @ root.transpose(0, 2, 1) + np.diag([4.0, 4.0, 4.0, 1.0, 1.0, 1.0])
    z = look_at(place + STEP_S * x[:, 3:], x[:, 3:], np.zeros(3)) + SIGMA * rng.standard_normal((n, 4))
    return Problem(x, P, z, SIGMA, STEP_S, INTENSITY_M2PS3)


def compare(rng: np.random.Generator, tracks: int = TRACKS) -> dict[str, Any]:
    """Return microseconds a track of each, the ratios, and the largest differences of the states in sigmas."""
    problem = random_problem(tracks, rng)
    few = min(FILTERPY_TRACKS, tracks)
    theirs, theirs_us = _timed(
        filterpy_step, problem._replace(x=problem.x[:few], P=problem.P[:few], z=problem.z[:few]), FILTERPY_REPEATS
    )
    found = {"tracks": tracks, "filterpy_us": theirs_us / few}
    for prefix, name, prepare in (("", "vedette_us", tracker_step), ("lanes_", "lanes_us", lanes_step)):
        mine, mine_us = _timed(prepare, problem, REPEATS)
        found[name] = mine_us / tracks
        found[f"{prefix}ratio"] = found["filterpy_us"] / found[name]
        found[f"{prefix}largest_difference_sigma"] = _difference(mine, theirs)
    return found


def _difference(mine: tuple[F64, F64], theirs: tuple[F64, F64]) -> float:
    """Return the largest difference of a state, in its standard deviations, over the tracks that filterpy had."""
    sigma = np.sqrt(np.diagonal(theirs[1], axis1=1, axis2=2))
    return float(np.abs((mine[0][: len(sigma)] - theirs[0]) / sigma).max())


def _timed(prepare: Callable[[Problem], Run], problem: Problem, repeats: int) -> tuple[tuple[F64, F64], float]:
    """Return the result of a step and its shortest time [us]: what it takes when nothing else runs.

    What ``prepare`` does and reading the result are not timed.
    """
    prepare(problem)[0]()
    took = []
    for _ in range(repeats):
        step, result = prepare(problem)
        start = time.perf_counter_ns()
        step()
        took.append((time.perf_counter_ns() - start) / 1e3)
    return result(), min(took)
