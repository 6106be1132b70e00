"""The table of tracks: structure of arrays with a fixed capacity, rows in order of birth.

Births of one scan may go beyond the capacity until the scan has been settled: what the scan says of a row is said by
the row's number, so none may move before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.identity import CLASS_PRIOR, CLASSES
from fusion.kernels.bundles import Columns
from fusion.kernels.motion import PLAIN, WHOLE
from fusion.lifecycle import State
from messages.frames import F64

I64 = NDArray[np.int64]
POSITION = slice(0, 3)  # east, north, up [m]
VELOCITY = slice(3, 6)  # their rates [m/s]
FEWEST_SPARE = 8  # rows beyond the capacity, for the births of one scan
SPARE_SHARE = 0.25  # of the capacity, the same
BIRTHS_A_MICROSECOND_BITS = 12  # of a track's name; the rest holds the time until the year 2041


def begin(x: F64, P: F64, rows: slice | I64, start: F64, start_P: F64, acceleration_var: F64) -> None:
    """Let rows of x (C, M, 6 or 9) and P begin at one state (b, 6) for all models, their accelerations at nothing."""
    x[rows], P[rows] = 0.0, 0.0
    x[rows, :, :PLAIN], P[rows, :, :PLAIN, :PLAIN] = start[:, None], start_P[:, None]
    for a in range(PLAIN, x.shape[2]):
        P[rows, :, a, a] = acceleration_var


class TrackTable:
    """Rows 0 .. n - 1 are alive, in order of birth (so of track_id)."""

    def __init__(self, capacity: int, acceleration_var: F64, levels: int) -> None:
        """Make room; ``acceleration_var`` (M,): what each model knows of an acceleration at first [m^2/s^4].

        0 where it has none; states have accelerations where any model does.
        """
        c, i8 = capacity + max(FEWEST_SPARE, int(SPARE_SHARE * capacity)), np.int64
        models, states = len(acceleration_var), WHOLE if acceleration_var.any() else PLAIN
        self._acceleration_var = acceleration_var
        self.capacity = capacity
        self.n = 0
        self.next_id = 1
        self.columns = Columns(
            x=np.zeros((c, models, states)),
            P=np.zeros((c, models, states, states)),
            cross=np.zeros((c, models, states, 0)),
            mu=np.zeros((c, models)),
            r=np.zeros(c),
            first_r=np.zeros(c),
            levels=np.zeros((c, 1, levels)),
            shares=np.zeros((c, 1)),
            unexplained=np.zeros((c, 1)),
            log_class=np.zeros((c, len(CLASSES))),
            class_ns=np.zeros((c, 1), i8),
            track_id=np.zeros(c, i8),
            state=np.zeros(c, np.int8),
            born_ns=np.zeros(c, i8),
            seen_ns=np.zeros(c, i8),
            ranged_ns=np.zeros(c, i8),
            ranged_hits=np.zeros(c),
            supported=np.zeros(c, np.bool_),
            supported_ns=np.zeros(c, i8),
            hits=np.zeros(c),
            twin=np.zeros(c, i8),
            twin_count=np.zeros(c, i8),
            contested=np.zeros(c, i8),
        )

    def append(self, x: F64, P: F64, r: F64, mu: F64, t_ns: int, level_priors: F64) -> slice:
        """Start tentative tracks from x (b, 6), P (b, 6, 6), existence r (b,); return their rows.

        A track is named by its time of birth, so that a re-run with one more scan does not rename the tracks that
        were born after it. One state serves all models. Where there is no room the last of the new ones are left out.
        """
        b = min(len(x), len(self.columns.r) - self.n)
        rows, c = slice(self.n, self.n + b), self.columns
        begin(c.x, c.P, rows, x[:b], P[:b], self._acceleration_var)
        c.mu[rows], c.cross[rows] = mu, 0.0
        c.r[rows] = c.first_r[rows] = r[:b]
        c.levels[rows] = level_priors
        c.shares[rows] = c.unexplained[rows] = 0.0
        c.log_class[rows] = CLASS_PRIOR
        c.class_ns[rows] = -1
        first = max(self.next_id, (t_ns // 1000 << BIRTHS_A_MICROSECOND_BITS) + 1)
        c.track_id[rows] = np.arange(first, first + b)
        c.state[rows] = State.TENTATIVE
        c.born_ns[rows] = c.seen_ns[rows] = c.supported_ns[rows] = t_ns
        c.ranged_ns[rows] = -1
        c.ranged_hits[rows] = 0.0
        c.supported[rows] = False
        c.hits[rows] = 1.0
        c.twin[rows] = c.twin_count[rows] = c.contested[rows] = 0
        self.next_id = first + b
        self.n += b
        return rows

    def trim(self) -> I64:
        """Let the least likely tracks beyond the capacity go, tentative ones first; return the rows that stayed."""
        state, r = self.columns.state[: self.n], self.columns.r[: self.n]
        weakest = np.lexsort((r, state != State.TENTATIVE))[: max(self.n - self.capacity, 0)]
        kept = np.delete(np.arange(self.n), weakest)
        for column in self.columns:
            column[: len(kept)] = column[kept]
        self.n = len(kept)
        return kept

    def widen(self, sensors: int, errors: int) -> None:
        """Make room for more sensors, and for more errors of platforms, in the columns that hold one number each."""
        c = self.columns
        grow = ((0, 0), (0, sensors - c.shares.shape[1]))
        self.columns = c._replace(
            cross=np.pad(c.cross, ((0, 0), (0, 0), (0, 0), (0, errors - c.cross.shape[3]))),
            levels=np.pad(c.levels, (*grow, (0, 0))),
            shares=np.pad(c.shares, grow),
            unexplained=np.pad(c.unexplained, grow),
            class_ns=np.pad(c.class_ns, grow, constant_values=-1),
        )

    def copy_rows(self) -> tuple[int, int, tuple[NDArray[np.generic], ...]]:
        """Return a copy of everything that a snapshot needs."""
        return self.n, self.next_id, tuple(column[: self.n].copy() for column in self.columns)

    def restore_rows(self, saved: tuple[int, int, tuple[NDArray[np.generic], ...]], level_priors: F64) -> None:
        """Put the rows of ``copy_rows`` back; sensors that came later have seen nothing of them (priors (S, L))."""
        self.n, self.next_id, columns = saved
        c, known = self.columns, columns[Columns._fields.index("shares")].shape[1]
        later = slice(known, max(known, len(level_priors)))
        c.shares[: self.n, later] = c.unexplained[: self.n, later] = 0.0
        c.class_ns[: self.n, later] = -1
        c.cross[: self.n] = 0.0
        c.levels[: self.n, later] = level_priors[later]
        parts: tuple[NDArray[np.generic], ...] = tuple(c)
        for column, rows in zip(parts, columns, strict=True):
            column[tuple(slice(size) for size in rows.shape)] = rows  # a sensor may have come after the snapshot
