"""Which event of the life-cycle table each track has after a scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]
NO_EVENT = -1
SECOND_PLACE = 0.1  # of the looks of the first place: chance hits from a second place are rarer than this
PROVEN, SEEN, SILENT, DOUBTED = 0, 1, 2, 3  # as fusion.lifecycle.Event
TENTATIVE, CONFIRMED, COASTING, DELETED = 0, 1, 2, 3  # as fusion.lifecycle.State
(
    L_CONFIRM_EXISTENCE,
    L_CONFIRM_HITS,
    L_CONFIRM_AGE_S,
    L_COAST_AFTER_S,
    L_DELETE_EXISTENCE,
    L_DELETE_LONE_SHARE,
    L_DELETE_CONFIRMED,
    L_DELETE_RMS_M,
    L_DELETE_TENTATIVE_S,
    L_REPORT_RMS_M,
    L_SECOND_HIT,
    L_RANGED_PAUSE_S,
    L_SUPPORT_S,
    L_RANGED_HITS,
    L_PLACE_SHARE,
    L_DELETE_UNPROVEN_S,
    L_SPEED_MPS,
) = range(17)
L_SIZE = 17
SURELY = 2.0  # sigmas beyond the greatest speed


@jit
def place_supported(
    n: int, t_ns: int, ranged_ns: I64, ranged_hits: F64, shares: F64, place: I64, lone: bool, limit: F64,
    supported: NDArray[np.bool_], supported_ns: I64,
) -> None:  # fmt: skip
    """Say of each track whether its *place* is supported, not only its direction.

    It is where range or position was measured more than once and not long ago, or where precise
    bearings came lately from two places. ``place`` (S,): number of the place of each precise bearing
    sensor, else -1. One false plot on the way to a distant target, fed by the bearings
    that one vehicle has of that target, would otherwise look like a target that comes nearer.
    """
    for i in range(n):
        recent = ranged_ns[i] >= 0 and (t_ns - ranged_ns[i]) / 1e9 < limit[L_SUPPORT_S]
        supported[i] = lone or (recent and ranged_hits[i] >= limit[L_RANGED_HITS])
        best, second = 0.0, 0.0
        best_place = -1
        for s in range(len(place)):
            if place[s] >= 0 and shares[i, s] > best:
                if place[s] != best_place:
                    second, best_place = best, place[s]
                best = shares[i, s]
            elif place[s] >= 0 and place[s] != best_place:
                second = max(second, shares[i, s])
        supported[i] |= second >= max(limit[L_PLACE_SHARE], SECOND_PLACE * best)
        if supported[i]:
            supported_ns[i] = t_ns


@jit
def judge_tracks(
    n: int, t_ns: int, state: NDArray[np.int8], r: F64, first_r: F64, hits: F64, born_ns: I64, seen_ns: I64,
    ranged_ns: I64, supported: NDArray[np.bool_], supported_ns: I64, xm: F64, Pm: F64, lone: bool, limit: F64,
    event: NDArray[np.int8],
) -> int:  # fmt: skip
    """Write each track's event (n,) or NO_EVENT; return how many have one. ``limit`` (L_SIZE,): see the offsets."""
    count = 0
    for i in range(n):
        rms = np.sqrt(Pm[i, 0, 0] + Pm[i, 1, 1] + Pm[i, 2, 2])
        silent_s = (t_ns - seen_ns[i]) / 1e9
        event[i] = NO_EVENT
        recent = ranged_ns[i] >= 0 and (t_ns - ranged_ns[i]) / 1e9 < limit[L_RANGED_PAUSE_S]
        # A far or flat radar's plots are this wide by nature; NaN is doubted either way.
        doubted = not (rms <= limit[L_DELETE_RMS_M] or (recent and rms < np.inf))
        if state[i] == TENTATIVE:
            floor = limit[L_DELETE_EXISTENCE]
            if hits[i] < limit[L_SECOND_HIT]:
                floor = max(floor, limit[L_DELETE_LONE_SHARE] * first_r[i])
            doubted |= r[i] < floor or silent_s > limit[L_DELETE_TENTATIVE_S]
            doubted |= (t_ns - born_ns[i]) / 1e9 > limit[L_DELETE_UNPROVEN_S]
            localised = supported[i] and (lone or recent or rms <= limit[L_REPORT_RMS_M])
            enough = r[i] >= limit[L_CONFIRM_EXISTENCE] and hits[i] >= limit[L_CONFIRM_HITS]
            if enough and localised and (t_ns - born_ns[i]) / 1e9 >= limit[L_CONFIRM_AGE_S]:
                event[i] = PROVEN
        else:
            unsupported_s = (t_ns - supported_ns[i]) / 1e9
            doubted |= r[i] < limit[L_DELETE_CONFIRMED] or unsupported_s > limit[L_DELETE_UNPROVEN_S]
            if silent_s > limit[L_COAST_AFTER_S]:
                event[i] = SILENT
            elif state[i] == COASTING and silent_s == 0.0:
                event[i] = SEEN
        if doubted or (not recent and too_fast(xm[i], Pm[i], limit[L_SPEED_MPS])):
            event[i] = DOUBTED
        if event[i] != NO_EVENT:
            count += 1
    return count


@jit
def too_fast(x: F64, P: F64, most_mps: float) -> bool:
    """Say whether a state x (6,), P (6, 6) surely flies faster than any target.

    Without a range of its own its place is then made of wrong bearings.
    """
    speed2 = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    if not speed2 > most_mps * most_mps:
        return False
    var = 0.0
    for a in range(3):
        for b in range(3):
            var += x[3 + a] * P[3 + a, 3 + b] * x[3 + b]
    return bool(np.sqrt(speed2) - SURELY * np.sqrt(var / speed2) > most_mps)


@jit
def choose_reported(
    n: int, state: NDArray[np.int8], r: F64, supported: NDArray[np.bool_], ranged_ns: I64, Pm: F64, lone: bool,
    since_ns: int, min_existence: float, max_rms_m: float, rows: I64,
) -> tuple[int, tuple[int, int, int, int]]:  # fmt: skip
    """Write the rows (n,) worth reporting; return their number and those of all states.

    Reported is what exists, whose place is supported, and which is either confirmed with a range measured
    after ``since_ns`` (or by a lone sensor) or known to ``max_rms_m``. The numbers: tentative, confirmed,
    coasting, and confirmed or coasting but withheld.
    """
    reported, tentative, coasting = 0, 0, 0
    for i in range(n):
        if state[i] == TENTATIVE:
            tentative += 1
            continue
        coasting += 1 if state[i] == COASTING else 0
        if r[i] < min_existence or not supported[i]:
            continue
        ranged = lone or (ranged_ns[i] >= 0 and ranged_ns[i] > since_ns)
        rms = np.sqrt(Pm[i, 0, 0] + Pm[i, 1, 1] + Pm[i, 2, 2])
        if (ranged and state[i] == CONFIRMED) or rms <= max_rms_m:
            rows[reported] = i
            reported += 1
    held = n - tentative
    return reported, (tentative, held - coasting, coasting, held - reported)
