"""Where unexplained detections crowd, for each ranging sensor: the density of clutter that association uses."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.config import ClutterConfig
from fusion.kernels.bundles import Columns, Work
from fusion.kernels.clutter import CELLS, crowded_density, insist, remember
from fusion.step import Scan
from messages.frames import F64

I64 = NDArray[np.int64]
FAIR = 2  # level of DetectabilityConfig: the least that a track in a crowd may have


class Map(NamedTuple):
    """One sensor's map, and the times of its first and last look."""

    mean: F64  # (CELLS,) mean unexplained detections a look
    time_ns: I64  # (CELLS,) when the mean was true
    first_ns: int
    last_ns: int


class ClutterMaps:
    """Learn where each ranging sensor's unexplained detections crowd."""

    def __init__(self, config: ClutterConfig) -> None:
        self._config = config
        self._limits = np.array([config.suspicion, config.least_share, config.doubt, config.keep_support])
        self._maps: dict[int, Map] = {}

    def judged(self, scan: Scan) -> Scan:
        """Return the scan with the density of clutter (m,) that the map knows at each detection."""
        kept = self._maps.get(scan.look.slot)
        if kept is None or len(scan.look.z) == 0:
            return scan
        c = self._config
        density = np.empty(len(scan.look.density))
        args = (
            scan.t_ns,
            self._known(scan, kept),
            c.memory_s,
            self._cell_m(scan),
            scan.look,
            scan.z8,
            scan.sensor.full_extent,
        )
        crowded_density(kept.mean, kept.time_ns, *args, density)
        return scan._replace(look=scan.look._replace(density=density))

    def insist(self, scan: Scan, columns: Columns, n: int, work: Work, share_memory_s: float) -> None:
        """Let the first n tracks be as visible in crowded places as they should; see the kernel of that name."""
        kept = self._maps.get(scan.look.slot)
        if kept is None or n == 0:
            return
        c = self._config
        args = (
            self._known(scan, kept),
            c.memory_s,
            self._cell_m(scan),
            c.crowd,
            self._limits,
            work.xm,
            n,
            scan.look,
        )
        insist(kept.mean, kept.time_ns, *args, FAIR, work.visible, work.pd, columns, share_memory_s)

    def _known(self, scan: Scan, kept: Map) -> float:
        """Return the share of the memory that is filled, at least what it takes to speak of a crowd."""
        looks_s = (kept.last_ns - kept.first_ns) / 1e9 + scan.sensor.description.scan_period_s
        return max(1.0 - math.exp(-looks_s / self._config.memory_s), self._config.least_known)

    def learn(self, scan: Scan, trusted: F64) -> None:
        """Take in what well-seen tracks explain of each detection (m,) of a ranging sensor's look."""
        if not scan.sensor.ranged or not self._config.enabled:
            return
        slot = scan.look.slot
        kept = self._maps.get(slot)
        if kept is None:
            kept = Map(np.zeros(CELLS), np.zeros(CELLS, np.int64), scan.t_ns, scan.t_ns)
        share = 1.0 - math.exp(-self._weight(scan))
        args = scan.t_ns, share, self._config.memory_s, self._cell_m(scan), scan.look.g, scan.z8
        remember(kept.mean, kept.time_ns, *args, trusted)
        self._maps[slot] = kept._replace(last_ns=scan.t_ns)

    def _weight(self, scan: Scan) -> float:
        """Return one look's part of the memory: its period over the memory's time."""
        return float(scan.sensor.description.scan_period_s / self._config.memory_s)

    def _cell_m(self, scan: Scan) -> float:
        """Return the size of a cell: a few sigmas of position at a middle range."""
        return max(self._config.least_cell_m, float(scan.sensor.full_extent[0]) * self._config.cell_share)

    def snapshot(self) -> dict[int, Map]:
        """Return a copy of all maps."""
        return {slot: Map(m.mean.copy(), m.time_ns.copy(), m.first_ns, m.last_ns) for slot, m in self._maps.items()}

    def restore(self, saved: dict[int, Map]) -> None:
        """Go back to a snapshot."""
        self._maps = {slot: Map(m.mean.copy(), m.time_ns.copy(), m.first_ns, m.last_ns) for slot, m in saved.items()}
