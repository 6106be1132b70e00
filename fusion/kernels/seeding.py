"""Pairing the unexplained detections of a scan with *seeds*: earlier plots that no track explained.

Most plots are clutter. Kept as a seed, a plot costs nothing until a later detection lies where a
target of its kind could have gone; only the pair becomes a track. Seeds and detections are then
associated jointly, so that a formation gives as many births as it has members.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.association import marginals
from fusion.kernels.birth import birth_polar
from fusion.kernels.bundles import Look
from fusion.kernels.measurement import AZIMUTH, ELEVATION, RANGE, RANGE_RATE
from fusion.kernels.seed_pairs import pair_seeds
from messages.frames import F64

I64 = NDArray[np.int64]

FEW_SEEDS = 64  # gaps between so few are not worth closing


class Stock(NamedTuple):
    """The seeds in order of age; the first axis is the seed."""

    x: F64  # (C, 6)
    P: F64  # (C, 6, 6)
    r: F64  # (C,) prior existence
    t_ns: I64
    until_ns: I64  # forgotten then; -1 once it belongs to a track
    slot: I64  # sensor


class Pairs(NamedTuple):
    """Pairs of a seed and a detection that may be one target."""

    seed: I64  # (pairs,)
    det: I64  # (pairs,) row of the scan
    like: F64  # (pairs,) density of the innovation
    x: F64  # (pairs, 6) state after the detection
    P: F64  # (pairs, 6, 6)
    r: F64  # (pairs,) existence
    t_ns: I64  # (pairs,) time of the seed
    slot: I64  # (pairs,) sensor of the seed


class SeedRules(NamedTuple):
    """See ``fusion.config.BirthConfig``."""

    unexplained: float
    least_existence: float
    spent: float
    q: float  # m^2/s^3 while a seed waits
    max_speed_mps: float
    across_mps: F64  # (2,) sigma of the unmeasured velocity: sideways, upwards
    elevation_rad: F64  # (2,) mean and sigma where a plot has none
    gate_d2: F64  # (9,)
    work_limit: float
    reach_m: float  # of a sensor that states none
    least_ground: float  # of the mean


@jit
def sow(
    stock: Stock, count: int, t_ns: int, until_ns: int, look: Look, z8: F64, var8: F64, free: F64, prior: float,
    rules: SeedRules, cells: F64, pairs: Pairs,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Pair the seeds with the unexplained detections of a scan, jointly, and keep the plots that are left as seeds.

    ``free`` (m,) is the probability that no track explains a detection; what the pairs explain is taken off.
    ``prior``: existence of a plot that nothing explains. Returns the number of seeds, of candidate pairs (larger than
    the room for them where that was too small: then nothing has changed), of births, written to the front of
    ``pairs``, and of unexplained detections that are no plots.
    """
    count = _forget(stock, count, t_ns)
    rows = np.empty(len(free), np.int64)
    m = 0
    for j in range(len(free)):
        if free[j] > rules.unexplained:
            rows[m] = j
            m += 1
    found, worth = 0, 0
    if m and count:
        found = _candidates(stock, count, t_ns, look, rows[:m], rules, pairs)
        if found > len(pairs.seed):
            return count, found, 0, 0
    if found:
        spent = np.zeros(count)
        worth = _choose(stock, count, look, m, found, free, rules, cells, pairs, spent, rows)
        for s in range(count):
            if spent[s] >= rules.spent:
                stock.until_ns[s] = -1
    others, plot = 0, np.empty((3, 4))
    for a in range(m):
        j = rows[a]
        if not free[j] > rules.unexplained:
            continue
        if look.located[j] > 0.5 and not (np.isnan(z8[j, RANGE]) or np.isnan(z8[j, AZIMUTH])):
            r = prior * _ground(z8[j, RANGE], look.fov[1], rules) * free[j]
            count = _plant(stock, count, t_ns, until_ns, look, z8[j], var8[j], min(r, 1.0), rules, plot)
        else:
            others += 1
    return count, found, worth, others


@jit
def _ground(range_m: float, reach_m: float, rules: SeedRules) -> float:
    """Return how many more targets than the mean begin at a range, against false plots, which come at all alike.

    Targets come over the ground, of which there is ``2 r / reach`` times the mean at r.
    """
    reach = rules.reach_m if np.isnan(reach_m) else reach_m
    return max(2.0 * min(range_m / reach, 1.0), rules.least_ground)


@jit
def _forget(stock: Stock, count: int, t_ns: int) -> int:
    """Close the gaps of spent and expired seeds once they are most of the stock; return the number of places used."""
    alive = 0
    for s in range(count):
        if stock.until_ns[s] >= t_ns:
            alive += 1
    if count < FEW_SEEDS or 2 * alive > count:
        return count
    left = 0
    for s in range(count):
        if stock.until_ns[s] >= t_ns:
            if left < s:
                _shift(stock, s, left)
            left += 1
    return left


@jit
def _shift(stock: Stock, s: int, to: int) -> None:
    for a in range(6):
        stock.x[to, a] = stock.x[s, a]
        for b in range(6):
            stock.P[to, a, b] = stock.P[s, a, b]
    stock.r[to] = stock.r[s]
    stock.t_ns[to], stock.until_ns[to], stock.slot[to] = stock.t_ns[s], stock.until_ns[s], stock.slot[s]


@jit
def _candidates(stock: Stock, count: int, t_ns: int, look: Look, rows: I64, rules: SeedRules, pairs: Pairs) -> int:
    """List the gated pairs; ``pairs.det`` is the place in ``rows``."""
    age_s = np.empty(count)
    for s in range(count):
        alive = stock.until_ns[s] >= t_ns
        age_s[s] = (t_ns - stock.t_ns[s]) / 1e9 if alive else np.nan
    z, var = look.z[rows], look.var[rows]
    return pair_seeds(
        stock.x[:count], stock.P[:count], age_s, rules.q, rules.max_speed_mps, look.g, look.used, z, var,
        rules.gate_d2, pairs.seed, pairs.det, pairs.like, pairs.x, pairs.P,
    )  # fmt: skip


@jit
def _choose(
    stock: Stock, count: int, look: Look, m: int, found: int, free: F64, rules: SeedRules, cells: F64, pairs: Pairs,
    spent: F64, rows: I64,
) -> int:  # fmt: skip
    """Associate jointly; write the births to the front of ``pairs``, with the scan's row; return their number."""
    pd = 0.0
    for a in range(len(look.level_pd)):
        pd += look.level_prior[a] * look.level_pd[a]
    w, beta, start = np.empty(found), np.empty(found), np.empty(count + 1, np.int64)
    w0, miss = np.empty(count), np.empty(count)
    p = 0
    for s in range(count + 1):
        while p < found and pairs.seed[p] < s:
            p += 1
        start[s] = p
        if s < count:
            w0[s] = 1.0 - stock.r[s] * pd
    for p in range(found):
        w[p] = stock.r[pairs.seed[p]] * pd * pairs.like[p] / look.density[rows[pairs.det[p]]]
    marginals(w, w0, start, pairs.det[:found], count, m, rules.work_limit, cells, beta, miss)
    taken = np.zeros(m)
    for p in range(found):
        a = pairs.det[p]
        spent[pairs.seed[p]] += beta[p]
        pairs.r[p] = beta[p] * free[rows[a]]
        taken[a] += pairs.r[p]
    for a in range(m):
        free[rows[a]] -= taken[a]
    return _one_for_each(stock, found, look.located, rows, taken, rules.least_existence, pairs)


@jit
def _one_for_each(
    stock: Stock, found: int, located: F64, rows: I64, taken: F64, least: float, pairs: Pairs
) -> int:  # fmt: skip
    """Leave one birth for each plot worth one: the mixture over its seeds, matched by moments; return how many.

    In a formation each plot fits several seeds. As many tracks, each with a part of the existence, would have to be
    told apart for seconds before one of them could be believed; the velocity that the choice of the seed leaves open
    is no wider than its prior. A bearing says nothing of which seed along it is meant: there each pair stays a birth
    of its own. ``taken`` (m,) is the existence that the pairs of each detection have together.
    """
    place, birth, worth = np.full(len(taken), -1), np.full(found, -1), 0
    for p in range(found):
        a = pairs.det[p]
        plot = located[rows[a]] > 0.5
        if (taken[a] if plot else pairs.r[p]) < least:
            continue
        if place[a] < 0 or not plot:
            place[a] = worth
            worth += 1
        birth[p] = place[a]
    x, P, r = np.zeros((worth, 6)), np.zeros((worth, 6, 6)), np.zeros(worth)
    best, det = np.zeros(worth), np.zeros(worth, np.int64)
    t_ns, slot = np.zeros(worth, np.int64), np.zeros(worth, np.int64)
    for p in range(found):
        b = birth[p]
        if b < 0:
            continue
        r[b] += pairs.r[p]
        det[b] = rows[pairs.det[p]]
        x[b] += pairs.r[p] * pairs.x[p]
        if pairs.r[p] > best[b]:
            best[b], t_ns[b], slot[b] = pairs.r[p], stock.t_ns[pairs.seed[p]], stock.slot[pairs.seed[p]]
    for b in range(worth):
        x[b] /= r[b]
    for p in range(found):
        b = birth[p]
        if b < 0:
            continue
        off = pairs.x[p] - x[b]
        for i in range(6):
            for j in range(6):
                P[b, i, j] += pairs.r[p] / r[b] * (pairs.P[p, i, j] + off[i] * off[j])
    for b in range(worth):
        pairs.x[b], pairs.P[b], pairs.r[b], pairs.det[b] = x[b], P[b], min(r[b], 1.0), det[b]
        pairs.t_ns[b], pairs.slot[b] = t_ns[b], slot[b]
    return worth


@jit
def _plant(
    stock: Stock, count: int, t_ns: int, until_ns: int, look: Look, z: F64, var: F64, r: float, rules: SeedRules,
    plot: F64,
) -> int:  # fmt: skip
    """Keep a plot as a seed; the oldest quarter gives way where there is no room. Return the number of seeds.

    plot (3, 4) is scratch.
    """
    if count == len(stock.r):
        old = max(count // 4, 1)  # one move of the rest for many plots, not for each
        for s in range(old, count):
            _shift(stock, s, s - old)
        count -= old
    full, full_var, across = plot[0:1], plot[1:2], plot[2:3, :2]
    for a in range(4):
        full[0, a], full_var[0, a] = z[a], var[a]
    if np.isnan(z[ELEVATION]):
        full[0, ELEVATION], full_var[0, ELEVATION] = rules.elevation_rad[0], rules.elevation_rad[1] ** 2
    if np.isnan(z[RANGE_RATE]):
        full[0, RANGE_RATE], full_var[0, RANGE_RATE] = 0.0, rules.across_mps[0] ** 2
    across[0, 0], across[0, 1] = rules.across_mps[0], rules.across_mps[1]
    s = count
    birth_polar(full, full_var, look.g, across, stock.x[s : s + 1], stock.P[s : s + 1])
    stock.r[s], stock.t_ns[s], stock.until_ns[s], stock.slot[s] = r, t_ns, until_ns, look.slot
    return count + 1
