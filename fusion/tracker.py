"""The tracker: one scan in, the reported tracks out. Predict, gate, associate, update, initiate, judge."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.births import Births
from fusion.clutter import ClutterMaps, Map
from fusion.config import Backend, TrackerConfig
from fusion.filters import acceleration_variances, make_foreign_filter, rules_of
from fusion.identity import CLASS_RULES
from fusion.judgement import MERGE, limits
from fusion.kernels import consider, scan_step
from fusion.kernels.bundles import Look, with_pairs, work_for
from fusion.kernels.measurement import N_COMPONENTS
from fusion.kernels.seeding import Stock
from fusion.lifecycle import NEXT, Event, State, advance
from fusion.registration import Registration, RegistrationSnapshot
from fusion.reporting import Reported, as_tracks, report
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
    pruned_clusters: int = 0
    loopy_clusters: int = 0
    association_error: float = 0.0
    births: int = 0
    tentative: int = 0
    confirmed: int = 0
    coasting: int = 0
    unreported: int = 0
    failed_updates: int = 0


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one scan gave: the reported (confirmed and coasting) tracks as arrays, and what the step counted.

    ``tracks`` are the same as messages; they are made when they are first asked for.
    """

    t_ns: int
    reported: Reported | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """The reported tracks at ``t_ns``."""
        return () if self.reported is None else as_tracks(self.reported, self.t_ns)

    def __eq__(self, other: object) -> bool:
        """Say whether two steps gave the same, to the last bit."""
        if not isinstance(other, StepResult):
            return NotImplemented
        mine, theirs = (self.t_ns, self.diagnostics, self.tracks), (other.t_ns, other.diagnostics, other.tracks)
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]  # what is compared by arrays is no key


class Snapshot(NamedTuple):
    """Everything that changes while scans are processed; poses and descriptions are not part of it."""

    t_ns: int
    rows: tuple[int, int, tuple[NDArray[np.generic], ...]]
    last_look_ns: dict[int, int]
    births: tuple[Stock, F64, I64]
    registration: RegistrationSnapshot
    clutter: dict[int, Map]
    known: F64  # (B,) variances of the platforms' errors


class Tracker:
    """Track targets from scans in order of validity. Same calls, same numbers, bit for bit."""

    def __init__(self, config: TrackerConfig | None = None, backend: Backend = "numba") -> None:
        self.config = config or TrackerConfig()
        self._rules = rules_of(self.config)
        self._foreign = make_foreign_filter(backend, self.config.motion)
        levels = len(self.config.detectability.level_factors)
        self.table = TrackTable(self.config.capacity, acceleration_variances(self.config.motion), levels)
        self.book = SensorBook(self.config)
        self.t_ns = -1
        self._last_look_ns: dict[int, int] = {}
        self._births = Births(self.config)
        self._clutter = ClutterMaps(self.config.clutter)
        self.registration = Registration(self.config, self.book)
        room = self.config.association.max_cells, 4 * self.config.capacity
        self._work = work_for(self.table.columns.x.shape, *room)
        self._last: tuple[Scan, Hits, int] | None = None
        self._known = np.zeros(0)
        self._numbers: dict[int, int] = {}  # of reported tracks; no re-run takes one back

    def add_sensor(self, description: SensorDescription) -> None:
        """Introduce a sensor before its scans; another description replaces it, the same one changes nothing."""
        if self.book.uses(description):
            return
        slot = self.book.add(description)
        self.registration.add(self.book.sensors[description.sensor_id])
        c = self.table.columns
        self.table.widen(max(slot + 1, c.shares.shape[1]), self.book.errors)
        self._work = self._work._replace(shared=np.zeros(c.mu.size * N_COMPONENTS * self.book.errors))
        self._known = np.pad(self._known, (0, self.book.errors - len(self._known)))
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
        scan = self._clutter.judged(self.registration.corrected(scan))
        dt = (scan.t_ns - self.t_ns) / 1e9 if self.t_ns >= 0 else 0.0
        self.t_ns = scan.t_ns
        pairs = self._foresee(scan, dt)
        hits = self._associate(scan, pairs)
        self.registration.learn(self.table, scan, hits, self._work.xm)
        self._clutter.learn(scan, hits.trusted)
        old = self.table.n
        births = self._births.start(self.table, scan, hits, self.book.level_priors)
        self._settle(scan, old, pairs, dt)
        self._last = scan, hits, births

    def result(self) -> StepResult:
        """Return the reported tracks and the diagnostics of the last step."""
        if self._last is None:
            return StepResult(self.t_ns)
        scan, hits, births = self._last
        args = self._work.xm, self._work.Pm, self.t_ns, self.book.names, scan.lone, self.book.ranged_pause_s
        reported, counts = report(self.table, self.config, *args)
        numbers = [self._numbers.setdefault(int(i), len(self._numbers) + 1) for i in reported.track_id]
        reported = reported._replace(track_id=np.array(numbers, dtype=np.int64))
        diagnostics = Diagnostics(len(scan.look.z), len(hits.track), *hits.clusters, births, *counts, hits.failed)
        return StepResult(self.t_ns, reported, diagnostics)

    def _foresee(self, scan: Scan, dt: float) -> int:
        """Predict and gate; return the number of pairs. The room for them doubles where it was too small."""
        slot, n, c = scan.look.slot, self.table.n, self.table.columns
        since_look_s = (scan.t_ns - self._last_look_ns.get(slot, scan.t_ns)) / 1e9
        self._last_look_ns[slot] = scan.t_ns
        self._consider(scan.look, dt)
        compiled = self._foreign is None
        if self._foreign is not None and n and dt > 0.0:
            self._foreign.predict(c.x, c.P, c.mu, n, dt)
        args = scan.look, self._rules
        pairs = scan_step.foresee(c, n, compiled, dt, since_look_s, *args, self.book.support_s, self._work)
        while pairs > len(self._work.track):
            self._work = with_pairs(self._work, 2 * pairs)
            pairs = scan_step.gate(c, n, *args, self._work)
        self._clutter.insist(scan, c, n, self._work, self._rules.memory_s)
        return int(pairs)

    def _consider(self, look: Look, dt: float) -> None:
        """Move what the tracks share with the errors of platforms, and take over the looking one's variances."""
        n, c, rules = self.table.n, self.table.columns, self._rules
        if n and dt > 0.0 and len(self._known):
            keep = math.exp(-dt / self.config.registration.pose_walk_s)
            consider.predict(c.cross, c.mu, n, rules, dt, keep)
        if look.block >= 0:
            consider.know(c.cross, n, look.block, self._known, look.g)

    def _associate(self, scan: Scan, pairs: int) -> Hits:
        n, c, work, look = self.table.n, self.table.columns, self._work, scan.look
        explained, trusted = np.zeros(len(look.z)), np.zeros(len(look.z))
        if n == 0:
            none = np.empty(0, np.int64)
            return Hits(0, none, none, np.empty(0), explained, explained, (0, 0, 0, 0, 0.0), 0)
        compiled = self._foreign is None
        counts, failed = scan_step.associate(c, n, pairs, compiled, look, self._rules, work, explained, trusted)
        if self._foreign is not None and pairs:
            h, H, PHt, S, R = scan_step.carve(work.flat, n, c.mu.shape[1], len(look.used), c.x.shape[2])
            found = work.start, work.det[:pairs], work.like[:pairs], work.beta[:pairs], work.miss
            failed = self._foreign.update(c.x, c.P, c.mu, n, h, H, PHt, S, R, look.z, look.var, look.used, *found)
        return Hits(n, work.track[:pairs], work.det[:pairs], work.beta[:pairs], explained, trusted, counts, failed)

    def _settle(self, scan: Scan, old: int, pairs: int, dt: float) -> None:
        table, pause_s = self.table, self.book.ranged_pause_s
        if table.n == 0:
            return
        left, wrong = scan_step.settle(
            table.columns, old, table.n, pairs, scan.t_ns, dt, scan.look, scan.lone,
            limits(self.config, scan, pause_s), self.book.places, CLASS_RULES, MERGE, NEXT, self._work,
        )  # fmt: skip
        if wrong >= 0:
            advance(State(int(table.columns.state[wrong])), Event(int(self._work.event[wrong])))
        table.n = left
        if left > table.capacity:
            kept, work = table.trim(), self._work
            work.xm[: len(kept)], work.Pm[: len(kept)] = work.xm[kept], work.Pm[kept]

    def snapshot(self) -> Snapshot:
        """Return a copy of all that scans change."""
        births, registration = self._births.snapshot(), self.registration.snapshot()
        looks, clutter = dict(self._last_look_ns), self._clutter.snapshot()
        return Snapshot(self.t_ns, self.table.copy_rows(), looks, births, registration, clutter, self._known.copy())

    def restore(self, saved: Snapshot) -> None:
        """Go back to a snapshot: what follows is bit-identical to what followed it before."""
        self.t_ns = saved.t_ns
        self.table.restore_rows(saved.rows, self.book.level_priors)
        self._last_look_ns = dict(saved.last_look_ns)
        self._births.restore(saved.births)
        self.registration.restore(saved.registration)
        self._clutter.restore(saved.clutter)
        self._known[:] = 0.0
        self._known[: len(saved.known)] = saved.known
