"""Resolution: two targets in one cell of a sensor give one detection, not two.

Rule: detections are taken strongest first; each takes in every weaker, still free one that lies
within one cell of it in every measured coordinate. The merged detection stands at their mean
weighted with their power, carries their summed power, counts as caused by the strongest, and its
variance grows by their spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, wrap_pi


@dataclass(frozen=True)
class Merged:
    """What is left after merging: k detections of the m."""

    keep: NDArray[np.int64]  # (k,) index of the strongest of each
    power: F64  # (k,) summed
    coordinates: F64  # (k, d) power-weighted mean; column 0 is azimuth, not wrapped
    spread: F64  # (k, d) standard deviation inside the merged detection; 0 for a lone one


def merge(coordinates: F64, power: F64, cell: F64) -> Merged:
    """Merge detections at ``coordinates`` (m, d), azimuth [rad] first, with cell sizes (d,) or (m, d)."""
    m = len(power)
    if m < 2:
        return Merged(np.arange(m), power, coordinates, np.zeros_like(coordinates))
    difference = coordinates[None, :, :] - coordinates[:, None, :]
    difference[:, :, 0] = wrap_pi(difference[:, :, 0])
    cells = np.broadcast_to(cell, coordinates.shape)
    close = np.all(np.abs(difference) < cells[:, None, :], axis=2)
    if int(close.sum()) == m:  # everyone is close to himself only
        return Merged(np.arange(m), power, coordinates, np.zeros_like(coordinates))
    free = np.ones(m, dtype=np.bool_)
    keep, total, centre, spread = [], [], [], []
    for i in np.argsort(-power, kind="stable"):
        if not free[i]:
            continue
        members = np.flatnonzero(close[i] & free)
        free[members] = False
        weight = power[members] / power[members].sum()
        offset = difference[i, members]
        mean = weight @ offset
        keep.append(int(i))
        total.append(float(power[members].sum()))
        centre.append(coordinates[i] + mean)
        spread.append(np.sqrt(weight @ (offset - mean) ** 2))
    return Merged(np.array(keep), np.array(total), np.array(centre), np.array(spread))
