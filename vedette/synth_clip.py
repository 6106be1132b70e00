"""One piece of work of ``vedette synth``: a sensor, an interval, where to write, and what to draw from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from messages.frames import F64
from sim.faults import NS, Faults
from sim.randomness import generator
from sim.sensors.base import Sensor
from sim.sensors.jamming import Jammer
from sim.simulation import Simulation

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Clip:
    """One piece of work: sensor and interval, the folder to write to, its number in its kind and in its sensor."""

    simulation: Simulation
    sensor_id: str
    folder: Path
    number: int
    part: int
    start_s: float
    seconds: float

    @property
    def sensor(self) -> Sensor:
        """The plot-level model of the sensor."""
        return next(s for s in self.simulation.sensors if s.sensor_id == self.sensor_id)

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this clip; what other sensors and clips draw does not change it."""
        return generator(self.simulation.seed, f"signal/{self.sensor_id}/{self.part}")

    def jammers(self, t_s: float) -> tuple[Jammer, ...]:
        """Return who jams the sensor at a time, by the scenario's events."""
        return faults_at(self.simulation, self.sensor_id).jammers(round(t_s * NS))

    def entry(self, kind: str, file: Path, says: str, **more: Any) -> dict[str, Any]:
        """Return the clip's line of the manifest."""
        place = file.relative_to(self.folder).as_posix()
        common = {"kind": kind, "sensor_id": self.sensor_id, "file": place, "start_s": self.start_s}
        return {**common, "seconds": self.seconds, **more, "says": says}


def faults_at(simulation: Simulation, sensor_id: str) -> Faults:
    """Return what the scenario's events do to a sensor."""
    return simulation.faults.get(sensor_id, Faults())


def detection_probability(simulation: Simulation, sensor: Sensor, t_s: float) -> F64:
    """Return the plot-level Pd (n,) of all targets at a look, jammed where somebody jams, 0 where it says nothing.

    From a generator of its own, so that nobody's draws change.
    """
    rng, t_ns = generator(simulation.seed, f"twin/{sensor.sensor_id}/{t_s:.3f}"), round(t_s * NS)
    faults = faults_at(simulation, sensor.sensor_id)
    sensor.jammers = faults.jammers(t_ns)
    try:
        seen = sensor.observe(simulation.world, t_s, rng).detection_probability
    finally:
        sensor.jammers = ()
    return np.zeros_like(seen) if faults.silent(t_ns) or faults.stuck(t_ns) else seen
