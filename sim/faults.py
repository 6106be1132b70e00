"""What the scenario's events do to one sender (a sensor, or a hull with its poses), by time.

Windows include their begin and not their end. Nothing here draws: what is drawn stays with the sensor
and the channel, whether or not something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from messages.detections import INDEX
from messages.frames import F64, wrap_pi
from scenarios.events import (
    Jamming,
    LinkFault,
    RemoteIdSpoof,
    ScenarioEvent,
    SensorBias,
    SensorLoss,
    SensorStuck,
    VehicleLoss,
)
from scenarios.fit import struck_nodes
from scenarios.schema import Scenario
from sim.sensors.base import Observation
from sim.sensors.jamming import Jammer

NS = 1_000_000_000
E = TypeVar("E", bound=ScenarioEvent)


@dataclass(frozen=True)
class Window:
    """One event and its time, from ``from_ns`` to just before ``to_ns``."""

    from_ns: int
    to_ns: int
    event: ScenarioEvent


@dataclass(frozen=True)
class Faults:
    """All that strikes one sender."""

    windows: tuple[Window, ...] = ()
    target_ids: tuple[str, ...] = ()  # in the order of the truth

    def silent(self, t_ns: int) -> bool:
        """Say whether the sender says nothing of what is valid at ``t_ns``."""
        return self._any(t_ns, SensorLoss, VehicleLoss)

    def stuck(self, t_ns: int) -> bool:
        """Say whether the sensor repeats its last look."""
        return self._any(t_ns, SensorStuck)

    def jammers(self, t_ns: int) -> tuple[Jammer, ...]:
        """Return the noise that is radiated at the sensor."""
        return tuple(Jammer(event.jamming_db, event.band_hz) for event in self._now(t_ns, Jamming))

    def link(self, t_ns: int) -> tuple[float, float]:
        """Return the delay [s] that is added and the share that is lost besides; several lose independently."""
        delay_s, kept = 0.0, 1.0
        for event in self._now(t_ns, LinkFault):
            delay_s += event.delay_s
            kept *= 1.0 - event.loss
        return delay_s, 1.0 - kept

    def biased(self, t_ns: int, seen: Observation) -> Observation:
        """Return the look with what it measures or is told beside the truth.

        Biases add to all rows, false alarms too, wrapped and clipped; spoofed claims to those of their targets.
        """
        rows = seen.rows
        for spoof in self._now(t_ns, RemoteIdSpoof):
            liars = [i for i, name in enumerate(self.target_ids) if name in spoof.targets]
            rows = np.where(np.isin(seen.cause, liars)[:, None], _claimed(rows, spoof), rows)
        for event in self._now(t_ns, SensorBias):
            rows = _offset(rows, event)
        return seen if rows is seen.rows else replace(seen, rows=rows)

    def _any(self, t_ns: int, *kinds: type[ScenarioEvent]) -> bool:
        return any(w.from_ns <= t_ns < w.to_ns and isinstance(w.event, kinds) for w in self.windows)

    def _now(self, t_ns: int, kind: type[E]) -> Iterator[E]:
        for window in self.windows:
            if window.from_ns <= t_ns < window.to_ns and isinstance(window.event, kind):
                yield window.event


def faults_of(scenario: Scenario, target_ids: tuple[str, ...]) -> dict[str, Faults]:
    """Return sender -> what strikes it, for those that anything strikes."""
    end_ns = round(scenario.duration_s * NS) + 1  # the last instant of the scenario is inside an open window
    found: dict[str, list[Window]] = {}
    for event, nodes in struck_nodes(scenario):
        to_ns = end_ns if event.to_s is None else round(event.to_s * NS)
        for node in nodes:
            found.setdefault(node, []).append(Window(round(event.from_s * NS), to_ns, event))
    return {node: Faults(tuple(windows), target_ids) for node, windows in found.items()}


def _claimed(rows: F64, event: RemoteIdSpoof) -> F64:
    """Return rows that claim a place beside their own; a row that claims none (NaN) still claims none."""
    out: F64 = rows.copy()
    out[:, [INDEX[name] for name in ("east_m", "north_m", "up_m")]] += event.claim_offset_m
    return out


def _offset(rows: F64, event: SensorBias) -> F64:
    """Return rows with the offsets added; what a sensor does not measure (NaN) stays unmeasured."""
    out: F64 = rows.copy()
    azimuth, elevation, distance = (out[:, INDEX[name]] for name in ("azimuth_rad", "elevation_rad", "range_m"))
    azimuth[:] = wrap_pi(azimuth + np.radians(event.azimuth_offset_deg))
    elevation[:] = np.clip(elevation + np.radians(event.elevation_offset_deg), -np.pi / 2.0, np.pi / 2.0)
    distance[:] = np.maximum(distance + event.range_offset_m, 0.0)
    return out
