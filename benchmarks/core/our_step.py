"""Our filter step for ``filter_step``: the one place of the benchmark that calls the kernels of the filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fusion.config import MotionConfig, TrackerConfig
from fusion.kernels import measurement, motion, update
from fusion.sensing import SensorBook
from messages.detections import empty_rows, pack
from messages.frames import F64
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

if TYPE_CHECKING:
    from benchmarks.core.filter_step import Problem


def our_step(problem: Problem) -> Callable[[], tuple[F64, F64]]:
    """Return a call that predicts, linearises and updates every track, and gives states and covariances."""
    n = len(problem.x)
    config = TrackerConfig(motion=MotionConfig((problem.intensity_m2ps3,), (1.0,)), capacity=n)
    book = SensorBook(config)
    book.add(_radar(problem.sigma))
    rows = empty_rows(n)
    rows[:, :4] = problem.z
    scan = book.prepare(SensorScan(sensor_id="radar", scan=0, t_ns=0, detections=pack(rows)))
    x, P, mu = problem.x[:, None].copy(), problem.P[:, None].copy(), np.ones((n, 1))
    h, H = np.empty((n, 1, 4)), np.empty((n, 1, 4, 6))
    PHt, S, R = np.empty((n, 1, 6, 4)), np.empty((n, 1, 4, 4)), np.empty((n, 1, 4, 4))
    start, det = np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.int64)
    like, beta, miss, none = np.ones((n, 1)), np.ones(n), np.zeros(n), np.zeros(n)
    q, look = np.array([problem.intensity_m2ps3]), scan.look

    def step() -> tuple[F64, F64]:
        motion.predict_tracks(x, P, mu, n, q, np.ones(1), 1.0, problem.dt_s)
        measurement.linearise(x, P, n, look.used, look.g, none, none, h, H, PHt, S, R)
        pairs = start, det, like, beta, miss
        update.update_tracks(x, P, mu, n, h, H, PHt, S, R, look.z, look.var, look.used, *pairs)
        return x[:, 0], P[:, 0]

    return step


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
