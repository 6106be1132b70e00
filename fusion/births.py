"""Initiation: where unexplained detections become tentative tracks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.gates import chi_square_limit
from fusion.kernels import crossing
from fusion.kernels.birth import birth_polar
from fusion.kernels.formations import spare_members
from fusion.kernels.measurement import AZIMUTH, EAST, ELEVATION, G_AXES, G_SPEED, NORTH, RANGE, UP
from fusion.kernels.seeding import Pairs, Stock
from fusion.seeds import Seeds
from fusion.sensing import LONE_RANGE_M
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64, body_direction

I64 = NDArray[np.int64]
CROSSING_D2 = chi_square_limit(0.99, 1)  # two bearings miss each other by one number; one true pair in 100 is lost
MAX_WAITING = 256  # bearings; a swarm of 12 in 8 cameras leaves fewer in half a second
LONE_CLOSING_MPS = 15.0  # sigma of the radial velocity of a lone camera's target, which it cannot see
MIN_ACROSS_MPS = 3.0  # a small apparent size must not freeze the target


class Births:
    """Start tentative tracks from plots with range, claimed positions, crossing bearings, or a lone camera."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._mu = np.array(config.motion.stationary)
        self._seeds = Seeds(config)
        self._waiting: F64 = np.empty((0, crossing.B_SIZE))
        self._waiting_ns: I64 = np.empty(0, np.int64)

    def start(self, table: TrackTable, scan: Scan, hits: Hits, level_priors: F64) -> int:
        """Start tracks from the parts of the scan that no track explains; return how many."""
        free = 1.0 - hits.explained
        others, started = len(free), 0
        if not scan.lone:  # a range that a lone camera's angular size only suggests is no plot
            pairs, others = self._seeds.sow(scan, free, self._existence(scan))
            started += self._from_pairs(table, scan, pairs, level_priors)
            spare = self._spare_members(table, scan, hits)
            started += self._from_formations(table, scan, *spare, level_priors)
        return started + (self._from_others(table, scan, free, level_priors) if others else 0)

    def _from_others(self, table: TrackTable, scan: Scan, free: F64, level_priors: F64) -> int:
        """Start tracks from claims and bearings."""
        candidates = np.flatnonzero(free > self._config.birth.unexplained)
        missing = np.isnan(scan.z8[candidates])
        plots = (scan.look.located[candidates] > 0.5) & ~missing[:, RANGE] & ~missing[:, AZIMUTH]
        claims = ~plots & ~missing[:, [EAST, NORTH, UP]].any(axis=1)
        bearings = ~plots & ~claims & ~missing[:, AZIMUTH] & ~missing[:, ELEVATION]
        started = 0
        if claims.any():
            started += self._from_claims(table, scan, candidates[claims], free, level_priors)
        if bearings.any():
            start = self._from_lone_camera if scan.lone else self._from_crossings
            started += start(table, scan, candidates[bearings], free, level_priors)
        return started

    def _existence(self, scan: Scan) -> float:
        """Return the prior that an unexplained detection is a new target: births against clutter in one scan."""
        births = self._config.existence.birth_rate_per_s * min(scan.sensor.description.scan_period_s, 1.0)
        clutter = max(scan.sensor.description.clutter_per_scan, self._config.sensors.minimum_clutter_per_scan)
        return float(births / (births + clutter))

    def _from_pairs(self, table: TrackTable, scan: Scan, pairs: Pairs, level_priors: F64) -> int:
        """Start from pairs of a seed and a detection: two hits each."""
        if len(pairs.r) == 0:
            return 0
        rows = table.append(pairs.x, pairs.P, pairs.r, self._mu, scan.t_ns, level_priors)
        count, c = rows.stop - rows.start, table.columns
        det, slot = pairs.det[:count], pairs.slot[:count]
        c.born_ns[rows] = pairs.t_ns[:count]
        c.hits[rows] = 2.0
        index = np.arange(rows.start, rows.stop)
        np.add.at(c.shares, (index, slot), 1.0)
        c.shares[rows, scan.sensor.slot] += 1.0
        weight = 1.0 - math.exp(-scan.sensor.description.scan_period_s / self._config.clutter.memory_s)
        np.add.at(c.unexplained, (index, slot), weight)
        c.unexplained[rows, scan.sensor.slot] += weight
        located = scan.look.located[det] > 0.5
        c.ranged_ns[rows] = np.where(located, scan.t_ns, pairs.t_ns[:count])
        c.ranged_hits[rows] = 1.0 + located
        return int(count)

    def _spare_members(self, table: TrackTable, scan: Scan, hits: Hits) -> tuple[F64, F64]:
        """Return states (b, 6) and covariances (b, 6, 6) of one member more for each formation.

        The tracks of a formation explain nearly all of its plots, also those of a member that has no track: no plot is
        left to start one. A wide track among the others gains existence where there is a plot too many look by look.
        """
        birth, fewest = self._config.birth, self._config.association.formation
        if not scan.sensor.ranged or len(hits.track) < fewest:
            return np.empty((0, 6)), np.empty((0, 6, 6))
        x, P = np.empty((hits.n, 6)), np.empty((hits.n, 6, 6))
        start = np.searchsorted(hits.track, np.arange(hits.n + 1))
        args = start, hits.det, len(scan.look.z), fewest, birth.spare_doubt, np.array(birth.spare_room)
        b = spare_members(table.columns, hits.n, *args, x, P)
        return x[:b], P[:b]

    def _from_formations(self, table: TrackTable, scan: Scan, x: F64, P: F64, level_priors: F64) -> int:
        """Let each formation have one more member on trial."""
        if len(x) == 0:
            return 0
        return self._append(table, scan, x, P, np.full(len(x), self._config.birth.spare_existence), level_priors, False)

    def _from_claims(self, table: TrackTable, scan: Scan, rows: I64, free: F64, level_priors: F64) -> int:
        """Start from claimed positions (Remote ID, own drones)."""
        x, P = np.zeros((len(rows), 6)), np.zeros((len(rows), 6, 6))
        x[:, :3] = scan.z8[rows, EAST : UP + 1]
        for a in range(3):
            P[:, a, a] = scan.var8[rows, EAST + a]
            P[:, 3 + a, 3 + a] = self._config.birth.target_speed_mps**2
        return self._append(table, scan, x, P, self._existence(scan) * free[rows], level_priors, True)

    def _from_lone_camera(self, table: TrackTable, scan: Scan, rows: I64, free: F64, level_priors: F64) -> int:
        """Start with an assumed range: by the angular size where it is given, at a typical range where not."""
        birth = self._config.birth
        size = scan.size_rad[rows]
        known = size > 0.0
        distance = np.where(known, birth.drone_size_m / np.where(known, size, 1.0), birth.blind_range_m)
        distance = np.clip(distance, *LONE_RANGE_M)
        z = np.column_stack([distance, scan.z8[rows, AZIMUTH], scan.z8[rows, ELEVATION], np.zeros(len(rows))])
        var = np.column_stack(
            [
                (distance / 2.0) ** 2,
                scan.var8[rows, AZIMUTH],
                scan.var8[rows, ELEVATION],
                np.full(len(rows), LONE_CLOSING_MPS**2),
            ]
        )
        across = np.maximum(birth.angular_rate_rad_s * distance, MIN_ACROSS_MPS)
        x, P = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
        birth_polar(z, var, scan.look.g, np.column_stack([across, across]), x, P)
        return self._append(table, scan, x, P, self._existence(scan) * free[rows], level_priors, False)

    def _from_crossings(self, table: TrackTable, scan: Scan, rows: I64, free: F64, level_priors: F64) -> int:
        """Start where an unexplained bearing meets a recent one from another place; the others wait."""
        birth = self._config.birth
        rows = rows[(scan.var8[rows][:, [AZIMUTH, ELEVATION]] <= birth.max_bearing_sigma_rad**2).all(axis=1)]
        recent = self._waiting_ns > scan.t_ns - int(birth.bearing_memory_s * 1e9)
        self._waiting, self._waiting_ns = self._waiting[recent], self._waiting_ns[recent]
        new = self._bearings(scan, rows)
        old = self._waiting.copy()
        old[:, crossing.B_TIME] = (self._waiting_ns - scan.t_ns) / 1e9
        a = len(new)
        best, d2, p, P = np.empty(a, np.int64), np.empty(a), np.zeros((a, 3)), np.zeros((a, 3, 3))
        limits = CROSSING_D2, birth.max_cross_rms_m, birth.crossing_rms_share
        ground = np.zeros(a)
        crossing.cross(new, old, birth.target_speed_mps, birth.min_baseline_m, *limits, best, d2, p, P, ground)
        met = best >= 0
        used = np.zeros(len(old), np.bool_)
        used[best[met]] = True
        self._waiting = np.concatenate([self._waiting[~used], new[~met]])[-MAX_WAITING:]
        self._waiting_ns = np.concatenate([self._waiting_ns[~used], np.full(int((~met).sum()), scan.t_ns)])
        self._waiting_ns = self._waiting_ns[-MAX_WAITING:]
        if not met.any():
            return 0
        x6, P6 = np.zeros((int(met.sum()), 6)), np.zeros((int(met.sum()), 6, 6))
        x6[:, :3], P6[:, :3, :3] = p[met], P[met]
        for c in range(3, 6):
            P6[:, c, c] = birth.target_speed_mps**2
        existence = birth.crossing_existence * np.minimum(ground[met] / birth.crossing_reach_m**2, 1.0)
        return self._append(table, scan, x6, P6, existence * free[rows[met]], level_priors, False)

    def _bearings(self, scan: Scan, rows: I64) -> F64:
        """Return the rows (a, B_SIZE) that ``kernels.crossing`` takes."""
        out, birth = np.zeros((len(rows), crossing.B_SIZE)), self._config.birth
        axes = scan.look.g[G_AXES : G_AXES + 9].reshape(3, 3)
        out[:, 0:3] = scan.place.position_m
        out[:, 3:6] = body_direction(scan.z8[rows, AZIMUTH], scan.z8[rows, ELEVATION]) @ axes
        out[:, crossing.B_SIGMA] = np.sqrt(np.maximum(scan.var8[rows, AZIMUTH], scan.var8[rows, ELEVATION]))
        out[:, crossing.B_OWN] = scan.place.position_sigma_m
        out[:, crossing.B_HEADING] = scan.place.yaw_sigma_rad
        out[:, crossing.B_SLOWNESS] = 1.0 / scan.look.g[G_SPEED] if scan.look.g[G_SPEED] > 0.0 else 0.0
        low, high = scan.look.fov[0], scan.look.fov[1]
        out[:, crossing.B_MIN_RANGE] = birth.min_baseline_m if np.isnan(low) else max(low, birth.min_baseline_m)
        out[:, crossing.B_MAX_RANGE] = self._config.sensors.default_range_m if np.isnan(high) else high
        return out

    def _append(self, table: TrackTable, scan: Scan, x: F64, P: F64, r: F64, level_priors: F64, ranged: bool) -> int:
        rows = table.append(x, P, r, self._mu, scan.t_ns, level_priors)
        table.columns.shares[rows, scan.sensor.slot] = 1.0
        if ranged:
            table.columns.ranged_ns[rows] = scan.t_ns
            table.columns.ranged_hits[rows] = 1.0
        return int(rows.stop - rows.start)

    def snapshot(self) -> tuple[Stock, F64, I64]:
        """Return the seeds and the waiting bearings."""
        return self._seeds.snapshot(), self._waiting.copy(), self._waiting_ns.copy()

    def restore(self, saved: tuple[Stock, F64, I64]) -> None:
        """Put the seeds and the waiting bearings back."""
        self._seeds.restore(saved[0])
        self._waiting, self._waiting_ns = saved[1].copy(), saved[2].copy()
