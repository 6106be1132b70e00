"""Seeds: plots that no track explains, kept for a few looks until a second detection makes a track of the pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.gates import gate_table
from fusion.kernels.seeding import Pairs, SeedRules, Stock, sow
from fusion.step import Scan
from messages.frames import F64


def stock_for(seeds: int) -> Stock:
    """Return room for so many seeds."""
    number = np.zeros(seeds, np.int64)
    return Stock(np.zeros((seeds, 6)), np.zeros((seeds, 6, 6)), np.zeros(seeds), number, number.copy(), number.copy())


def pairs_for(pairs: int) -> Pairs:
    """Return room for so many pairs."""
    number = np.zeros(pairs, np.int64)
    return Pairs(
        seed=number, det=number.copy(), like=np.zeros(pairs), x=np.zeros((pairs, 6)), P=np.zeros((pairs, 6, 6)),
        r=np.zeros(pairs), t_ns=number.copy(), slot=number.copy(),
    )  # fmt: skip


def seed_rules(config: TrackerConfig) -> SeedRules:
    """Return the settings that the kernel takes."""
    birth = config.birth
    return SeedRules(
        unexplained=birth.unexplained,
        least_existence=birth.least_existence,
        spent=birth.seed_spent,
        q=birth.seed_acceleration_intensity,
        max_speed_mps=birth.max_speed_mps,
        across_mps=np.array([birth.across_speed_mps, birth.climb_speed_mps]),
        elevation_rad=np.array(birth.elevation_prior_rad),
        gate_d2=gate_table(config.association.gate_probability),
        work_limit=config.association.work_limit,
        reach_m=config.sensors.default_range_m,
        least_ground=birth.least_ground,
    )


def _first(pairs: Pairs, n: int) -> Pairs:
    p = pairs
    numbers = p.seed[:n], p.det[:n]
    return Pairs(*numbers, p.like[:n], p.x[:n], p.P[:n], p.r[:n], p.t_ns[:n], p.slot[:n])


class Seeds:
    """Keep unexplained plots and pair them with later detections."""

    def __init__(self, config: TrackerConfig) -> None:
        self._life_s, self._looks = config.birth.seed_life_s, config.birth.seed_looks
        self._rules = seed_rules(config)
        self._cells = np.zeros(config.birth.seed_cells)
        self._pairs = pairs_for(64)
        self._stock = stock_for(config.birth.most_seeds)
        self._count = 0

    def sow(self, scan: Scan, free: F64, prior: float) -> tuple[Pairs, int]:
        """Pair seeds with the scan and keep its unexplained plots.

        ``free`` (m,): probability that no track explains a detection; what the pairs explain is taken off. ``prior``:
        existence of an unexplained plot. Returns the pairs worth a track and the number of detections left over.
        """
        life_s = min(max(self._looks * scan.sensor.description.scan_period_s, self._life_s[0]), self._life_s[1])
        until_ns = scan.t_ns + int(life_s * 1e9)
        while True:
            args = scan.t_ns, until_ns, scan.look, scan.z8, scan.var8, free, prior, self._rules, self._cells
            self._count, found, worth, others = sow(self._stock, self._count, *args, self._pairs)
            if found <= len(self._pairs.seed):
                return _first(self._pairs, worth), others
            self._pairs = pairs_for(2 * found)

    def snapshot(self) -> Stock:
        """Return a copy of the seeds."""
        s, n = self._stock, self._count
        parts = s.x[:n].copy(), s.P[:n].copy(), s.r[:n].copy()
        return Stock(*parts, s.t_ns[:n].copy(), s.until_ns[:n].copy(), s.slot[:n].copy())

    def restore(self, saved: Stock) -> None:
        """Put the seeds of a snapshot back."""
        self._count = len(saved.r)
        parts: tuple[NDArray[np.generic], ...] = tuple(self._stock)
        for part, rows in zip(parts, saved, strict=True):
            part[: self._count] = rows
