"""How often a sensor sees what it should, and how many false detections a look has, from a tracker's counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.witness import Look
from messages.frames import F64

I64 = NDArray[np.int64]
WARM_SHARE = 0.2  # of the looks, the first: targets that are there from the start are no tracks yet
IN_VIEW = 0.99  # a track counts where it surely is in the field of view
HIDDEN_LOOKS = 5  # so many misses in a row are a target behind something, or gone, not a chance


class Rate(NamedTuple):
    """An estimate, its sigma, and how many looks it is made from."""

    value: float
    sigma: float
    looks: int


def clutter(looks: Sequence[Look], slot: int) -> Rate:
    """Return the mean number of detections in one look that no track explains; sigma from the looks' own spread."""
    mine = [look.unexplained for look in looks if look.slot == slot]
    late = np.array(mine[int(WARM_SHARE * len(mine)) :])
    if len(late) < 2:
        return Rate(math.nan, math.inf, len(late))
    # One more event: where nothing was seen in n looks the rate is not known to be zero.
    sigma = math.sqrt((float(np.var(late)) + 1.0 / len(late)) / len(late))
    return Rate(float(late.mean()), sigma, len(late))


def detection_probability(looks: Sequence[Look], slot: int) -> Rate:
    """Return how often the sensor saw confirmed tracks between their first and their last detection by it.

    A track ends with a detection that is no evidence (without it there would be no track up to there), so that of k
    detections in n looks ``(k - 1) / (n - 1)`` counts. Long gaps are a target out of sight.
    """
    mine = [look for look in looks if look.slot == slot and len(look.track_id)]
    if not mine:
        return Rate(math.nan, math.inf, 0)
    ids = np.concatenate([look.track_id for look in mine])
    seen, visible = np.concatenate([k.seen for k in mine]), np.concatenate([k.visible for k in mine])
    inside = visible > IN_VIEW
    ids, seen = ids[inside], seen[inside]
    order = np.argsort(ids, kind="stable")
    edges = np.flatnonzero(np.diff(ids[order])) + 1
    hits, n = np.sum([_run(part) for part in np.split(seen[order], edges)], axis=0)
    if n < 1.0:
        return Rate(math.nan, math.inf, 0)
    p = float(hits / n)
    return Rate(p, math.sqrt((p * (1.0 - p) + 1.0 / n) / n), int(n))


def _run(seen: F64) -> tuple[float, float]:
    """Return detections and looks of one track from its first to its last detection, less one and less the gaps."""
    hit = np.flatnonzero(seen > 0.5)
    if len(hit) < 2:
        return 0.0, 0.0
    gaps = np.diff(hit) - 1
    hidden = float(gaps[gaps > HIDDEN_LOOKS].sum())
    return float(len(hit) - 1), float(hit[-1] - hit[0]) - hidden
