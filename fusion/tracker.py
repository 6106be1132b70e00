"""The tracker: one scan in, the reported tracks out. Predict, gate, associate, update, initiate, judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.births import Births
from fusion.config import Backend, TrackerConfig
from fusion.filters import make_filter
from fusion.identity import IdentityKeeper
from fusion.judgement import Judge
from fusion.kernels import association, existence, gating, measurement, motion
from fusion.registration import Registration, RegistrationSnapshot
from fusion.reporting import report_tracks
from fusion.sensing import SensorBook
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64
from messages.types import PlatformPose, SensorDescription, SensorScan, Track

I64 = NDArray[np.int64]


class OutOfOrder(ValueError):
    """A scan is older than the tracker's time; ``fusion.fixed_lag`` is the way in for late scans."""


@dataclass(frozen=True)
class Diagnostics:
    """Counts of one step."""

    detections: int = 0
    pairs: int = 0
    clusters: int = 0
    widest_frontier: int = 0
    loopy_clusters: int = 0
    births: int = 0
    tentative: int = 0
    confirmed: int = 0
    coasting: int = 0
    unreported: int = 0
    failed_updates: int = 0


@dataclass(frozen=True)
class StepResult:
    """The reported (confirmed and coasting) tracks after one scan, and what the step counted."""

    t_ns: int
    tracks: tuple[Track, ...]
    diagnostics: Diagnostics = field(default_factory=Diagnostics)


class Snapshot(NamedTuple):
    """Everything that changes while scans are processed; poses and descriptions are not part of it."""

    t_ns: int
    rows: tuple[int, int, tuple[NDArray[np.generic], ...]]
    last_look_ns: dict[int, int]
    births: tuple[F64, I64]
    registration: RegistrationSnapshot


class Tracker:
    """Track targets from scans in order of validity. Same calls, same numbers, bit for bit."""

    def __init__(self, config: TrackerConfig | None = None, backend: Backend = "numba") -> None:
        self.config = config or TrackerConfig()
        self._filter = make_filter(backend, self.config.motion)
        models, levels = len(self.config.motion.acceleration_intensity), len(self.config.detectability.level_factors)
        self.table = TrackTable(self.config.capacity, models, levels)
        self.book = SensorBook(self.config)
        self.t_ns = -1
        self._last_look_ns: dict[int, int] = {}
        self._births = Births(self.config)
        self._judge = Judge(self.config)
        self.registration = Registration(self.config, self.book)
        self._identity = IdentityKeeper()
        self._xm, self._Pm = np.zeros((self.config.capacity, 6)), np.zeros((self.config.capacity, 6, 6))
        self._room = 4 * self.config.capacity
        self._last: tuple[Scan, Hits, int] | None = None

    def add_sensor(self, description: SensorDescription) -> None:
        """Introduce a sensor before its scans; another description replaces it, the same one changes nothing."""
        if self.book.uses(description):
            return
        slot = self.book.add(description)
        self.registration.add(self.book.sensors[description.sensor_id])
        if slot >= self.table.columns.shares.shape[1]:
            self.table.widen(slot + 1)
        self.table.columns.levels[:, slot] = self.book.level_priors[slot]

    def set_pose(self, pose: PlatformPose) -> None:
        """Keep a platform's pose; scans interpolate between poses at their own time."""
        self.book.set_pose(pose)

    def step(self, scan: SensorScan) -> StepResult:
        """Fuse one scan and return the reported tracks at its time of validity."""
        if scan.t_ns < self.t_ns:
            raise OutOfOrder(f"scan of {scan.sensor_id} at {scan.t_ns} ns: older than the tracker's {self.t_ns} ns")
        self.advance(self.book.prepare(scan))
        return self.result()

    def advance(self, scan: Scan) -> None:
        """Fuse one prepared scan; ``result`` then says what came out."""
        scan = self.registration.corrected(scan)
        dt = (scan.t_ns - self.t_ns) / 1e9 if self.t_ns >= 0 else 0.0
        self._predict(dt)
        self.t_ns = scan.t_ns
        hits = self._associate_and_update(scan)
        self.registration.learn(self.table, scan, hits, self._xm)
        births = self._births.start(self.table, scan, hits, self.book.level_priors)
        self._outputs()
        self._identity.update(self.table, scan, hits, dt, self._xm, self._Pm)
        self._judge.judge(self.table, scan, hits, self._xm, self._Pm, self.book.places, self.book.ranged_pause_s)
        self._last = scan, hits, births

    def result(self) -> StepResult:
        """Return the reported tracks and the diagnostics of the last step."""
        if self._last is None:
            return StepResult(self.t_ns, ())
        scan, hits, births = self._last
        args = self._xm, self._Pm, self.t_ns, self.book.names, scan.lone, self.book.ranged_pause_s
        tracks, counts = report_tracks(self.table, self.config, *args)
        clusters, widest, loopy = hits.clusters
        diagnostics = Diagnostics(len(scan.z), len(hits.track), clusters, widest, loopy, births, *counts, hits.failed)
        return StepResult(self.t_ns, tracks, diagnostics)

    def _predict(self, dt: float) -> None:
        n, c = self.table.n, self.table.columns
        if n and dt > 0.0:
            self._filter.predict(c.x, c.P, c.mu, n, dt)
            c.r[:n] *= np.exp(-dt / self.config.existence.mean_life_s)
            c.shares[:n] *= np.exp(-dt / self.config.detectability.memory_s)
            c.ranged_hits[:n] *= np.exp(-dt / self.book.support_s)
        self._outputs()

    def _outputs(self) -> None:
        c = self.table.columns
        motion.outputs(c.x, c.P, c.mu, self.table.n, self._xm, self._Pm)

    def _detection_probability(self, scan: Scan) -> tuple[F64, F64]:
        """Return each track's chance to be in view (n,) and its detection probability (n,)."""
        n, c, sensor = self.table.n, self.table.columns, scan.sensor
        last = self._last_look_ns.get(sensor.slot, scan.t_ns)
        stay = float(np.exp(-(scan.t_ns - last) / 1e9 / self.config.detectability.memory_s))
        self._last_look_ns[sensor.slot] = scan.t_ns
        visible, pd = np.empty(n), np.empty(n)
        if n:
            notch = sensor.description.doppler_notch_mps
            gating.visibility(self._xm, self._Pm, n, scan.g, scan.fov, notch, visible)
            levels = c.levels[:, sensor.slot]
            existence.expected_pd(levels, n, sensor.level_prior, stay, sensor.level_pd, visible, pd)
        return visible, pd

    def _linearise(self, scan: Scan) -> tuple[F64, F64, F64, F64, F64]:
        """Return h, H, P H^T, S and R of all tracks and models for the components of the scan."""
        n, c, k = self.table.n, self.table.columns, len(scan.used)
        models = c.mu.shape[1]
        h, H = np.empty((n, models, k)), np.empty((n, models, k, 6))
        PHt, S, R = np.empty((n, models, 6, k)), np.empty((n, models, k, k)), np.empty((n, models, k, k))
        pose_scale, own_scale = np.empty(n), np.empty(n)
        looks = self.config.sensors.pose_memory_s / self.config.detectability.memory_s
        carried = self.book.carried_with(scan.sensor)
        existence.bias_scales(c.shares, n, carried, scan.sensor.slot, looks, pose_scale, own_scale)
        measurement.linearise(c.x, c.P, n, scan.used, scan.g, pose_scale, own_scale, h, H, PHt, S, R)
        return h, H, PHt, S, R

    def _gate(self, scan: Scan, h: F64, S: F64) -> tuple[int, I64, I64, F64]:
        """Return the gated pairs; the room for them doubles where it was too small."""
        n, c = self.table.n, self.table.columns
        while True:
            track, det = np.empty(self._room, np.int64), np.empty(self._room, np.int64)
            like = np.empty((self._room, c.mu.shape[1]))
            gate_d2 = self._judge.gate_d2
            pairs = gating.pair_likelihoods(c.mu, n, h, S, scan.z, scan.var, scan.used, gate_d2, track, det, like)
            if pairs <= self._room:
                return pairs, track[:pairs], det[:pairs], like[:pairs]
            self._room = 2 * pairs

    def _associate_and_update(self, scan: Scan) -> Hits:
        n, c, m = self.table.n, self.table.columns, len(scan.z)
        visible, pd = self._detection_probability(scan)
        none = np.empty(0)
        if n == 0:
            no = np.empty(0, np.int64)
            return Hits(no, no, none, none, none, np.zeros(m), (0, 0, 0), 0)
        pairs = 0
        track: I64 = np.empty(0, np.int64)
        det: I64 = np.empty(0, np.int64)
        like: F64 = np.empty((0, c.mu.shape[1]))
        if m:
            h, H, PHt, S, R = self._linearise(scan)
            pairs, track, det, like = self._gate(scan, h, S)
            self._identity.weigh(self.table, scan, track, det, like)
        w, w0, start = np.empty(pairs), np.empty(n), np.empty(n + 1, np.int64)
        beta, miss = np.empty(pairs), np.empty(n)
        existence.weights(c.r, pd, c.mu, like, track, det, scan.density, n, w, w0, start)
        frontier = self.config.association.max_frontier
        clusters, failed = (0, 0, 0), 0
        miss[:] = 1.0
        if pairs:
            clusters = association.marginals(w, w0, start, det, n, m, frontier, beta, miss)
            failed = self._filter.update(
                c.x, c.P, c.mu, n, h, H, PHt, S, R, scan.z, scan.var, scan.used, start, det, like, beta, miss
            )
        slot, level_pd = scan.sensor.slot, scan.sensor.level_pd
        existence.update_existence(c.r, c.levels[:, slot], n, level_pd, visible, pd, miss, w0)
        seen, ranged, explained = np.empty(n), np.empty(n), np.empty(m)
        existence.count_hits(n, track, det, beta, miss, scan.located, seen, ranged, explained)
        c.hits[:n] += seen
        c.shares[:n, slot] += seen
        return Hits(track, det, beta, seen, ranged, explained, clusters, failed)

    def snapshot(self) -> Snapshot:
        """Return a copy of all that scans change."""
        births, registration = self._births.snapshot(), self.registration.snapshot()
        return Snapshot(self.t_ns, self.table.copy_rows(), dict(self._last_look_ns), births, registration)

    def restore(self, saved: Snapshot) -> None:
        """Go back to a snapshot: what follows is bit-identical to what followed it before."""
        self.t_ns = saved.t_ns
        self.table.restore_rows(saved.rows)
        self._last_look_ns = dict(saved.last_look_ns)
        self._births.restore(saved.births)
        self.registration.restore(saved.registration)
