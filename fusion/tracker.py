"""The tracker: one scan in, the reported tracks out. Predict, gate, associate, update, initiate, judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.births import Births
from fusion.config import Backend, TrackerConfig
from fusion.filters import make_filter
from fusion.identity import Identity
from fusion.judgement import Judge
from fusion.kernels import association, existence, gating, measurement, motion
from fusion.reporting import report_tracks
from fusion.sensors import Place, PoseHistory, Sensor, UnknownSensor
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.detections import INDEX, block
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


class Tracker:
    """Track targets from scans in order of validity. Same calls, same numbers, bit for bit."""

    def __init__(self, config: TrackerConfig | None = None, backend: Backend = "numba") -> None:
        self.config = config or TrackerConfig()
        motion_config = self.config.motion
        self._filter = make_filter(backend, motion_config)
        models, levels = len(motion_config.acceleration_intensity), len(self.config.detectability.level_factors)
        self.table = TrackTable(self.config.capacity, models, levels)
        self.t_ns = -1
        self._sensors: dict[str, Sensor] = {}
        self._poses: dict[str, PoseHistory] = {}
        self._level_priors = np.tile(self.config.detectability.bearing_prior, (1, 1))
        self._last_look_ns: dict[int, int] = {}
        self._births = Births(self.config)
        self._judge = Judge(self.config)
        self._identity = Identity()
        c = self.config.capacity
        self._xm, self._Pm = np.zeros((c, 6)), np.zeros((c, 6, 6))
        self._room = 4 * c

    # ---- what the tracker knows about sensors and platforms -------------------------------------------------

    def add_sensor(self, description: SensorDescription) -> None:
        """Introduce a sensor before its scans; doing so again replaces it."""
        known = self._sensors.get(description.sensor_id)
        slot = known.slot if known else len(self._sensors)
        if slot >= self.config.max_sensors:
            raise ValueError(
                f"sensor {description.sensor_id}: more than max_sensors = {self.config.max_sensors} sensors; "
                "raise TrackerConfig.max_sensors"
            )
        sensor = Sensor(description, slot, self.config.sensors, self.config.detectability)
        self._sensors[description.sensor_id] = sensor
        if known is None:
            self.table.widen(slot + 1)
            prior = sensor.level_prior[None]
            self._level_priors = np.concatenate([self._level_priors[:slot], prior])
            self.table.columns.levels[:, slot] = prior
        self._level_priors[slot] = sensor.level_prior

    def use(self, description: SensorDescription) -> None:
        """Make sure that this very description is the one in use (a re-run goes back to an earlier one)."""
        known = self._sensors.get(description.sensor_id)
        if known is None or known.description is not description:
            self.add_sensor(description)

    def check(self, scan: SensorScan) -> None:
        """Raise what ``step`` would raise for this scan: unknown sensor, platform without a pose, bad block."""
        self._prepare(scan)

    def set_pose(self, pose: PlatformPose) -> None:
        """Keep a platform's pose; scans interpolate between poses at their own time."""
        self._poses.setdefault(pose.platform_id, PoseHistory()).add(pose)

    def pose_before(self, platform_id: str, t_ns: int) -> int:
        """Return the time of the last pose of a platform before t_ns, or -1."""
        history = self._poses.get(platform_id)
        return history.before(t_ns) if history else -1

    def platform_of(self, sensor_id: str) -> str | None:
        """Return the platform that carries the sensor, or None."""
        sensor = self._sensors.get(sensor_id)
        return sensor.description.platform_id if sensor else None

    def _sensor(self, sensor_id: str) -> Sensor:
        try:
            return self._sensors[sensor_id]
        except KeyError:
            raise UnknownSensor(f"scan of sensor {sensor_id}: no description of it has arrived") from None

    def _place(self, sensor: Sensor, t_ns: int) -> Place:
        platform = sensor.description.platform_id
        if platform is None:
            return sensor.place(None)
        history = self._poses.get(platform)
        if history is None:
            raise UnknownSensor(
                f"scan of sensor {sensor.description.sensor_id}: its platform {platform} has sent no pose"
            )
        return sensor.place(history.at(t_ns))

    # ---- one scan -------------------------------------------------------------------------------------------

    def step(self, scan: SensorScan) -> StepResult:
        """Fuse one scan and return the reported tracks at its time of validity."""
        if scan.t_ns < self.t_ns:
            raise OutOfOrder(f"scan of {scan.sensor_id} at {scan.t_ns} ns: older than the tracker's {self.t_ns} ns")
        ready = self._prepare(scan)
        lone = self._lone_place(scan.t_ns)
        dt = (scan.t_ns - self.t_ns) / 1e9 if self.t_ns >= 0 else 0.0
        self._predict(dt)
        self.t_ns = scan.t_ns
        hits = self._associate_and_update(ready)
        births = self._births.start(self.table, ready, hits, self._level_priors, lone)
        self._outputs()
        self._identity.update(self.table, ready, hits, dt, self._xm, self._Pm)
        self._judge.judge(self.table, ready, hits, self._xm, self._Pm, lone)
        return self._result(ready, hits, births, lone)

    def _prepare(self, scan: SensorScan) -> Scan:
        sensor = self._sensor(scan.sensor_id)
        place = self._place(sensor, scan.t_ns)
        paired = self._place(self._sensor(scan.paired_sensor_id), scan.t_ns) if scan.paired_sensor_id else None
        rows = block(scan)
        z8, var8 = sensor.measurements(rows)
        fov = sensor.field_of_view(scan.look)
        baseline = float(np.linalg.norm(paired.position_m - place.position_m)) if paired is not None else 0.0
        measured = ~np.isnan(z8)
        if paired is None:
            measured[:, measurement.TDOA] = False
        keep = measured.any(axis=1)
        if not keep.all():
            rows, z8, var8, measured = rows[keep], z8[keep], var8[keep], measured[keep]
        z8 = np.where(measured, z8, np.nan)
        used = np.flatnonzero(measured.any(axis=0))
        return Scan(
            sensor,
            place,
            scan.t_ns,
            sensor.geometry(place, paired),
            fov,
            used,
            np.ascontiguousarray(z8[:, used]),
            np.ascontiguousarray(var8[:, used]),
            z8,
            var8,
            rows[:, INDEX["angular_size_rad"]],
            sensor.clutter_density(z8, fov, baseline),
            rows,
            scan.class_names,
        )

    def _predict(self, dt: float) -> None:
        n, c = self.table.n, self.table.columns
        if n and dt > 0.0:
            self._filter.predict(c.x, c.P, c.mu, n, dt)
            c.r[:n] *= np.exp(-dt / self.config.existence.mean_life_s)
            c.shares[:n] *= np.exp(-dt / self.config.detectability.memory_s)

    def _outputs(self) -> None:
        c = self.table.columns
        motion.outputs(c.x, c.P, c.mu, self.table.n, self._xm, self._Pm)

    def _detection_probability(self, scan: Scan) -> tuple[F64, F64]:
        """Return each track's chance to be in view (n,) and its detection probability (n,)."""
        n, c, sensor = self.table.n, self.table.columns, scan.sensor
        last = self._last_look_ns.get(sensor.slot, scan.t_ns)
        stay = float(np.exp(-(scan.t_ns - last) / 1e9 / self.config.detectability.memory_s))
        self._last_look_ns[sensor.slot] = scan.t_ns
        levels = c.levels[:, sensor.slot]
        visible, pd = np.empty(n), np.empty(n)
        if n:
            existence.relax_levels(levels, n, sensor.level_prior, stay)
            notch = sensor.description.doppler_notch_mps
            gating.visibility(self._xm, self._Pm, n, scan.g, scan.fov, notch, visible)
            existence.expected_pd(levels, n, sensor.level_pd, visible, pd)
        return visible, pd

    def _gate(self, scan: Scan, h: F64, S: F64, gate_d2: F64) -> tuple[int, I64, I64, F64]:
        """Return the gated pairs; the room for them doubles where it was too small."""
        n, c = self.table.n, self.table.columns
        while True:
            track, det = np.empty(self._room, np.int64), np.empty(self._room, np.int64)
            like = np.empty((self._room, c.mu.shape[1]))
            pairs = gating.pair_likelihoods(c.mu, n, h, S, scan.z, scan.var, scan.used, gate_d2, track, det, like)
            if pairs <= self._room:
                return pairs, track[:pairs], det[:pairs], like[:pairs]
            self._room = 2 * pairs

    def _associate_and_update(self, scan: Scan) -> Hits:
        n, c, m, k = self.table.n, self.table.columns, len(scan.z), len(scan.used)
        self._outputs()
        visible, pd = self._detection_probability(scan)
        none = np.empty(0, np.int64)
        if n == 0:
            return Hits(none, none, np.empty(0), np.empty(0), np.empty(0), visible, np.zeros(m), (0, 0, 0), 0)
        models = c.mu.shape[1]
        h, H = np.empty((n, models, k)), np.empty((n, models, k, 6))
        PHt, S, R = np.empty((n, models, 6, k)), np.empty((n, models, k, k)), np.empty((n, models, k, k))
        measurement.linearise(c.x, c.P, n, scan.used, scan.g, h, H, PHt, S, R)
        pairs, track, det, like = self._gate(scan, h, S, self._judge.gate_d2)
        self._identity.weigh(self.table, scan, track, det, like)
        w, w0 = np.empty(pairs), np.empty(n)
        start, beta, miss = np.empty(n + 1, np.int64), np.empty(pairs), np.empty(n)
        existence.start_index(track, pairs, n, start)
        existence.weights(c.r, pd, c.mu, like, track, scan.density[det], pairs, n, w, w0)
        frontier = self.config.association.max_frontier
        clusters = association.marginals(w, w0, start, det, n, m, frontier, beta, miss)
        failed = self._filter.update(
            c.x, c.P, c.mu, n, h, H, PHt, S, R, scan.z, scan.var, scan.used, start, det, like, beta, miss
        )
        hit = np.empty(n)
        levels = c.levels[:, scan.sensor.slot]
        existence.update_existence(c.r, levels, n, scan.sensor.level_pd, visible, pd, miss, w0, hit)
        seen = 1.0 - miss
        c.hits[:n] += seen
        c.shares[:n, scan.sensor.slot] += seen
        explained = np.bincount(det, weights=beta, minlength=m) if pairs else np.zeros(m)
        located = ~np.isnan(scan.z8[:, measurement.RANGE]) | ~np.isnan(scan.z8[:, measurement.EAST])
        ranged = np.bincount(track, weights=beta * located[det], minlength=n) if pairs else np.zeros(n)
        sums = explained.astype(np.float64), ranged.astype(np.float64)
        return Hits(track, det, beta, seen, sums[1], visible, sums[0], clusters, failed)

    def _lone_place(self, t_ns: int) -> bool:
        """Say whether all sensors measure bearings only and from one place: then no range can ever be known."""
        if any(s.ranged or (not np.isnan(s.sigmas[7]) and s.description.sigma.tdoa_s) for s in self._sensors.values()):
            return False
        names = {s.description.platform_id or s.description.sensor_id for s in self._sensors.values()}
        if len(names) < 2:
            return True
        places = [self._place(s, t_ns).position_m for s in self._sensors.values() if self._has_pose(s)]
        spread = np.ptp(np.array(places), axis=0) if places else np.zeros(3)
        return bool(np.hypot(spread[0], spread[1]) < self.config.birth.min_baseline_m)

    def _has_pose(self, sensor: Sensor) -> bool:
        platform = sensor.description.platform_id
        return platform is None or platform in self._poses

    def _result(self, scan: Scan, hits: Hits, births: int, lone: bool) -> StepResult:
        table = self.table
        names = [(s.slot, name) for name, s in self._sensors.items()]
        tracks, counts = report_tracks(table, self.config, self._xm, self._Pm, self.t_ns, names, lone)
        clusters, widest, loopy = hits.clusters
        diagnostics = Diagnostics(len(scan.z), len(hits.track), clusters, widest, loopy, births, *counts, hits.failed)
        return StepResult(self.t_ns, tracks, diagnostics)

    # ---- snapshots ------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return a copy of all that scans change."""
        return Snapshot(self.t_ns, self.table.copy_rows(), dict(self._last_look_ns), self._births.snapshot())

    def restore(self, saved: Snapshot) -> None:
        """Go back to a snapshot: what follows is bit-identical to what followed it before."""
        self.t_ns = saved.t_ns
        self.table.restore_rows(saved.rows)
        self._last_look_ns = dict(saved.last_look_ns)
        self._births.restore(saved.births)
