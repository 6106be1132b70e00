"""The simulation as a stream of messages: truth, poses, scans and status, as a network would deliver them.

Everything happens in order of validity: at one instant the platforms say where they believe they
are, then the sensors look, then the truth is noted. What is sent comes out in order of sending
(validity + processing + latency + jitter), with a stable rule for ties. The stream is made as it is
read: nothing but the messages under way is kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from messages.detections import pack
from messages.frames import F64
from messages.truth import TruePlatform, TruthSet, TruthState
from messages.types import EndOfStream, Message, SensorDescription, SensorScan, SensorStatus
from scenarios.fit import mounted_sensors
from scenarios.schema import Link, Scenario
from sim.cues import CueInbox
from sim.faults import NS, Faults, faults_of
from sim.randomness import generator
from sim.sensors.base import Sensor
from sim.sensors.factory import build
from sim.sensors.targets import target_table
from sim.station import Channel, Station
from sim.world import World

TRUTH_PERIOD_NS = NS // 10
STATUS_PERIOD_NS = NS
TRUTH_NODE = "truth"
LEAST_TRUTH_PD = 1e-3  # a smaller Pd is left out of the truth: absent means none

# Order of messages with the same time: who comes first at one instant of validity, and of sending.
DESCRIBE, POSE, STATUS, LOOK, TRUTH, END = range(6)


class Event(NamedTuple):
    """One message on its way: when it is sent, by which node, the message, and its time of validity."""

    t_sent_ns: int
    node: str
    message: Message
    t_ns: int


class Simulation:
    """One engagement, deterministic from (scenario, seed)."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """Compute the truth and place the sensors."""
        self.scenario, self.seed = scenario, seed
        self.world = World(scenario, generator(seed, "world"))
        self.duration_ns = round(scenario.duration_s * NS)
        self.faults = faults_of(scenario, self.world.target_ids)
        self.targets = target_table(self.world.target_ids, self.world.target_types, seed)
        self.sensors: tuple[Sensor, ...] = tuple(s.sensor for s in self._stations())

    def descriptions(self) -> list[SensorDescription]:
        """Return how every sensor introduces itself, in the scenario's order."""
        return [sensor.description for sensor in self.sensors]

    def events(self, cues: CueInbox | None = None) -> Iterator[Event]:
        """Yield every message in order of sending; a new iterator plays the engagement again from its begin.

        Descriptions come first, ``EndOfStream`` of every sensor and every platform last. The truth is a stream of its
        own (node ``truth``) and has no end message. What is put into ``cues`` while the stream is read is heard by the
        sensors that can be pointed: a look comes after every message that was sent before it.
        """
        return _Stream(self, CueInbox() if cues is None else cues).run()

    def channel(self, node: str, link: Link) -> Channel:
        """Return a sender's channel, with a fresh generator and what the scenario's events do to it."""
        return Channel(node, link, generator(self.seed, f"link/{node}"), self.faults.get(node, Faults()))

    def _stations(self) -> tuple[Station, ...]:
        """Return every sensor with fresh generators: what it draws follows from the seed and its id alone."""
        stations = []
        for mount in mounted_sensors(self.scenario):
            name = mount.sensor_id
            rng = generator(self.seed, f"sensor/{name}")
            sensor = build(mount, self.targets, self.scenario.environment, rng)
            link: Link = getattr(self.scenario.network, mount.profile.kind)
            channel = self.channel(name, link)
            period_ns = round(mount.profile.scan_period_s * NS)
            phase_ns = int(rng.integers(period_ns))
            stations.append(Station(sensor, rng, channel, phase_ns, period_ns, np.zeros(len(self.targets))))
        return tuple(stations)


class _Stream:
    """One pass through the engagement."""

    def __init__(self, simulation: Simulation, cues: CueInbox) -> None:
        self._simulation, self._world, self._cues = simulation, simulation.world, cues
        self._stations = simulation._stations()
        network = simulation.scenario.network
        self._poses = tuple(
            (simulation.channel(hull, network.pose), (hull, f"{hull}/turret")) for hull in self._world.hull_ids
        )
        self._pose_period_ns = round(network.pose_period_s * NS)
        self._out: list[tuple[int, int, int, Event]] = []  # t_sent, rank, running number (never compares events)
        self._count = 0

    def run(self) -> Iterator[Event]:
        """Take what happens next, let it send, and give out what nothing later can come before."""
        for station in self._stations:
            self._send(DESCRIBE, Event(0, station.channel.node, station.sensor.description, 0))
            if (head := station.sensor.head_message()) is not None:
                self._send(DESCRIBE, Event(0, station.channel.node, head, 0))
        agenda: list[tuple[int, int, int]] = [(0, POSE, 0), (0, TRUTH, 0)]
        agenda += [(station.phase_ns, LOOK, i) for i, station in enumerate(self._stations)]
        agenda += [(station.phase_ns % STATUS_PERIOD_NS, STATUS, i) for i, station in enumerate(self._stations)]
        heapq.heapify(agenda)
        acts = {POSE: self._pose, STATUS: self._status, LOOK: self._look, TRUTH: self._truth}
        while agenda:
            t_ns, rank, i = agenda[0]
            while self._out and self._out[0][0] < t_ns:
                yield heapq.heappop(self._out)[3]
            next_ns = acts[rank](t_ns, i)
            if next_ns <= self._simulation.duration_ns:
                heapq.heapreplace(agenda, (next_ns, rank, i))
            else:
                heapq.heappop(agenda)
        self._end()
        while self._out:
            yield heapq.heappop(self._out)[3]

    def _send(self, rank: int, event: Event) -> None:
        heapq.heappush(self._out, (event.t_sent_ns, rank, self._count, event))
        self._count += 1

    def _pose(self, t_ns: int, _: int) -> int:
        for channel, platforms in self._poses:
            for platform_id in platforms:
                t_sent_ns = channel.send_ns(t_ns)
                if t_sent_ns is not None:
                    pose = self._world.believed_pose(platform_id, t_ns)
                    self._send(POSE, Event(t_sent_ns, channel.node, pose, t_ns))
        return t_ns + self._pose_period_ns

    def _status(self, t_ns: int, i: int) -> int:
        station = self._stations[i]
        t_sent_ns = station.channel.send_ns(t_ns)
        if t_sent_ns is not None:
            state, reason = station.sensor.health(self._world, t_ns / NS)
            status = SensorStatus(sensor_id=station.sensor.sensor_id, t_ns=t_ns, state=state, reason=reason)
            self._send(STATUS, Event(t_sent_ns, station.channel.node, status, t_ns))
        return t_ns + STATUS_PERIOD_NS

    def _look(self, t_ns: int, i: int) -> int:
        station = self._stations[i]
        for heard_ns, cue in self._cues.take(station.sensor.sensor_id):
            station.sensor.hear(cue, heard_ns / NS)
        seen = station.look(self._world, t_ns)
        t_sent_ns = station.channel.send_ns(t_ns, station.sensor.common.processing_latency_s)
        if t_sent_ns is not None:
            scan = SensorScan(
                sensor_id=station.sensor.sensor_id,
                scan=station.scan,
                t_ns=t_ns,
                look=seen.look,
                class_names=seen.class_names,
                detections=pack(seen.rows),
            )
            self._send(LOOK, Event(t_sent_ns, station.channel.node, scan, t_ns))
        station.scan += 1
        return t_ns + station.period_ns

    def _truth(self, t_ns: int, _: int) -> int:
        t_s = t_ns / NS
        truth = self._world.targets(t_s)
        targets = tuple(
            TruthState(
                target_id=target_id,
                target_class=self._simulation.targets.target_class[i],
                threat=self._world.threats[i],
                airborne=bool(truth.airborne[i]),
                position_m=_triple(truth.position_m[i]),
                velocity_mps=_triple(truth.velocity_mps[i]),
                detection_probability=self._probabilities(i) if truth.airborne[i] else {},
            )
            for i, target_id in enumerate(self._world.target_ids)
        )
        message = TruthSet(t_ns=t_ns, targets=targets, platforms=self._true_platforms(t_s))
        self._send(TRUTH, Event(t_ns, TRUTH_NODE, message, t_ns))
        return t_ns + TRUTH_PERIOD_NS

    def _probabilities(self, i: int) -> dict[str, float]:
        """Return each sensor's modelled Pd of a target at its last look; absent means none worth the name."""
        found = ((station.sensor.sensor_id, float(station.probability[i])) for station in self._stations)
        return {sensor_id: min(p, 1.0) for sensor_id, p in found if p >= LEAST_TRUTH_PD}

    def _true_platforms(self, t_s: float) -> tuple[TruePlatform, ...]:
        states = (self._world.platform(platform_id, t_s) for platform_id in self._world.platform_ids)
        return tuple(
            TruePlatform(
                platform_id=p.platform_id,
                position_m=_triple(p.position_m),
                velocity_mps=_triple(p.velocity_mps),
                yaw_rad=p.yaw_rad,
                pitch_rad=p.pitch_rad,
                roll_rad=p.roll_rad,
                noise_dba=max(p.noise_dba, 0.0),
            )
            for p in states
        )

    def _end(self) -> None:
        """Let every sender say that it has finished, after its last message."""
        t_ns = self._simulation.duration_ns
        channels = [station.channel for station in self._stations] + [channel for channel, _ in self._poses]
        last_ns = max([t_ns, *(channel.last_ns for channel in channels)])
        for channel in channels:
            self._send(END, Event(last_ns, channel.node, EndOfStream(t_ns=t_ns), t_ns))


def _triple(v: F64) -> tuple[float, float, float]:
    east, north, up = v.tolist()
    return east, north, up
