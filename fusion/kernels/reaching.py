"""Detections that a wrong heading or clock keeps out of their track's gate, found where there is only one choice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.gating import innovation
from fusion.kernels.matrix import cholesky, whiten
from fusion.kernels.registration import look, move, spread
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def lone_pairs(
    slots: I64, q: F64, dets: I64, t_ns: int, g: F64, columns: I64, turns: F64, own_mps: F64, z: F64, var: F64,
    used: I64, gate_d2: F64, b: F64, reach: F64, times_ns: I64, x: F64, P: F64, V: F64, det_of: I64,
) -> int:  # fmt: skip
    """Write for each filter of ``slots`` (f,) the one of ``dets`` (m,) inside its gate, or -1; return how many.

    The gate allows for the whole reach of the biases. A detection in the gates of two filters, and a filter with two
    detections, have no pair. The filters x, P, V (see ``kernels.registration.learn``) are not changed.
    """
    f, m, k, size = len(slots), len(dets), len(used), len(b)
    h, H, R, T = np.empty(k), np.empty((k, 6)), np.empty((k, k)), np.empty((k, size))
    S, wide = np.empty((k, k)), np.empty((k, k))
    inside, choices = np.full(m, 0), np.zeros(f, np.int64)
    for i in range(f):
        s = slots[i]
        state, spread_P, sensitivity = x[s].copy(), P[s].copy(), V[s].copy()
        move(state, spread_P, sensitivity, q[i], (t_ns - times_ns[s]) / 1e9)
        places = look(state, spread_P, sensitivity, b, g, columns, turns, own_mps, used, h, H, R, T)
        for a in range(k):
            for c in range(k):
                S[a, c] = R[a, c]
                for r in range(6):
                    for q2 in range(6):
                        S[a, c] += H[a, r] * spread_P[r, q2] * H[c, q2]
        spread(reach, T, k, places, S, wide)
        det_of[i] = -1
        for j in range(m):
            if _near(z[dets[j]], var[dets[j]], h, wide, used, gate_d2):
                choices[i] += 1
                inside[j] += 1
                det_of[i] = dets[j]
    count = 0
    for i in range(f):
        if choices[i] > 1:
            det_of[i] = -1
        for j in range(m):
            if dets[j] == det_of[i] and inside[j] > 1:
                det_of[i] = -1
        count += 1 if det_of[i] >= 0 else 0
    return count


@jit
def _near(z: F64, var: F64, h: F64, S: F64, used: I64, gate_d2: F64) -> bool:
    """Say whether a detection z, var (k,) lies inside the gate of h, S; one without components lies in none."""
    k = len(used)
    y, which, sub, low, w = np.empty(k), np.empty(k, np.int64), np.empty((k, k)), np.zeros((k, k)), np.empty(k)
    count = innovation(z, h, used, y, which)
    for a in range(count):
        for c in range(count):
            sub[a, c] = S[which[a], which[c]]
        sub[a, a] += var[which[a]]
    if count == 0 or not cholesky(sub, count, low):
        return False
    return bool(whiten(low, count, y, w) < gate_d2[count])
