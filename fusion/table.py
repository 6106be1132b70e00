"""The table of tracks: structure of arrays with a fixed capacity, rows in order of birth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.identity import CLASS_PRIOR, CLASSES
from fusion.lifecycle import State
from messages.frames import F64

POSITION = slice(0, 3)  # east, north, up [m]
VELOCITY = slice(3, 6)  # their rates [m/s]


@dataclass
class Columns:
    """The arrays of the table; the first axis is the track."""

    x: F64  # (C, M, 6) state of each model
    P: F64  # (C, M, 6, 6) its covariance
    mu: F64  # (C, M) model probabilities
    r: F64  # (C,) existence
    levels: F64  # (C, S, L) detectability levels for each sensor
    shares: F64  # (C, S) recent contribution of each sensor, decaying
    log_class: F64  # (C, K) log class posterior, not normalised
    class_ns: NDArray[np.int64]  # (C, S) time of the last class score taken from each sensor
    track_id: NDArray[np.int64]  # (C,)
    state: NDArray[np.int8]  # (C,) fusion.lifecycle.State
    born_ns: NDArray[np.int64]
    seen_ns: NDArray[np.int64]  # last associated detection
    ranged_ns: NDArray[np.int64]  # last associated detection of a sensor that measures range or position
    hits: F64  # sum of association probabilities
    twin: NDArray[np.int64]  # track_id of the elder that this one looks equal to, 0 for none
    twin_count: NDArray[np.int64]  # looks that were shared with it and fed only one of the two


class TrackTable:
    """Rows 0 .. n - 1 are alive, in order of birth (so of track_id)."""

    def __init__(self, capacity: int, models: int, sensors: int, levels: int) -> None:
        c, i8 = capacity, np.int64
        self.capacity = capacity
        self.n = 0
        self.next_id = 1
        self.columns = Columns(
            x=np.zeros((c, models, 6)),
            P=np.zeros((c, models, 6, 6)),
            mu=np.zeros((c, models)),
            r=np.zeros(c),
            levels=np.zeros((c, sensors, levels)),
            shares=np.zeros((c, sensors)),
            log_class=np.zeros((c, len(CLASSES))),
            class_ns=np.zeros((c, sensors), i8),
            track_id=np.zeros(c, i8),
            state=np.zeros(c, np.int8),
            born_ns=np.zeros(c, i8),
            seen_ns=np.zeros(c, i8),
            ranged_ns=np.zeros(c, i8),
            hits=np.zeros(c),
            twin=np.zeros(c, i8),
            twin_count=np.zeros(c, i8),
        )

    def append(self, x: F64, P: F64, mu: F64, r: float, t_ns: int, level_priors: F64) -> int:
        """Start a tentative track with one state for all models; return its row, or -1 where there is no room."""
        if self.n == self.capacity and not self._make_room(r):
            return -1
        i, c = self.n, self.columns
        c.x[i], c.P[i], c.mu[i], c.r[i] = x, P, mu, r
        c.levels[i] = level_priors
        c.shares[i] = 0.0
        c.log_class[i] = CLASS_PRIOR
        c.class_ns[i] = -1
        c.track_id[i], c.state[i] = self.next_id, State.TENTATIVE
        c.born_ns[i] = c.seen_ns[i] = t_ns
        c.ranged_ns[i] = -1
        c.hits[i] = 1.0
        c.twin[i] = c.twin_count[i] = 0
        self.next_id += 1
        self.n += 1
        return i

    def _make_room(self, r: float) -> bool:
        """Drop the least likely tentative track if it is less likely than r."""
        existence = np.where(self.columns.state[: self.n] == State.TENTATIVE, self.columns.r[: self.n], np.inf)
        weakest = int(np.argmin(existence))
        if not existence[weakest] < r:
            return False
        self.keep(np.arange(self.n) != weakest)
        return True

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Keep only the marked rows, in their order."""
        rows = np.flatnonzero(mask)
        if len(rows) == self.n:
            return
        for column in vars(self.columns).values():
            column[: len(rows)] = column[rows]
        self.n = len(rows)

    def copy_rows(self) -> tuple[int, int, tuple[NDArray[np.generic], ...]]:
        """Return a copy of everything that a snapshot needs."""
        return self.n, self.next_id, tuple(column[: self.n].copy() for column in vars(self.columns).values())

    def restore_rows(self, saved: tuple[int, int, tuple[NDArray[np.generic], ...]]) -> None:
        """Put the rows of ``copy_rows`` back."""
        self.n, self.next_id, columns = saved
        for column, rows in zip(vars(self.columns).values(), columns, strict=True):
            column[: self.n] = rows
