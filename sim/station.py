"""Senders at work: a channel with its delays and losses, and a sensor's station with its looks and its faults."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np

from messages.frames import F64
from scenarios.schema import Link
from sim.faults import NS, Faults
from sim.sensors.base import Observation, Sensor
from sim.world import World


@dataclass
class Channel:
    """One node's way to the fusion node: delays and losses drawn from a generator of its own, order kept."""

    node: str
    link: Link
    rng: np.random.Generator
    faults: Faults = field(default_factory=Faults)
    last_ns: int = 0
    held: bool = False  # whether a fault delayed what is sent at last_ns

    def send_ns(self, t_ns: int, extra_s: float = 0.0) -> int | None:
        """Return when a message valid at ``t_ns`` is sent, or None where it is lost; the draws are made either way.

        A node sends in order: a message that would overtake the one before it waits for it.
        """
        delay_s = extra_s + self.link.latency_s + self.link.jitter_s * float(self.rng.standard_exponential())
        chance = float(self.rng.random())
        worse_s, worse_loss = self.faults.link(t_ns)
        # What is lost without the fault is lost with it: one draw decides both.
        lost = chance < self.link.loss + (1.0 - self.link.loss) * worse_loss
        lost = lost or self.faults.silent(t_ns)
        self._queue(t_ns + round((delay_s if lost else delay_s + worse_s) * NS), delayed=worse_s > 0.0 and not lost)
        return None if lost else self.last_ns

    def _queue(self, ready_ns: int, *, delayed: bool) -> None:
        """Move ``last_ns`` to when a message is sent that is ready at ``ready_ns``.

        Many wait at the end of a delay. Each is sent a nanosecond after the one before it: at one time of
        sending, the rank of a message would come before its place in the queue.
        """
        if ready_ns > self.last_ns:
            self.last_ns, self.held = ready_ns, delayed
        elif self.held:
            self.last_ns += 1


@dataclass
class Station:
    """One sensor at work: its model, its generator, its channel, its schedule, its last look."""

    sensor: Sensor
    rng: np.random.Generator
    channel: Channel
    phase_ns: int
    period_ns: int
    probability: F64
    scan: int = 0
    last: Observation | None = None  # what it would say of its last look; a stuck sensor repeats it

    def look(self, world: World, t_ns: int) -> Observation:
        """Return what the sensor says of a look at ``t_ns``, with its faults; ``probability`` is Pd with them."""
        faults = self.channel.faults
        seen = faults.biased(t_ns, self._observed(world, t_ns))
        self.probability = seen.detection_probability
        if faults.stuck(t_ns) and self.last is not None:
            seen = replace(seen, rows=self.last.rows, cause=self.last.cause, look=self.last.look)
            self.probability = np.zeros_like(self.probability)
        if faults.silent(t_ns):
            self.probability = np.zeros_like(self.probability)
        self.last = seen
        return seen

    def _observed(self, world: World, t_ns: int) -> Observation:
        """Return the look, jammed where somebody jams.

        The look without the jammer is made and thrown away: it moves the generator on by what it would
        have drawn, so that later looks are the same. The jammed one has a copy, and so the same draws.
        """
        jammers = self.channel.faults.jammers(t_ns)
        before = deepcopy(self.rng) if jammers else self.rng
        seen = self.sensor.observe(world, t_ns / NS, self.rng)
        if not jammers:
            return seen
        self.sensor.jammers = jammers
        try:
            return self.sensor.observe(world, t_ns / NS, before)
        finally:
            self.sensor.jammers = ()
