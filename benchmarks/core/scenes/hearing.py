"""Retarded time: where a target was when it made the sound that arrives now."""

from __future__ import annotations

import numpy as np

from benchmarks.core.scenes.model import Paths
from benchmarks.core.scenes.sensing import look_at
from messages.frames import F64


def emission_look(fine: Paths, t_s: float, origin_m: F64, enu_from_sensor: F64, sound_mps: float) -> F64:
    """Return the look (n, 4) at the places of emission.

    ``|p(te) - s| = c (t - te)``: the sound that left at a sample of the path arrives at ``te + |p(te) - s| / c``;
    below the speed of sound that rises with te, so the sample that arrives at t is found by interpolation.
    """
    position = np.empty((fine.position_m.shape[1], 3))
    velocity = np.empty_like(position)
    arrival = fine.t_s[:, None] + np.linalg.norm(fine.position_m - origin_m, axis=2) / sound_mps
    for i in range(position.shape[0]):
        emitted = np.interp(t_s, arrival[:, i], fine.t_s)
        for axis in range(3):
            position[i, axis] = np.interp(emitted, fine.t_s, fine.position_m[:, i, axis])
            velocity[i, axis] = np.interp(emitted, fine.t_s, fine.velocity_mps[:, i, axis])
    return look_at(position, velocity, origin_m, enu_from_sensor)
