"""The filter arithmetic behind one interface: compiled kernels, or filterpy (slow, independent)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fusion.config import Backend, MotionConfig
from fusion.kernels import motion, update
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


class KernelFilter:
    """The compiled kernels."""

    def __init__(self, config: MotionConfig) -> None:
        self._q = np.array(config.acceleration_intensity)
        self._stationary = np.array(config.stationary)
        self._sojourn_s = config.sojourn_s

    def predict(self, x: F64, P: F64, mu: F64, n: int, dt: float) -> None:
        """Mix the models and move the first n tracks by dt [s]."""
        motion.predict_tracks(x, P, mu, n, self._q, self._stationary, self._sojourn_s, dt)

    def update(
        self, x: F64, P: F64, mu: F64, n: int, h: F64, H: F64, PHt: F64, S: F64, R: F64, z: F64, var: F64, used: I64,
        start: I64, det: I64, like: F64, beta: F64, miss: F64,
    ) -> int:  # fmt: skip
        """Update the first n tracks with association probabilities; return how many were left alone."""
        return update.update_tracks(x, P, mu, n, h, H, PHt, S, R, z, var, used, start, det, like, beta, miss)


def make_filter(backend: Backend, config: MotionConfig) -> Filter:
    """Return the filter arithmetic of that name."""
    if backend == "filterpy":
        from fusion.filterpy_backend import FilterpyFilter  # imported only when asked for: filterpy loads slowly

        return FilterpyFilter(config)
    if backend != "numba":
        raise ValueError(f"filter backend {backend!r}: must be 'numba' or 'filterpy'")
    return KernelFilter(config)
