"""Initiation: where unexplained detections become tentative tracks."""

from __future__ import annotations

import numpy as np

from fusion.config import TrackerConfig
from fusion.kernels.birth import birth_polar
from fusion.kernels.measurement import AZIMUTH, ELEVATION, RANGE, RANGE_RATE
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64


class Births:
    """Start tentative tracks from plots with range, claimed positions, crossing bearings, or a lone camera."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._mu = np.array(config.motion.stationary)

    def start(self, table: TrackTable, scan: Scan, hits: Hits, level_priors: F64, lone: bool) -> int:
        """Start tracks from the parts of the scan that no track explains; return how many."""
        free = 1.0 - hits.explained
        candidates = np.flatnonzero(free > self._config.birth.unexplained)
        if len(candidates) == 0:
            return 0
        ranged = candidates[~np.isnan(scan.z8[candidates, RANGE]) & ~np.isnan(scan.z8[candidates, AZIMUTH])]
        if len(ranged):
            return self._from_plots(table, scan, ranged, free, level_priors)
        return 0

    def _existence(self, scan: Scan) -> float:
        """Return the prior that an unexplained detection is a new target: births against clutter in one scan."""
        births = self._config.existence.birth_rate_per_s * min(scan.sensor.description.scan_period_s, 1.0)
        clutter = max(scan.sensor.description.clutter_per_scan, self._config.sensors.minimum_clutter_per_scan)
        return float(births / (births + clutter))

    def _from_plots(self, table: TrackTable, scan: Scan, rows: np.ndarray, free: F64, level_priors: F64) -> int:
        z, var = scan.z8[rows, :4].copy(), scan.var8[rows, :4].copy()
        birth = self._config.birth
        mean, sigma = birth.elevation_prior_rad
        for column, value, variance in (
            (ELEVATION, mean, sigma**2),
            (RANGE_RATE, 0.0, birth.across_speed_mps**2),
        ):
            missing = np.isnan(z[:, column])
            z[missing, column], var[missing, column] = value, variance
        x, P = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
        birth_polar(z, var, scan.g, np.array([birth.across_speed_mps, birth.climb_speed_mps]), x, P)
        return self._append(table, scan, x, P, self._existence(scan) * free[rows], level_priors)

    def _append(self, table: TrackTable, scan: Scan, x: F64, P: F64, r: F64, level_priors: F64) -> int:
        rows = table.append(x, P, r, self._mu, scan.t_ns, level_priors)
        table.columns.shares[rows, scan.sensor.slot] = 1.0
        if scan.sensor.ranged:
            table.columns.ranged_ns[rows] = scan.t_ns
        return rows.stop - rows.start

    def snapshot(self) -> tuple[object, ...]:
        """Return a copy of the waiting bearings."""
        return ()

    def restore(self, saved: tuple[object, ...]) -> None:
        """Put the waiting bearings back."""
