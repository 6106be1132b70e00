"""Our filter steps for ``filter_step``: the one place of the benchmark that calls the kernels of the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusion.config import MotionConfig, TrackerConfig
from fusion.kernels import lanes, linearising, motion, update
from fusion.kernels.bundles import Look
from fusion.sensing import SensorBook
from messages.detections import empty_rows, pack
from messages.frames import F64
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

if TYPE_CHECKING:
    from benchmarks.core.filter_step import Problem, Run


def tracker_step(problem: Problem) -> Run:
    """Prepare what the tracker does: predict, linearise with second-order noise, update with one hypothesis a track."""
    n = len(problem.x)
    x, P, mu = problem.x[:, None].copy(), problem.P[:, None].copy(), np.ones((n, 1))
    h, H = np.empty((n, 1, 4)), np.empty((n, 1, 4, 6))
    PHt, S, R = np.empty((n, 1, 6, 4)), np.empty((n, 1, 4, 4)), np.empty((n, 1, 4, 4))
    start, det = np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.int64)
    like, beta, miss, none = np.ones((n, 1)), np.ones(n), np.zeros(n), np.zeros(n)
    q, look = np.array([problem.intensity_m2ps3]), _look(problem)

    def step() -> None:
        motion.predict_tracks(x, P, mu, n, q, np.zeros(1), np.ones(1), 1.0, problem.dt_s)
        linearising.linearise(x, P, n, look.used, look.g, none, none, h, H, PHt, S, R)
        pairs = start, det, like, beta, miss
        update.update_tracks(x, P, mu, n, h, H, PHt, S, R, look.z, look.var, look.used, *pairs)

    return step, lambda: (x[:, 0], P[:, 0])


def lanes_step(problem: Problem) -> Run:
    """Prepare the extended Kalman filter of one motion model with given associations, in vector lanes."""
    n, dt, q, look = len(problem.x), problem.dt_s, problem.intensity_m2ps3, _look(problem)
    table, z, var = np.empty(lanes.table_size(n)), np.ascontiguousarray(look.z), np.ascontiguousarray(look.var)
    lanes.pack(problem.x, problem.P, table)

    def step() -> None:
        lanes.step(table, n, dt, q, look.g, z, var)

    def result() -> tuple[F64, F64]:
        x, P = np.empty_like(problem.x), np.empty_like(problem.P)
        lanes.unpack(table, x, P)
        return x, P

    return step, result


def _look(problem: Problem) -> Look:
    """Return geometry and measurements as the tracker hands them to its kernels."""
    models = MotionConfig((problem.intensity_m2ps3,), (1.0,), correlation_s=())
    book = SensorBook(TrackerConfig(motion=models, capacity=len(problem.x)))
    book.add(_radar(problem.sigma))
    rows = empty_rows(len(problem.x))
    rows[:, :4] = problem.z
    scan = book.prepare(SensorScan(sensor_id="radar", scan=0, t_ns=0, detections=pack(rows)))
    return scan.look


def _radar(sigma: F64) -> SensorDescription:
    range_m, azimuth_rad, elevation_rad, range_rate_mps = sigma.tolist()
    return SensorDescription(
        sensor_id="radar",
        kind="radar",
        sigma=MeasurementSigma(
            range_m=range_m, azimuth_rad=azimuth_rad, elevation_rad=elevation_rad, range_rate_mps=range_rate_mps
        ),
        field_of_view=FieldOfView(range_m=(10.0, 3000.0), range_rate_mps=(-60.0, 60.0)),
        scan_period_s=0.1,
    )
