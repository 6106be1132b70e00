"""Clocks that are passed in: the node, the simulator and the bus never read a wall clock themselves."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """A source of time in nanoseconds on the engagement's time base."""

    def now_ns(self) -> int:
        """Return the time now."""


class StreamClock:
    """A clock that only moves when it is told to: lock-step runs, replay, tests."""

    def __init__(self, t_ns: int = 0) -> None:
        self._t_ns = t_ns

    def now_ns(self) -> int:
        """Return the time it was last advanced to."""
        return self._t_ns

    def advance_to(self, t_ns: int) -> None:
        """Move forward to ``t_ns``; a time in the past changes nothing."""
        self._t_ns = max(self._t_ns, t_ns)


class ScaledClock:
    """Real time, scaled: ``start_ns + speed * (raw() - raw at start)``; ``raw`` is passed in by the process's main."""

    def __init__(self, raw: Clock, *, raw_start_ns: int, start_ns: int, speed: float) -> None:
        if speed <= 0.0:
            raise ValueError(f"speed = {speed}: must be > 0")
        self._raw, self._raw_start_ns, self._start_ns, self._speed = raw, raw_start_ns, start_ns, speed

    def now_ns(self) -> int:
        """Return the scaled time."""
        return self._start_ns + round(self._speed * (self._raw.now_ns() - self._raw_start_ns))
