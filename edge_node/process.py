"""The node's process: sockets, clock, signals and journals around the node; ``python -m edge_node.process``.

``vedette run`` starts it for a scenario and ``vedette node`` on a vehicle; it is the same process.
On standard output it says one JSON object a line: ``{"event": "ready", ...}`` when the kernels are
warm and frames are taken, and ``{"event": "ended", ...}`` with the counters at its end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from edge_node import estimation
from edge_node.config import ConfigError, ProcessConfig, load
from edge_node.journals import NodeJournals
from edge_node.node import FusionNode
from messages.bus import NodePort
from messages.clock import Clock, ScaledClock
from messages.codec import encode
from messages.journal import JournalError
from messages.sender import RESEND_AFTER_S
from messages.types import SensorDescription
from messages.zmq_bus import EndpointError, ZmqBus

IDLE_WAIT_S = 0.1  # how soon a signal, or the end of the parent, is noticed
LAST_ANSWERS_S = 2.0 * RESEND_AFTER_S  # after the end of all streams: a connection is back within half a second
HELD_WAIT_S = 0.001  # a held scan is late by this at most
WARMING_HEALTH_S = 1.0
EXIT_DONE, EXIT_FAILED, EXIT_INPUT = 0, 1, 2


class _Monotonic:
    def now_ns(self) -> int:
        return time.monotonic_ns()


class _LockStepClock:
    """In lock-step the frames move the node's clock; the process adds nothing."""

    def now_ns(self) -> int:
        return 0


class StopSignal:
    """Becomes true when the process is asked to end (SIGTERM, SIGINT), or its parent has died."""

    def __init__(self, *, with_parent: bool) -> None:
        self._parent = os.getppid() if with_parent else None
        self._asked = False

    def install(self) -> None:
        """Take over the two signals of this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Ask the process to end."""
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked or (self._parent is not None and os.getppid() != self._parent)


def run_node(
    config: ProcessConfig,
    *,
    stop: StopSignal,
    announce: Callable[[dict[str, object]], None],
    build: Callable[..., estimation.Estimation] = estimation.build,
    warm_up: Callable[[], None] = estimation.warm_up,
) -> dict[str, int]:
    """Run the node until its streams end or ``stop`` is true; return its counters.

    Raises EndpointError, JournalError or ConfigError where it cannot start.
    """
    descriptions = _described_in(config)
    bus = ZmqBus()
    try:
        port = bus.port(config.ingest, config.publish)
        try:
            journals = NodeJournals(Path(config.folder), config.node, resume_bytes_max=config.resume_bytes_max)
            try:
                node = FusionNode(
                    config.node,
                    build(config.node),
                    inbound=journals.inbound,
                    outbound=journals.outbound,
                    publish=port.publish,
                    perf_ns=time.perf_counter_ns,
                )
                _warm(node, warm_up)
                _resume(node, journals, announce)
                clock = _clock(config)
                _introduce(node, descriptions, clock)
                journals.sync_every(config.sync_period_s)
                announce(_ready(config, clock))
                _loop(config, node, port, clock, stop)
                node.finish()
                counters = node.counters()
                announce({"event": "ended", "counters": counters})
                return counters
            finally:
                journals.close()
        finally:
            port.close()
    finally:
        bus.close()


def _loop(config: ProcessConfig, node: FusionNode, port: NodePort, clock: Clock, stop: StopSignal) -> None:
    live = not config.node.lock_step
    while not stop:
        received = port.receive(HELD_WAIT_S if live and node.holds_scans else IDLE_WAIT_S)
        if received is not None:
            _take(node, port, clock, *received)
        if live and node.wants_tick(now_ns := clock.now_ns()):
            node.on_tick(now_ns)
            node.work()
        if config.end_with_streams and node.streams_ended:
            _answer_again(node, port, clock, stop)
            return


def _take(node: FusionNode, port: NodePort, clock: Clock, peer: bytes, data: bytes) -> None:
    answer = node.on_frame(peer, data, clock.now_ns())
    if answer is not None:
        if (cue := node.mail(peer)) is not None:
            port.answer(peer, cue)
        port.answer(peer, answer)
    node.work()


def _answer_again(node: FusionNode, port: NodePort, clock: Clock, stop: StopSignal) -> None:
    """Stay for those whose last answer was lost: a connection that stalled for a moment was dropped, and it with it.

    They ask again after ``RESEND_AFTER_S``; a node that has gone would leave them waiting for a minute.
    """
    until_s = time.monotonic() + LAST_ANSWERS_S
    while not stop and (left_s := until_s - time.monotonic()) > 0.0:
        received = port.receive(min(left_s, IDLE_WAIT_S))
        if received is not None:
            _take(node, port, clock, *received)


def _warm(node: FusionNode, warm_up: Callable[[], None]) -> None:
    """Compile the kernels in a thread, so that health can say WARMING meanwhile; frames wait in the socket."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        warmed = pool.submit(warm_up)
        while True:
            node.report_health()
            if wait((warmed,), timeout=WARMING_HEALTH_S).done:
                return warmed.result()


def _resume(node: FusionNode, journals: NodeJournals, announce: Callable[[dict[str, object]], None]) -> None:
    for note in journals.notes:
        announce({"event": "note", "text": note})
    if journals.resumes:
        node.restore(journals.records(), journals.sent())
        announce({"event": "note", "text": f"resumed after {journals.inbound.next_sequence} records"})
    node.warming = False


def _clock(config: ProcessConfig) -> Clock:
    if config.node.lock_step:
        return _LockStepClock()
    raw = _Monotonic()
    now_ns = raw.now_ns()
    if config.clock.kind == "unix":
        return ScaledClock(raw, raw_start_ns=now_ns, start_ns=time.time_ns(), speed=1.0)
    start_ns = now_ns if config.clock.raw_start_ns is None else config.clock.raw_start_ns
    return ScaledClock(raw, raw_start_ns=start_ns, start_ns=0, speed=config.clock.speed)


def _ready(config: ProcessConfig, clock: Clock) -> dict[str, object]:
    """Return what whoever feeds the node needs: endpoints, and for scaled time the machine's time of zero."""
    now_ns = clock.now_ns()
    raw_start_ns = round(time.monotonic_ns() - now_ns / config.clock.speed)
    return {
        "event": "ready",
        "ingest": config.ingest,
        "publish": config.publish,
        "lock_step": config.node.lock_step,
        "raw_start_ns": None if config.node.lock_step or config.clock.kind == "unix" else raw_start_ns,
        "speed": config.clock.speed,
    }


def _described_in(config: ProcessConfig) -> list[SensorDescription]:
    if config.sensors_file is None:
        return []
    from edge_node.tables import read_sensors_yaml

    return list(read_sensors_yaml(Path(config.sensors_file)).sensors)


def _introduce(node: FusionNode, descriptions: list[SensorDescription], clock: Clock) -> None:
    """Take the sensors of the file in as if each had introduced itself at boot 0; a real one replaces it."""
    for description in descriptions:
        name = description.sensor_id
        if len(name.encode()) > 24:
            raise ConfigError(f"sensor id = {name}: must be <= 24 bytes to speak on the wire")
        frame = encode(description, node=name, boot=0, sequence=0, t_ns=0, t_sent_ns=0)
        node.on_frame(name.encode(), frame, clock.now_ns())
        node.work()


def _say(event: dict[str, object]) -> None:
    print(json.dumps(event), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the node process of a configuration file; return its exit code (0 done, 1 failed, 2 wrong input)."""
    parser = argparse.ArgumentParser(prog="edge_node.process", description="The fusion node's process.")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE.json", help="a ProcessConfig as JSON")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
        stop = StopSignal(with_parent=config.end_with_parent)
        stop.install()
        run_node(config, stop=stop, announce=_say)
    except (EndpointError, ConfigError) as error:
        print(f"node: {error}", file=sys.stderr)
        return EXIT_INPUT
    except JournalError as error:
        print(f"node: {error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
