"""Play one engagement into the journals of a run folder: two processes over ZeroMQ, or all in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from edge_node.config import Backend, ClockConfig, NodeConfig, ProcessConfig, dump
from messages.bus import Subscription
from messages.journal import JournalWriter
from messages.sender import Sender
from scenarios.schema import Scenario
from vedette.errors import InputError, RunFailed
from vedette.progress import PREFIXES, Progress
from vedette.run_folder import RunPaths
from vedette.simulator import Senders, SimulatorConfig, play

STOP_S = 10.0  # a process that was asked to end gets this long before it is killed
POLL_S = 0.05


def expected_senders(scenario: Scenario) -> tuple[str, ...]:
    """Return everyone who must say EndOfStream: the sensors and the hulls (which speak for their turrets)."""
    from scenarios.fit import mounted_sensors

    sensors = tuple(mount.sensor_id for mount in mounted_sensors(scenario))
    return tuple(sorted({*sensors, *scenario.platoon.platform_ids()}))


def node_config(scenario: Scenario, backend: Backend, *, lock_step: bool) -> NodeConfig:
    """Return the node's configuration for a scenario; the boot number is fixed so that frames repeat bit by bit."""
    return NodeConfig(
        boot=1,
        lock_step=lock_step,
        backend=backend,
        cueing=scenario.cueing,
        expected_senders=expected_senders(scenario),
    )


def in_process(paths: RunPaths, scenario: Scenario, seed: int, backend: Backend, progress: Progress) -> None:
    """Play the engagement in lock-step over the in-memory bus."""
    import time

    from edge_node import estimation
    from edge_node.inprocess import InProcessNode
    from sim.cues import CueInbox
    from sim.simulation import Simulation

    progress.phase("warming up")
    estimation.warm_up()
    config = node_config(scenario, backend, lock_step=True)
    with (
        InProcessNode(paths.root, config) as node,
        JournalWriter(paths.truth) as truth_journal,
    ):
        subscription = node.subscribe(PREFIXES)
        cues = CueInbox()
        senders = Senders(
            lambda name: Sender(node.link(name), name, boot=1, now_s=time.monotonic, lock_step=True, on_cue=cues.hear),
        )
        progress.phase("running")
        play(
            Simulation(scenario, seed).events(cues),
            senders,
            truth_journal,
            lambda t_ns: _show(subscription, progress, 0.0),
            boot=1,
            cues=cues,
        )
        _show(subscription, progress, 0.0)


def _show(subscription: Subscription, progress: Progress, timeout_s: float) -> None:
    while (data := subscription.receive(timeout_s)) is not None:
        timeout_s = 0.0
        progress.take(data)


class Child:
    """A process of the run that says JSON lines on its standard output."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name, self._log_path = name, log
        self._log: IO[bytes] = log.open("wb")
        # A session of its own: Ctrl-C reaches only the parent, which ends its children in order.
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event and return it. Raises InputError or RunFailed where the process ends first."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event.get("event") == name:
                return event
        raise self.failure()

    def say(self, line: str) -> None:
        """Write one line to the process's standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def failure(self) -> InputError | RunFailed:
        """Return the error that says why the process ended: its own last words."""
        code = self.process.wait()
        self._log.flush()
        words = self._log_path.read_text(errors="replace").strip().splitlines()
        text = words[-1] if words else f"{self.name} ended with exit code {code}"
        return InputError(text) if code == 2 else RunFailed(text)

    def stop(self) -> None:
        """Ask the process to end, and kill it where it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        """Release the pipes; an empty log is removed."""
        for pipe in (self.process.stdin, self.process.stdout, self._log):
            if pipe is not None:
                pipe.close()
        if self._log_path.is_file() and not self._log_path.stat().st_size:
            self._log_path.unlink()


def processes(
    paths: RunPaths,
    scenario: Scenario,
    seed: int,
    backend: Backend,
    progress: Progress,
    *,
    transport: str,
    speed: float | None,
) -> None:
    """Play the engagement with a simulator process and a node process over ZeroMQ; ``speed`` None is lock-step."""
    from messages.zmq_bus import ZmqBus, ipc_endpoints, next_port

    ingest, publish = ipc_endpoints(paths.root) if transport == "ipc" else (transport, next_port(transport))
    _write_configs(paths, scenario, seed, backend, ingest, publish, speed)
    children: list[Child] = []

    def start(name: str, module: str, *arguments: str) -> Child:
        children.append(Child(name, ["-m", module, *arguments], paths.root / f"{name}.log"))
        return children[-1]

    bus = ZmqBus()
    try:
        progress.phase("starting the processes")
        simulator = start("simulator", "vedette.simulator", str(paths.root / "simulator.json"))
        if speed is not None:  # the node's clock starts when it is ready: nobody may be late then
            simulator.event("prepared")
        node = start("node", "edge_node.process", "--config", str(paths.root / "node.json"))
        subscription = bus.subscribe(publish, PREFIXES)
        try:
            ready = node.event("ready")
            if speed is None:
                simulator.event("prepared")
            simulator.say(str(ready["raw_start_ns"] or 0))
            progress.phase("running")
            _until_done(simulator, node, lambda timeout_s: _show(subscription, progress, timeout_s))
        finally:
            subscription.close()
    finally:
        for child in children:  # the simulator first: the node then fuses what it has
            child.stop()
            child.close()
        bus.close()
        for endpoint in (ingest, publish):  # the socket files of an ended node only confuse
            if endpoint.startswith("ipc://"):
                Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)


def _write_configs(
    paths: RunPaths, scenario: Scenario, seed: int, backend: Backend, ingest: str, publish: str, speed: float | None
) -> None:
    node = ProcessConfig(
        folder=str(paths.root),
        ingest=ingest,
        publish=publish,
        node=node_config(scenario, backend, lock_step=speed is None),
        clock=ClockConfig(kind="scaled", speed=1.0 if speed is None else speed),
        end_with_streams=True,
        end_with_parent=True,
    )
    simulator = SimulatorConfig(
        scenario_file=str(paths.scenario),
        seed=seed,
        ingest=ingest,
        truth_journal=str(paths.truth),
        boot=1,
        speed=speed,
    )
    (paths.root / "node.json").write_bytes(dump(node))
    (paths.root / "simulator.json").write_bytes(msgspec.json.encode(simulator))


def _until_done(simulator: Child, node: Child, show: Callable[[float], None]) -> None:
    while node.process.poll() is None:
        show(POLL_S)
        if simulator.process.poll() not in (None, 0):
            raise simulator.failure()
    show(0.0)
    if node.process.returncode != 0:
        raise node.failure()
    if simulator.process.wait(STOP_S) != 0:
        raise simulator.failure()
