"""All trajectories of a world in one table, so that one instant of all targets is one look-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from sim.flight.trajectory import Trajectory


class Fleet:
    """Samples of n trajectories, end to end; the same interpolation as ``Trajectory.track``."""

    def __init__(self, flights: Sequence[Trajectory]) -> None:
        """Copy the trajectories' samples into common arrays."""
        lengths = np.array([len(f.position_m) for f in flights], dtype=np.int64)
        self._first = np.cumsum(lengths) - lengths
        self._last = lengths - 1
        self._step_s = np.array([f.step_s for f in flights])
        self._start_s = np.array([f.start_s for f in flights])
        self._end_s = np.array([f.end_s for f in flights])
        self._silent_s = np.array([f.silent_s for f in flights])
        self._position_m = np.concatenate([f.position_m for f in flights] or [np.empty((0, 3))])
        self._velocity_mps = np.concatenate([f.velocity_mps for f in flights] or [np.empty((0, 3))])

    def at(self, t_s: float) -> tuple[F64, F64, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return positions (n, 3), velocities (n, 3), airborne (n,) and emitting (n,) at one time."""
        k = np.minimum(np.maximum((t_s - self._start_s) / self._step_s, 0.0), self._last)
        j = np.minimum(k.astype(np.int64), self._last - 1)
        s = (k - j)[:, None]
        row, h, u = self._first + j, self._step_s[:, None], 1.0 - s
        p0, p1 = self._position_m[row], self._position_m[row + 1]
        v0, v1 = self._velocity_mps[row], self._velocity_mps[row + 1]
        position = (1.0 + 2.0 * s) * u**2 * p0 + s * u**2 * h * v0 + s * s * (3.0 - 2.0 * s) * p1 - s * s * u * h * v1
        airborne = (t_s >= self._start_s) & (t_s < self._end_s)
        velocity = np.where(airborne[:, None], u * v0 + s * v1, 0.0)
        return position, velocity, airborne, airborne & (t_s < self._silent_s)
