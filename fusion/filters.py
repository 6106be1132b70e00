"""The filter arithmetic behind one interface: the compiled step, or filterpy (slow, independent)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fusion.config import Backend, MotionConfig, TrackerConfig
from fusion.gates import gate_table
from fusion.identity import MOST_CLASS_FACTOR
from fusion.kernels.bundles import Rules
from messages.frames import F64

I64 = NDArray[np.int64]


class Filter(Protocol):
    """Prediction and update of the track table, in place."""

    def predict(self, x: F64, P: F64, mu: F64, n: int, dt: float) -> None:
        """Mix the models and move the first n tracks by dt [s]."""

    def update(
        self, x: F64, P: F64, mu: F64, n: int, h: F64, H: F64, PHt: F64, S: F64, R: F64, z: F64, var: F64, used: I64,
        start: I64, det: I64, like: F64, beta: F64, miss: F64,
    ) -> int:  # fmt: skip
        """Update the first n tracks with association probabilities; return how many were left alone."""


def rules_of(config: TrackerConfig) -> Rules:
    """Return the settings that every compiled stage of a step takes."""
    return Rules(
        q=np.array(config.motion.acceleration_intensity),
        tau_s=np.array(config.motion.correlations_s),
        stationary=np.array(config.motion.stationary),
        sojourn_s=config.motion.sojourn_s,
        mean_life_s=config.existence.mean_life_s,
        memory_s=config.detectability.memory_s,
        clutter_memory_s=config.clutter.memory_s,
        pose_looks=np.array([config.sensors.pose_memory_s, config.sensors.ranged_pose_memory_s])
        / config.detectability.memory_s,
        most_class_factor=MOST_CLASS_FACTOR,
        work_limit=config.association.work_limit,
        crowd=config.association.crowd,
        gate_d2=gate_table(config.association.gate_probability),
    )


def acceleration_variances(config: MotionConfig) -> F64:
    """Return the variance (M,) of each model's correlated acceleration [m^2/s^4], an axis; 0 for a white one."""
    q, tau_s = np.array(config.acceleration_intensity), np.array(config.correlations_s)
    return np.where(tau_s > 0.0, q / np.maximum(2.0 * tau_s, 1e-9), 0.0)


def make_foreign_filter(backend: Backend, config: MotionConfig) -> Filter | None:
    """Return the filter arithmetic of that name, None for the compiled one."""
    if backend == "filterpy":
        from fusion.filterpy_backend import FilterpyFilter  # imported only when asked for: filterpy loads slowly

        return FilterpyFilter(config)
    if backend != "numba":
        raise ValueError(f"filter backend {backend!r}: must be 'numba' or 'filterpy'")
    return None
