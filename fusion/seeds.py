"""Seeds: plots that no track explains, kept for a few looks until a second detection makes a track of the pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.gates import gate_table
from fusion.kernels.association import marginals
from fusion.kernels.seeding import pair_seeds
from fusion.step import Scan
from messages.frames import F64

I64 = NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs of a seed and a detection that are worth a track."""

    x: F64  # (b, 6)
    P: F64  # (b, 6, 6)
    r: F64  # (b,) existence
    det: I64  # (b,) row of the scan
    born_ns: I64  # (b,) time of the seed
    slot: I64  # (b,) sensor of the seed


class Stock(NamedTuple):
    """The seeds, in order of age; the arrays are never written to, so that a snapshot is a reference."""

    x: F64  # (s, 6)
    P: F64  # (s, 6, 6)
    r: F64  # (s,) prior existence
    t_ns: I64
    until_ns: I64  # forgotten then
    slot: I64

    @classmethod
    def empty(cls) -> Stock:
        """Return a stock without seeds."""
        no = np.empty(0, np.int64)
        return cls(np.empty((0, 6)), np.empty((0, 6, 6)), np.empty(0), no, no, no)


class Seeds:
    """Keep unexplained plots and pair them with later detections."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._gate_d2 = gate_table(config.association.gate_probability)
        self._cells = np.empty(config.birth.seed_cells)
        self._room = 64
        self.stock = Stock.empty()

    def pair(self, scan: Scan, rows: I64, free: F64) -> tuple[Pairs | None, F64]:
        """Associate the seeds jointly with the unexplained ``rows`` (a,) of a scan.

        ``free`` (m,): probability that no track explains a detection. Returns the pairs, and for each of the
        rows how much of it they explain (a,).
        """
        taken = np.zeros(len(rows))
        self._forget(scan.t_ns)
        if len(rows) == 0 or len(self.stock.r) == 0:
            return None, taken
        seed, det, like, x, P = self._candidates(scan, rows)
        if len(seed) == 0:
            return None, taken
        beta = self._associate(scan, rows, seed, det, like)
        existence = beta * free[rows[det]]
        taken += np.bincount(det, existence, len(rows))
        used = np.bincount(seed, beta, len(self.stock.r))
        good = existence >= self._config.birth.least_existence
        pairs = Pairs(
            x[good], P[good], existence[good], rows[det[good]], self.stock.t_ns[seed[good]], self.stock.slot[seed[good]]
        )
        self._keep(used < self._config.birth.seed_spent)
        return pairs, taken

    def _candidates(self, scan: Scan, rows: I64) -> tuple[I64, I64, F64, F64, F64]:
        age_s = (scan.t_ns - self.stock.t_ns) / 1e9
        birth = self._config.birth
        while True:
            seed, det, like = np.empty(self._room, np.int64), np.empty(self._room, np.int64), np.empty(self._room)
            x, P = np.empty((self._room, 6)), np.empty((self._room, 6, 6))
            count = pair_seeds(
                self.stock.x, self.stock.P, age_s, birth.seed_acceleration_intensity, birth.max_speed_mps, scan.look.g,
                scan.look.used, scan.look.z[rows], scan.look.var[rows], self._gate_d2, seed, det, like, x, P,
            )  # fmt: skip
            if count <= self._room:
                return seed[:count], det[:count], like[:count], x[:count], P[:count]
            self._room = 2 * count

    def _associate(self, scan: Scan, rows: I64, seed: I64, det: I64, like: F64) -> F64:
        pd = float(scan.sensor.level_prior @ scan.sensor.level_pd)
        r, seeds = self.stock.r, len(self.stock.r)
        weight, missed = r[seed] * pd * like / scan.look.density[rows[det]], 1.0 - r * pd
        start = np.searchsorted(seed, np.arange(seeds + 1))
        beta, miss = np.empty(len(seed)), np.empty(seeds)
        limit = self._config.association.work_limit
        marginals(weight, missed, start, det, seeds, len(rows), limit, self._cells, beta, miss)
        return beta

    def plant(self, scan: Scan, x: F64, P: F64, r: F64) -> None:
        """Keep the states x (a, 6), P (a, 6, 6) of unexplained plots with prior existence r (a,)."""
        a, birth = len(r), self._config.birth
        life_s = birth.seed_looks * scan.sensor.description.scan_period_s
        life_s = min(max(life_s, birth.seed_life_s[0]), birth.seed_life_s[1])
        until = scan.t_ns + int(life_s * 1e9)
        new = Stock(x, P, r, np.full(a, scan.t_ns), np.full(a, until), np.full(a, scan.sensor.slot))
        both = (np.concatenate(parts) for parts in zip(self.stock, new, strict=True))
        self.stock = Stock(*(part[-birth.most_seeds :] for part in both))

    def _forget(self, t_ns: int) -> None:
        if len(self.stock.r) and self.stock.until_ns.min() < t_ns:
            self._keep(self.stock.until_ns >= t_ns)

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        if not rows.all():
            self.stock = Stock(*(part[rows] for part in self.stock))
