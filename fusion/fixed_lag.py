"""Late scans: re-run from the state before them, bit-identical to having heard everything in order.

What comes out is a function of the set of scans, poses and descriptions inside the lag, not of the
order in which they arrived. Memory is bounded by the lag and by ``MAX_SCANS``.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from fusion.sensors import UnknownSensor
from fusion.step import Scan
from fusion.tracker import Snapshot, StepResult, Tracker
from messages.types import PlatformPose, SensorDescription, SensorScan

DEFAULT_LAG_NS = 1_000_000_000
"""Mesh and processing delays are 20-300 ms, bursts seconds (physics 5): 1 s keeps nearly all, costs little."""
MAX_SCANS = 4096  # four seconds of a thousand scans a second
SNAPSHOT_EVERY_NS = 20_000_000  # re-running 20 ms of scans is cheaper than copying the table before each of them

Key = tuple[int, str, int]


@dataclass
class Entry:
    """One scan inside the lag, and the tracker's state before it where one was kept."""

    key: Key
    scan: SensorScan
    described: SensorDescription
    before: Snapshot | None = None
    ready: Scan | None = None


class FixedLag:
    """Feed a tracker with scans that may be late by up to ``lag_ns``."""

    def __init__(self, tracker: Tracker, lag_ns: int = DEFAULT_LAG_NS) -> None:
        if lag_ns < 0:
            raise ValueError(f"lag_ns = {lag_ns}: must be >= 0")
        self.tracker = tracker
        self.lag_ns = lag_ns
        self.refused = 0
        self.reruns = 0
        self._descriptions: dict[str, SensorDescription] = {}
        self._entries: list[Entry] = []
        self._keys: list[Key] = []
        self._newest_ns = -1
        self._snapshot_ns = -SNAPSHOT_EVERY_NS
        self._stale_from: int | None = None  # entries from here on have to be run again

    def add_sensor(self, description: SensorDescription) -> None:
        """Introduce or replace a sensor: valid for its scans that are stepped from now on."""
        self._descriptions[description.sensor_id] = description
        self.tracker.add_sensor(description)

    def set_pose(self, pose: PlatformPose) -> None:
        """Take a pose; scans already run that it would have changed are run again with the next step."""
        before_ns = self.tracker.book.pose_before(pose.platform_id, pose.t_ns)
        self.tracker.set_pose(pose)
        for i, entry in enumerate(self._entries):
            if (
                entry.key[0] > before_ns - self.tracker.registration.lead_ns
                and entry.described.platform_id == pose.platform_id
            ):
                entry.ready = None
                self._stale_from = i if self._stale_from is None else min(self._stale_from, i)

    def step(self, scan: SensorScan) -> StepResult | None:
        """Fuse one scan; return the tracks at the newest time, or None for a scan older than the lag."""
        if scan.sensor_id not in self._descriptions:
            raise UnknownSensor(f"scan of sensor {scan.sensor_id}: no description of it has arrived")
        if scan.t_ns < self._horizon_ns():
            self.refused += 1
            return None
        key = (scan.t_ns, scan.sensor_id, scan.scan)
        entry = Entry(key, scan, self._descriptions[scan.sensor_id])
        self._prepared(entry)  # raises before anything has changed
        i = bisect_right(self._keys, key)
        first = i if self._stale_from is None else min(i, self._stale_from)
        if first == len(self._entries):
            self._run(entry)
            self._insert(i, entry)
        else:
            if i == 0:
                entry.before = self._entries[0].before
            self._insert(i, entry)
            self._rerun(first)
        self._stale_from = None
        self._newest_ns = max(self._newest_ns, scan.t_ns)
        self._forget()
        return self.tracker.result()

    def _horizon_ns(self) -> int:
        base = self._entries[0].before.t_ns if self._entries and self._entries[0].before else -1
        return max(self._newest_ns - self.lag_ns, base)

    def _insert(self, i: int, entry: Entry) -> None:
        self._entries.insert(i, entry)
        self._keys.insert(i, entry.key)

    def _run(self, entry: Entry) -> None:
        """Step one entry with the description that was valid for it, after a snapshot if one is due."""
        due = not self._entries or entry.key[0] - self._snapshot_ns >= SNAPSHOT_EVERY_NS
        before = self.tracker.snapshot() if due else None
        self.tracker.advance(self._prepared(entry))
        entry.before = before
        if due:
            self._snapshot_ns = entry.key[0]

    def _prepared(self, entry: Entry) -> Scan:
        """Return the entry's scan ready for the tracker, made with the description that was valid for it."""
        if not self.tracker.book.uses(entry.described):
            self.tracker.add_sensor(entry.described)
        if entry.ready is None:
            entry.ready = self.tracker.book.prepare(entry.scan)
        return entry.ready

    def _rerun(self, first: int) -> None:
        """Go back to the last snapshot at or before an entry and run everything after it again."""
        self.reruns += 1
        while self._entries[first].before is None:
            first -= 1
        start = self._entries[first].before
        assert start is not None
        self.tracker.restore(start)
        self._snapshot_ns = -SNAPSHOT_EVERY_NS
        for entry in self._entries[first:]:
            self._run(entry)
        if self._entries[first].before is None:
            self._entries[first].before = start

    def _forget(self) -> None:
        """Drop entries older than the lag, up to the last snapshot that is still needed."""
        horizon = self._newest_ns - self.lag_ns
        keep = 0
        for i, entry in enumerate(self._entries):
            if entry.key[0] >= horizon and len(self._entries) - i <= MAX_SCANS:
                break
            if entry.before is not None:
                keep = i
        del self._entries[:keep], self._keys[:keep]
