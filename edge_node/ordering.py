"""The waiting room of scans: each is held back a little, then released in order of validity.

It knows no clock. What it releases depends only on the scans put in and on the times that ``advance``
is called with, and both come from journaled events (frames and ticks), so replay releases the same.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from messages.types import SensorScan


class Held(NamedTuple):
    """A scan that waits; sorts by validity, then by names, so that the order of arrival decides nothing."""

    t_ns: int
    sensor_id: str
    scan_number: int
    arrival: int  # count of arrivals: two frames with the same names and time never compare their contents
    t_arrival_ns: int
    scan: SensorScan


class Ordering:
    """Hold scans back by ``hold_back_ns`` of arrival time; ``capacity`` bounds the room, the earliest leave first."""

    def __init__(self, hold_back_ns: int, capacity: int = 1024) -> None:
        self._hold_back_ns, self._capacity = hold_back_ns, capacity
        self._heap: list[Held] = []
        self._arrivals = 0
        self._next_deadline_ns: int | None = None

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_deadline_ns(self) -> int | None:
        """Arrival time at which ``advance`` will release something; None where nothing is held."""
        return self._next_deadline_ns

    def put(self, scan: SensorScan, t_arrival_ns: int) -> int:
        """Take a scan in and return its count of arrival; call ``advance`` with the same time afterwards."""
        held = Held(scan.t_ns, scan.sensor_id, scan.scan, self._arrivals, t_arrival_ns, scan)
        heapq.heappush(self._heap, held)
        self._arrivals += 1
        deadline_ns = t_arrival_ns + self._hold_back_ns
        if self._next_deadline_ns is None or deadline_ns < self._next_deadline_ns:
            self._next_deadline_ns = deadline_ns
        return held.arrival

    def advance(self, t_arrival_ns: int) -> list[Held]:
        """Release every scan whose time is up, and before it every held one of earlier validity."""
        released: list[Held] = []
        while self._heap and (len(self._heap) > self._capacity or self._due(t_arrival_ns)):
            released.append(heapq.heappop(self._heap))
            if self._next_deadline_ns == released[-1].t_arrival_ns + self._hold_back_ns:
                self._find_deadline()
        return released

    def flush(self) -> list[Held]:
        """Release everything, in order of validity."""
        released = [heapq.heappop(self._heap) for _ in range(len(self._heap))]
        self._next_deadline_ns = None
        return released

    def _due(self, t_arrival_ns: int) -> bool:
        return self._next_deadline_ns is not None and self._next_deadline_ns <= t_arrival_ns

    def _find_deadline(self) -> None:
        arrivals = (held.t_arrival_ns for held in self._heap)
        self._next_deadline_ns = min(arrivals) + self._hold_back_ns if self._heap else None
