"""The extended Kalman filter of many tracks of one motion model, 64 side by side, for vector units.

A table of tracks is one flat array. Each block of ``LANES`` tracks takes ``ROWS`` rows of ``LANES`` numbers: six
states ``[e n u ve vn vu]`` [m, m/s], then the upper triangle of P row by row. As every row has its fixed place in one
array, the compiler sees that lanes cannot meet, and does ``one_lane`` for four or eight of them in one instruction.

One radar measurement a track, already associated. Unlike ``measurement`` and ``update`` there are no second-order
terms, no errors of the sensor's own pose and no delay between emission and detection.
"""

from __future__ import annotations

from fusion.kernels import jit, jit_lane
from fusion.kernels.measurement import G_AXES, G_POSITION, G_VELOCITY
from fusion.kernels.one_lane import Four, Six, Triangle, predicted, updated
from messages.frames import F64

LANES = 64
ROWS = 27
BLOCK = LANES * ROWS


def table_size(n: int) -> int:
    """Return how many numbers a table of n tracks takes."""
    return (n + LANES - 1) // LANES * BLOCK


@jit
def pack(x: F64, P: F64, table: F64) -> None:
    """Write tracks x (n, 6), P (n, 6, 6) into a table; what is left over in the last block is never read."""
    for i in range(len(x)):
        at = i // LANES * BLOCK + i % LANES
        row = 6
        for a in range(6):
            table[at + a * LANES] = x[i, a]
            for b in range(a, 6):
                table[at + row * LANES] = P[i, a, b]
                row += 1


@jit
def unpack(table: F64, x: F64, P: F64) -> None:
    """Read the first tracks of a table into x (n, 6) and P (n, 6, 6)."""
    for i in range(len(x)):
        at = i // LANES * BLOCK + i % LANES
        row = 6
        for a in range(6):
            x[i, a] = table[at + a * LANES]
            for b in range(a, 6):
                P[i, a, b] = P[i, b, a] = table[at + row * LANES]
                row += 1


@jit
def step(table: F64, n: int, dt: float, q: float, g: F64, z: F64, var: F64) -> int:
    """Predict n tracks by dt [s] and update them in place; return in how many it fails.

    z (n, 4): range [m], azimuth, elevation [rad], range rate [m/s] of each track, NaN where it was not measured; var
    (n, 4): variances; q: intensity of the acceleration [m^2/s^3]; g: the sensor as in ``measurement``, of which place,
    velocity and axes are used. A track fails where a number is not finite or a variance not positive; it keeps what
    came out, and no other track feels it.
    """
    noise = (q * dt * dt * dt / 3.0, q * dt * dt / 2.0, q * dt)
    place = (g[G_POSITION], g[G_POSITION + 1], g[G_POSITION + 2])
    drift = (g[G_VELOCITY], g[G_VELOCITY + 1], g[G_VELOCITY + 2])
    axes = (
        (g[G_AXES], g[G_AXES + 1], g[G_AXES + 2]),
        (g[G_AXES + 3], g[G_AXES + 4], g[G_AXES + 5]),
        (g[G_AXES + 6], g[G_AXES + 7], g[G_AXES + 8]),
    )
    flat_z, flat_var = z.ravel(), var.ravel()
    failed = 0
    for block in range((n + LANES - 1) // LANES):
        first = block * LANES
        count = min(LANES, n - first)
        b = table[block * BLOCK : (block + 1) * BLOCK]
        rows = slice(4 * first, 4 * (first + count))
        zb, varb = flat_z[rows], flat_var[rows]
        for l in range(count):
            x, P = _load(b, l)
            x, P = predicted(x, P, dt, noise)
            x, P = updated(x, P, place, drift, axes, _measured(zb, l), _measured(varb, l))
            _store(x, P, b, l)
            if _fails(x, P):
                failed += 1
    return failed


@jit_lane
def _fails(x: Six, P: Triangle) -> bool:
    """Return whether a state or a variance is not finite, or a variance not positive."""
    a, b, c, d, e, f = P[0], P[6], P[11], P[15], P[18], P[20]
    total = x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + a + b + c + d + e + f
    positive = (a > 0.0) & (b > 0.0) & (c > 0.0) & (d > 0.0) & (e > 0.0) & (f > 0.0)
    return not (positive & (total - total == 0.0))


@jit_lane
def _measured(rows: F64, l: int) -> Four:
    return rows[4 * l], rows[4 * l + 1], rows[4 * l + 2], rows[4 * l + 3]


@jit_lane
def _six(b: F64, l: int) -> Six:
    return b[l], b[LANES + l], b[2 * LANES + l], b[3 * LANES + l], b[4 * LANES + l], b[5 * LANES + l]


@jit_lane
def _load(b: F64, l: int) -> tuple[Six, Triangle]:
    """Return state and covariance of lane l of a block."""
    a = 6 * LANES + l
    return _six(b, l), (
        *_six(b, a), *_six(b, a + 6 * LANES), *_six(b, a + 12 * LANES),
        b[a + 18 * LANES], b[a + 19 * LANES], b[a + 20 * LANES],
    )  # fmt: skip


@jit_lane
def _put_six(values: Triangle, rows: F64, l: int) -> None:
    rows[l], rows[LANES + l], rows[2 * LANES + l] = values[0], values[1], values[2]
    rows[3 * LANES + l], rows[4 * LANES + l], rows[5 * LANES + l] = values[3], values[4], values[5]


@jit_lane
def _store(x: Six, P: Triangle, b: F64, l: int) -> None:
    """Write state and covariance of lane l of a block."""
    a = 6 * LANES + l
    _put_six(x, b, l)
    _put_six(P[:6], b, a)
    _put_six(P[6:12], b, a + 6 * LANES)
    _put_six(P[12:18], b, a + 12 * LANES)
    b[a + 18 * LANES], b[a + 19 * LANES], b[a + 20 * LANES] = P[18], P[19], P[20]
