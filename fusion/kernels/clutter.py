"""A map of where a ranging sensor's unexplained detections crowd, in cells around it.

A described clutter is uniform over the field of view. Real clutter crowds: round a tree, a road, the debris of
a hit. With the described density alone a few random plots close together look like a target a thousand
times too soon. The map keeps, for cells of space, the mean number of unexplained detections in one
look. One unexplained detection a look may be a target that is just beginning; what is beyond one is clutter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.bundles import Columns, Look
from fusion.kernels.existence import seen_share
from fusion.kernels.measurement import AZIMUTH, ELEVATION, RANGE
from messages.frames import F64

I64 = NDArray[np.int64]
CELLS = 1 << 12  # places of the map; two cells of space that fall into one add up, which errs on the side of clutter
NEIGHBOURS = 7  # a cell and those beyond its six faces: about a ball of 0.9 cells in radius


@jit
def place_of(z: F64, g: F64, cell_m: float, out: I64) -> bool:
    """Write the cell (3,) of a plot z (8,); say whether it has one. Without elevation it lies in a layer of its own."""
    if np.isnan(z[RANGE]) or np.isnan(z[AZIMUTH]):
        return False
    flat = np.isnan(z[ELEVATION])
    elevation = 0.0 if flat else z[ELEVATION]
    across = z[RANGE] * np.cos(elevation)
    f0, f1 = across * np.cos(z[AZIMUTH]), -across * np.sin(z[AZIMUTH])
    f2 = 0.0 if flat else z[RANGE] * np.sin(elevation)
    for a in range(3):
        p = g[a] + g[6 + a] * f0 + g[9 + a] * f1 + g[12 + a] * f2
        out[a] = int(np.floor(p / cell_m))
    return True


@jit
def _key(a: int, b: int, c: int) -> int:
    """Return the place of a cell in the map: the three numbers mixed, so that neighbours lie far apart."""
    mixed = a * 73856093 ^ b * 19349663 ^ c * 83492791
    return int((mixed * 40503 >> 11) & (CELLS - 1))


@jit
def _mean(count: F64, time_ns: I64, key: int, t_ns: int, memory_s: float) -> float:
    if count[key] == 0.0:
        return 0.0
    return float(count[key] * np.exp(-(t_ns - time_ns[key]) / 1e9 / memory_s))


@jit
def _around(count: F64, time_ns: I64, t_ns: int, memory_s: float, cell: I64) -> float:
    """Return the mean number of unexplained detections a look in a cell (3,) and its neighbours."""
    total = _mean(count, time_ns, _key(cell[0], cell[1], cell[2]), t_ns, memory_s)
    for axis in range(3):
        for step in (-1, 1):
            cell[axis] += step
            total += _mean(count, time_ns, _key(cell[0], cell[1], cell[2]), t_ns, memory_s)
            cell[axis] -= step
    return total


@jit
def crowded_density(
    count: F64, time_ns: I64, t_ns: int, known: float, memory_s: float, cell_m: float, look: Look, z8: F64, extent: F64,
    out: F64,
) -> None:  # fmt: skip
    """Write the density of clutter at each detection (m,): that of the look, and what the map knows beyond it.

    count, time_ns (CELLS,) are the map; ``known`` is the share of the memory that has been filled since the first look;
    extent (8,) of the field of view.
    """
    cell = np.empty(3, np.int64)
    for j in range(len(out)):
        out[j] = look.density[j]
        if not place_of(z8[j], look.g, cell_m, cell):
            continue
        crowd = _around(count, time_ns, t_ns, memory_s, cell) / known - 1.0
        if crowd <= 0.0:
            continue
        r = z8[j, RANGE]
        if np.isnan(z8[j, ELEVATION]):
            density = crowd / ((NEIGHBOURS - 2) * cell_m**2) * r
        else:
            density = crowd / (NEIGHBOURS * cell_m**3) * r * r * np.cos(z8[j, ELEVATION])
        for c in range(ELEVATION + 1, 8):
            if not np.isnan(z8[j, c]):
                density /= extent[c]
        out[j] += density


@jit
def remember(
    count: F64, time_ns: I64, t_ns: int, weight: float, memory_s: float, cell_m: float, g: F64, z8: F64, trusted: F64
) -> None:
    """Add a look's unexplained detections to the map; ``weight`` is the share of the memory that one look has.

    trusted (m,): the part of a detection that belongs to tracks which the sensor sees as often as it should.
    """
    cell = np.empty(3, np.int64)
    for j in range(len(trusted)):
        if not place_of(z8[j], g, cell_m, cell):
            continue
        key = _key(cell[0], cell[1], cell[2])
        count[key] = _mean(count, time_ns, key, t_ns, memory_s) + weight * max(1.0 - trusted[j], 0.0)
        time_ns[key] = t_ns


@jit
def _part(shares: F64, look: Look) -> float:
    """Return the part that this sensor has in what ranging sensors saw of a track lately; shares (S,)."""
    total = 0.0
    for s in range(len(look.ranging)):
        total += look.ranging[s] * shares[s]
    return shares[look.slot] / total if total > 0.0 else 0.0


@jit
def insist(
    count: F64, time_ns: I64, known: float, memory_s: float, cell_m: float, crowd: float, limits: F64, xm: F64, n: int,
    look: Look, fair: int, visible: F64, pd: F64, columns: Columns, share_memory_s: float,
) -> None:  # fmt: skip
    """Let no track of a crowded place be hard to see: there, random plots look like a target that is seen now and then.

    Where more than ``crowd`` unexplained detections come a look, the probability of the detectability levels
    below ``fair`` moves to that one, and each track's Pd (n,) follows. limits (4,): where more than the first come, a
    track that the sensor saw less than the second as often as it should, the third missed looks added, keeps the
    fourth of the support that this sensor gave its range. What the track's own plots added to the map is no crowd
    around it.
    """
    cell = np.empty(3, np.int64)
    levels, recent = columns.levels[:, look.slot], columns.shares[:, look.slot]
    for i in range(n):
        for a in range(3):
            cell[a] = int(np.floor(xm[i, a] / cell_m))
        around = _around(count, time_ns, look.t_ns, memory_s, cell)
        total = (around - columns.unexplained[i, look.slot]) / known
        if total > crowd:
            mean = 0.0
            for a in range(len(look.level_pd)):
                if a < fair:
                    levels[i, fair] += levels[i, a]
                    levels[i, a] = 0.0
                mean += levels[i, a] * look.level_pd[a]
            pd[i] = mean * visible[i]
        doubted = seen_share(recent[i], look, columns.born_ns[i], share_memory_s, limits[2])
        if total > limits[0] and doubted < limits[1]:
            columns.ranged_hits[i] *= 1.0 - (1.0 - limits[3]) * _part(columns.shares[i], look)
