"""What the node says about itself: counters, silent sensors, and the state that follows from the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from messages.types import HealthState, NodeHealth, SensorDescription, SensorStatus

SILENCE_PERIODS = 5.0  # scans in a row that may be late or lost before a sensor counts as silent
SILENCE_LIMIT_MIN_S = 0.5  # a vehicle network that jitters this much is a fault worth a word
REASONS_MAX = 32  # what the message holds
COUNTER_MAX = 2**62  # what the message holds; a hostile sequence may claim any gap


class SensorWatch:
    """Notice sensors that stopped scanning, and remember what sensors say about themselves."""

    def __init__(self) -> None:
        self._limit_s: dict[str, float] = {}
        self._last_ns: dict[str, int] = {}
        self._status: dict[str, SensorStatus] = {}

    def described(self, description: SensorDescription, t_arrival_ns: int) -> None:
        """Begin to watch a sensor; its silence counts from its introduction."""
        sensor_id = description.sensor_id
        self._limit_s[sensor_id] = max(SILENCE_LIMIT_MIN_S, SILENCE_PERIODS * description.scan_period_s)
        self._last_ns.setdefault(sensor_id, t_arrival_ns)

    def scanned(self, sensor_id: str, t_arrival_ns: int) -> None:
        """A scan of this sensor was heard."""
        self._last_ns[sensor_id] = t_arrival_ns

    def reported(self, status: SensorStatus) -> None:
        """Take the sensor's own word."""
        self._status[status.sensor_id] = status

    def ended(self, sensor_id: str) -> None:
        """Stop watching: the sensor said that it has finished."""
        self._limit_s.pop(sensor_id, None)
        self._last_ns.pop(sensor_id, None)
        self._status.pop(sensor_id, None)

    def reasons(self, t_now_ns: int) -> list[str]:
        """Return one sentence a sensor that is silent or unwell, sorted by sensor."""
        found = []
        for sensor_id in sorted(self._limit_s):
            silent_s = (t_now_ns - self._last_ns[sensor_id]) / 1e9
            if silent_s > self._limit_s[sensor_id]:
                found.append(f"{sensor_id}: no scans for {silent_s:.1f} s (limit {self._limit_s[sensor_id]:.1f} s)")
        for sensor_id, status in sorted(self._status.items()):
            if status.state != "NORMAL":
                found.append(f"{sensor_id}: says {status.state}: {status.reason}"[:512])
        return found


def refusal_reasons(now: Counter[str], before: Counter[str]) -> list[str]:
    """Return one sentence on the frames refused between two health messages; empty where there were none."""
    new = {reason: now[reason] - before[reason] for reason in sorted(now) if now[reason] > before[reason]}
    if not new:
        return []
    return [f"refused {sum(new.values())} frames: " + ", ".join(f"{reason} {n}" for reason, n in new.items())]


def health_message(
    t_ns: int, *, warming: bool, failed: bool, reasons: Iterable[str], counters: dict[str, int]
) -> NodeHealth:
    """Return the health message; the first of FAILED, WARMING, DEGRADED (there are reasons) that holds is the state."""
    told = tuple(reasons)[:REASONS_MAX]
    state: HealthState = "FAILED" if failed else "WARMING" if warming else "DEGRADED" if told else "NORMAL"
    bounded = {name: min(max(value, 0), COUNTER_MAX) for name, value in sorted(counters.items())}
    return NodeHealth(t_ns=t_ns, state=state, reasons=told, counters=bounded)
