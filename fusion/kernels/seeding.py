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
from fusion.kernels.gating import FAR, LOG_2PI, TWO_PI, innovation, wrap
from fusion.kernels.matrix import log_det, whiten
from fusion.kernels.measurement import (
    AZIMUTH,
    ELEVATION,
    G_CLOCK,
    G_RANGE_OFFSET,
    G_SPEED,
    RANGE,
    RANGE_RATE,
    linearise_one,
)
from fusion.kernels.motion import predict_one
from fusion.kernels.update import gain_of
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
            count = _plant(stock, count, t_ns, until_ns, look, z8[j], var8[j], prior * free[j], rules, plot)
        else:
            others += 1
    return count, found, worth, others


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
    return _one_for_each(stock, found, m, rows, taken, rules.least_existence, pairs)


@jit
def _one_for_each(stock: Stock, found: int, m: int, rows: I64, taken: F64, least: float, pairs: Pairs) -> int:
    """Leave one birth for each detection worth one: the mixture over its seeds, matched by moments; return how many.

    In a formation each plot fits several seeds. As many tracks, each with a part of the existence, would have to be
    told apart for seconds before one of them could be believed; the velocity that the choice of the seed leaves open
    is no wider than its prior. ``taken`` (m,) is the existence of each birth.
    """
    place, best, worth = np.full(m, -1), np.zeros(m), 0
    for a in range(m):
        if taken[a] >= least:
            place[a] = worth
            worth += 1
    x, P, t_ns, slot = (
        np.zeros((worth, 6)),
        np.zeros((worth, 6, 6)),
        np.zeros(worth, np.int64),
        np.zeros(worth, np.int64),
    )
    for p in range(found):
        a = pairs.det[p]
        b = place[a]
        if b < 0:
            continue
        for i in range(6):
            x[b, i] += pairs.r[p] / taken[a] * pairs.x[p, i]
        if pairs.r[p] > best[a]:
            best[a], t_ns[b], slot[b] = pairs.r[p], stock.t_ns[pairs.seed[p]], stock.slot[pairs.seed[p]]
    for p in range(found):
        a = pairs.det[p]
        b = place[a]
        if b < 0:
            continue
        for i in range(6):
            for j in range(6):
                off = (pairs.x[p, i] - x[b, i]) * (pairs.x[p, j] - x[b, j])
                P[b, i, j] += pairs.r[p] / taken[a] * (pairs.P[p, i, j] + off)
    for a in range(m):
        b = place[a]
        if b >= 0:
            pairs.x[b], pairs.P[b], pairs.r[b], pairs.det[b] = x[b], P[b], min(taken[a], 1.0), rows[a]
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


@jit
def pair_seeds(
    x0: F64, P0: F64, age_s: F64, q: float, max_speed_mps: float, g: F64, used: I64, z: F64, var: F64, gate_d2: F64,
    seed: I64, det: I64, like: F64, x: F64, P: F64,
) -> int:  # fmt: skip
    """List the pairs of seed and detection that may be one target, by seed.

    x0 (s, 6), P0 (s, 6, 6): states of the seeds ``age_s`` (s,) ago (NaN: no more); z, var (m, k) as in
    ``gating.pair_likelihoods``. A pair has the state x (cap, 6), P (cap, 6, 6) of the seed updated
    with the detection, and like (cap,), the density of its innovation. A pair that is faster than
    max_speed_mps is left out. Returns the number of pairs; nothing is written beyond cap.
    """
    k, cap, pairs = len(used), len(seed), 0
    h8, H8, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    shift, moved = np.empty((3, 3)), np.empty(8)
    h, H, PHt, S, R = np.empty(k), np.empty((k, 6)), np.empty((6, k)), np.empty((k, k)), np.empty((k, k))
    xs, Ps, new = np.empty(6), np.empty((6, 6)), np.empty(6)
    y, w, which = np.empty(k), np.empty(k), np.empty(k, np.int64)
    small, tall, square = np.empty((3, k, k)), np.empty((2, 6, k)), np.empty((2, 6, 6))
    wide, scratch_t = np.empty((k, 6)), np.empty((6, 8))
    near, around = np.empty(z.shape[0], np.int64), _sort_around(z, var, used)
    for s in range(len(x0)):
        if np.isnan(age_s[s]):
            continue
        candidates = _near(x0[s], P0[s], age_s[s], q, g, used, z, var, gate_d2[1], around, near)
        if candidates == 0:
            continue
        for a in range(6):
            xs[a] = x0[s, a]
            for b in range(6):
                Ps[a, b] = P0[s, a, b]
        predict_one(xs, Ps, q, age_s[s])
        linearise_one(xs, Ps, used, g, 1.0, 1.0, h8, H8, d, D, shift, moved, h, H, PHt, S, R)
        for e in range(candidates):
            j = near[e]
            c = innovation(z[j], h, used, y, which)
            if c == 0 or _one_is_far(y, which, c, S, var[j], gate_d2[1]):
                continue
            if not gain_of(Ps, H, PHt, S, R, var[j], which, c, small, tall, wide, square, scratch_t):
                continue
            d2 = whiten(small[2], c, y, w)
            if not d2 < gate_d2[c]:
                continue
            speed2 = 0.0
            for a in range(6):
                new[a] = xs[a]
                for b in range(c):
                    new[a] += tall[1, a, b] * y[b]
                speed2 += new[a] * new[a] if a > 2 else 0.0
            if speed2 > max_speed_mps * max_speed_mps:
                continue
            if pairs < cap:
                seed[pairs] = s
                det[pairs] = j
                like[pairs] = np.exp(-0.5 * (d2 + log_det(small[2], c) + c * LOG_2PI))
                for a in range(6):
                    x[pairs, a] = new[a]
                    for b in range(6):
                        P[pairs, a, b] = 0.5 * (square[1, a, b] + square[1, b, a])
            pairs += 1
    return pairs


@jit
def _sort_around(z: F64, var: F64, used: I64) -> tuple[int, int, I64, F64, int, float, float]:
    """Return where azimuth and range stand in ``used`` (-1: nowhere) and the detections sorted by azimuth.

    Order (m,), their azimuths in [-pi, pi], how many have one, and the largest variances of azimuth and range.
    """
    m, azimuth, distance = z.shape[0], -1, -1
    for a in range(len(used)):
        azimuth = a if used[a] == AZIMUTH else azimuth
        distance = a if used[a] == RANGE else distance
    value, around, away = np.full(m, np.nan), 0.0, 0.0
    if azimuth < 0:
        return azimuth, distance, np.arange(m), value, 0, around, away
    known = 0
    for j in range(m):
        value[j] = wrap(z[j, azimuth])
        if not np.isnan(value[j]):
            known += 1
            around = max(around, var[j, azimuth])
        if distance >= 0 and not np.isnan(z[j, distance]):
            away = max(away, var[j, distance])
    order = np.argsort(value)  # a missing value comes last
    return azimuth, distance, order, value[order], known, around, away


@jit
def _near(
    x: F64, P: F64, dt: float, q: float, g: F64, used: I64, z: F64, var: F64, limit: float,
    sorted_: tuple[int, int, I64, F64, int, float, float], near: I64,
) -> int:  # fmt: skip
    """Write the detections that azimuth and range alone do not rule out; return how many.

    Costs no linearisation: the position of the seed, its covariance, and two directions. A finite speed of
    propagation is left to the full test.
    """
    azimuth, distance, order, value, known, around, away = sorted_
    m = len(order)
    if azimuth < 0 or g[G_SPEED] > 0.0 or g[G_CLOCK] != 0.0:
        for j in range(m):
            near[j] = j
        return m
    d0, d1, d2 = x[0] + dt * x[3] - g[0], x[1] + dt * x[4] - g[1], x[2] + dt * x[5] - g[2]
    r2 = max(d0 * d0 + d1 * d1 + d2 * d2, 1.0)
    r = np.sqrt(r2)
    f0, f1 = g[6] * d0 + g[7] * d1 + g[8] * d2, g[9] * d0 + g[10] * d1 + g[11] * d2
    rho2 = max(f0 * f0 + f1 * f1, 1.0)
    rho = np.sqrt(rho2)
    e0, e1, e2 = (f1 * g[6] - f0 * g[9]) / rho, (f1 * g[7] - f0 * g[10]) / rho, (f1 * g[8] - f0 * g[11]) / rho
    sideways, along = 0.0, 0.0
    u0, u1, u2 = d0 / r, d1 / r, d2 / r
    for a in range(3):
        ea, ua = (e0, e1, e2)[a], (u0, u1, u2)[a]
        for b in range(3):
            p = P[a, b] + dt * (P[a + 3, b] + P[a, b + 3]) + dt * dt * P[a + 3, b + 3]
            sideways += ea * p * (e0, e1, e2)[b]
            along += ua * p * (u0, u1, u2)[b]
    moved = q * dt * dt * dt / 3.0
    # The angle that its spread subtends: close to the sensor all round.
    reach = np.sqrt(FAR * limit * ((sideways + moved) / rho2 + around))
    reach_m = np.sqrt(FAR * limit * (along + moved + away + (sideways + moved) ** 2 / r2))
    h, count = np.arctan2(-f1, f0), 0
    for turn in range(-1, 2):
        if reach >= np.pi and turn != 0:
            continue
        low, high = h - reach + turn * TWO_PI, h + reach + turn * TWO_PI
        if reach >= np.pi:
            low, high = -4.0, 4.0
        first = np.searchsorted(value[:known], low)
        for e in range(first, known):
            if value[e] > high:
                break
            j = order[e]
            if distance >= 0 and abs(z[j, distance] - r - g[G_RANGE_OFFSET]) > reach_m:
                continue
            near[count] = j
            count += 1
    for e in range(known, m):
        near[count] = order[e]
        count += 1
    return count


@jit
def _one_is_far(y: F64, which: I64, count: int, S: F64, var: F64, limit: float) -> bool:
    """Say whether one component alone already rules the pair out."""
    for a in range(count):
        c = which[a]
        if y[a] * y[a] > FAR * limit * (S[c, c] + var[c]):
            return True
    return False
