"""A flown trajectory: evenly spaced positions and velocities, interpolated by cubic Hermite polynomials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from scenarios.types import TargetType


@dataclass(frozen=True)
class Trajectory:
    """One target's truth from its start on; before and after it stays where it began and ended, at rest."""

    target_id: str
    type: TargetType
    threat: bool
    start_s: float
    end_s: float  # impact or landing; infinite where it flies on
    silent_s: float  # its radio is off from here on; infinite: never
    step_s: float
    position_m: F64  # (k, 3)
    velocity_mps: F64  # (k, 3)
    gliding: NDArray[np.bool_] | None = None  # (k,) a bird holds its wings still; none: never

    def at(self, t_s: float) -> tuple[F64, F64]:
        """Return position (3,) and velocity (3,) at one time."""
        position, velocity = self.track(np.array([t_s]))
        return position[0], velocity[0]

    def track(self, t_s: F64) -> tuple[F64, F64]:
        """Return positions (k, 3) and velocities (k, 3) at times (k,)."""
        p, v, h = self.position_m, self.velocity_mps, self.step_s
        k = np.clip((t_s - self.start_s) / h, 0.0, len(p) - 1)
        j = np.minimum(k.astype(np.int64), len(p) - 2)
        s = (k - j)[:, None]
        position = (
            (1.0 + 2.0 * s) * (1.0 - s) ** 2 * p[j]
            + s * (1.0 - s) ** 2 * h * v[j]
            + s * s * (3.0 - 2.0 * s) * p[j + 1]
            - s * s * (1.0 - s) * h * v[j + 1]
        )
        flying = ((t_s >= self.start_s) & (t_s < self.end_s))[:, None]
        return position, np.where(flying, (1.0 - s) * v[j] + s * v[j + 1], 0.0)

    def wing_beat_hz(self, t_s: F64) -> F64:
        """Return a bird's beats a second (k,) at times (k,): 0 where it glides or does not fly, and for drones."""
        if self.type.kinematics.motion != "bird":
            return np.zeros(len(t_s))
        beats = (t_s >= self.start_s) & (t_s < self.end_s)
        if self.gliding is not None:
            k = np.clip((t_s - self.start_s) / self.step_s, 0, len(self.gliding) - 1).astype(np.int64)
            beats &= ~self.gliding[k]
        return np.where(beats, self.type.rotor.revolutions_per_minute / 60.0, 0.0)
