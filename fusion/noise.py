"""The noise of a sensor from its detections of one target in a row: third differences leave nothing of a smooth path.

Four looks at one target determine a parabola and one number more. With weights w that annihilate every parabola,
``(w z)^2 / w R w`` is 1 in the mean where the stated variances R are right, whatever the target flies; a constant error
of pose or sensor drops out as well. What a manoeuvre leaves of it grows with the spacing of the looks, so the same is
taken at two spacings and extrapolated to none (a variogram's nugget: Cressie 1993, section 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.kernels.measurement import AZIMUTH, ELEVATION, G_AXES, RANGE, RANGE_RATE
from fusion.witness import Seen
from messages.frames import F64, body_azimuth_elevation_range, body_direction

I64 = NDArray[np.int64]
COMPONENTS = (RANGE, AZIMUTH, ELEVATION, RANGE_RATE)
GROWTH = {RANGE: 3.0, AZIMUTH: 3.0, ELEVATION: 3.0, RANGE_RATE: 1.0}
"""Power of the spacing with which white acceleration enters: a velocity walks, a place is its integral."""
KEPT = 0.9  # of the squares, the smallest: a wrong association or a hard turn is among the others
KEPT_MEAN = 0.6230  # mean of the smallest nine tenths of chi-square with one degree of freedom
MOST_PAUSE = 2.5  # looks may lie so many spacings apart, no more: one or two were missed
FEWEST = 60  # differences at each spacing: sigma is then known to 15 per cent
SHARED = 4.0  # neighbouring differences share looks: so many are worth one (and the trimmed ones cost a little)
LEAST_SHARE = 0.4  # of the narrow differences must be left by the extrapolation, or they show the motion, not the noise
MOST_GROWTH = 1.4  # from narrow to wide: more is a motion too hard for the spacing, or errors that last over looks (2)


class Noise(NamedTuple):
    """What the differences of one component say: sigma over the stated one, its own sigma, how many they were."""

    scale: float
    sigma: float
    differences: int
    growth: float  # mean square at the double spacing over that at the single one
    trouble: str  # why the scale cannot be believed; empty where it can


class _Row(NamedTuple):
    source: tuple[int, int]  # slot of the sensor, track
    t_s: float
    z: F64  # (4,) NaN where not measured
    var: F64  # (4,)
    axes: F64  # (9,)


def noise(seen: Sequence[Seen], slots: Collection[int], period_s: float) -> dict[int, Noise]:
    """Return what is known of the noise of sensors of one make, by component; what they do not measure is left out."""
    rows = sorted(_rows(seen, slots), key=lambda row: (row.source, row.t_s))
    if not rows:
        return {}
    narrow, wide = _fours(rows, 1, period_s), _fours(rows, 2, period_s)
    z, var = np.array([row.z for row in rows]), np.array([row.var for row in rows])
    t_s, axes = np.array([row.t_s for row in rows]), np.array([row.axes for row in rows]).reshape(-1, 3, 3)
    out = {}
    for c in COMPONENTS:
        if np.isfinite(z[:, c]).any():
            out[c] = _judged(c, *(_squares(c, fours, t_s, z, var, axes) for fours in (narrow, wide)))
    return out


def _rows(seen: Sequence[Seen], slots: Collection[int]) -> list[_Row]:
    """Return the sensors' clear detections; the range that a lone camera assumes is none."""
    rows = []
    for s in seen:
        if s.slot not in slots:
            continue
        z, var = np.full((len(s.z), 4), np.nan), np.full((len(s.z), 4), np.nan)
        few = s.used <= RANGE_RATE
        z[:, s.used[few]], var[:, s.used[few]] = s.z[:, few], s.var[:, few]
        if s.lone:
            z[:, RANGE] = np.nan
        axes, t_s = s.g[G_AXES : G_AXES + 9], s.t_ns / 1e9
        rows += [_Row((s.slot, int(i)), t_s, a, b, axes) for i, a, b in zip(s.track_id, z, var, strict=True)]
    return rows


def _fours(rows: Sequence[_Row], stride: int, period_s: float) -> I64:
    """Return the places (f, 4) of four looks at one target, ``stride`` looks apart."""
    first = np.arange(max(len(rows) - 3 * stride, 0))
    fours = first[:, None] + stride * np.arange(4)
    sources, t_s = np.array([row.source for row in rows]), np.array([row.t_s for row in rows])
    gaps = np.diff(t_s[fours], axis=1)
    near = (gaps > 0.0).all(axis=1) & (gaps <= MOST_PAUSE * stride * period_s).all(axis=1)
    same = (sources[fours[:, 0]] == sources[fours[:, 3]]).all(axis=1)
    return np.asarray(fours[same & near])


def _squares(c: int, fours: I64, t_s: F64, z: F64, var: F64, axes: F64) -> tuple[F64, float]:
    """Return the squared differences over what they should be (f,), and the mean of the spacing's power."""
    fours = fours[np.isfinite(z[fours, c]).all(axis=1)]
    if len(fours) == 0:
        return np.empty(0), 0.0
    t = t_s[fours] - t_s[fours[:, :1]]
    apart = t[:, :, None] - t[:, None, :] + np.eye(4)
    w = 1.0 / np.prod(apart, axis=2)
    value = z[fours, c] if c in (RANGE, RANGE_RATE) else _angles(c, z[fours], axes[fours])
    expected = np.sum(w * w * var[fours, c], axis=1)
    squares = np.sum(w * value, axis=1) ** 2 / expected
    return np.asarray(squares), float(np.mean((t[:, 3] / 3.0) ** GROWTH[c]))


def _angles(c: int, z: F64, axes: F64) -> F64:
    """Return one angle (f, 4) of four looks, all in the axes of the first: the platform may have turned meanwhile."""
    elevation = np.where(np.isnan(z[..., ELEVATION]), 0.0, z[..., ELEVATION])
    azimuth = np.where(np.isnan(z[..., AZIMUTH]), 0.0, z[..., AZIMUTH])
    enu = np.einsum("fiab,fia->fib", axes, body_direction(azimuth, elevation))
    turned = body_azimuth_elevation_range(np.einsum("fab,fib->fia", axes[:, 0], enu))
    return np.unwrap(turned[0], axis=1) if c == AZIMUTH else turned[1]


def _judged(c: int, narrow: tuple[F64, float], wide: tuple[F64, float]) -> Noise:
    """Extrapolate the mean squares of two spacings to none, and say whether the result can be believed."""
    count = min(len(narrow[0]), len(wide[0]))
    if count < FEWEST:
        return Noise(1.0, math.inf, count, math.nan, f"only {count} differences, {FEWEST} are needed")
    if wide[1] <= narrow[1]:
        return Noise(1.0, math.inf, count, math.nan, "the looks come too irregularly")
    near, far = trimmed_mean(narrow[0]), trimmed_mean(wide[0])
    growth = far / near if near > 0.0 else math.inf
    lever = narrow[1] / (wide[1] - narrow[1])
    left = near - (far - near) * lever
    sigma = 0.5 * math.sqrt(2.0 * SHARED / count * ((1.0 + lever) ** 2 + lever**2))  # of ln(scale)
    if near <= 0.0 or left < LEAST_SHARE * near:
        return Noise(1.0, math.inf, count, growth, "the targets' motion hides it at this scan period")
    trouble = "" if growth <= MOST_GROWTH else "it grows with the time between looks: motion, or errors that last"
    scale = math.sqrt(left)
    return Noise(scale, scale * sigma, count, growth, trouble)


def trimmed_mean(squares: F64) -> float:
    """Return the mean of squares of normal numbers, from the smallest nine tenths of them."""
    kept = np.sort(squares)[: max(int(KEPT * len(squares)), 1)]
    return float(kept.mean()) / KEPT_MEAN
