"""Rays over bare ground: what radio and sound still reach through trees, at a loss, where light does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from sim.terrain import EARTH_RADIUS_M, Terrain

SAMPLES = 96  # points on a ray; at 3 km one every 31 m, about one and a half cells of the terrain


def over_bare_ground(terrain: Terrain, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
    """Say which points (n, 3) are in line of sight from ``origin_m`` if every tree were cut (4/3 earth)."""
    if not len(points_m):
        return np.ones(0, dtype=np.bool_)
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    ray = origin_m + share[None, :, None] * (points_m - origin_m)[:, None, :]
    level2_m2 = np.sum((points_m[:, :2] - origin_m[:2]) ** 2, axis=1)
    bulge = share * (1.0 - share) * level2_m2[:, None] / (2.0 * EARTH_RADIUS_M)
    ground = terrain.height(ray[..., 0], ray[..., 1])
    return np.asarray(np.all(ground + bulge <= ray[..., 2], axis=1))
