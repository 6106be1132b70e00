"""The node's process is killed, filled with garbage, overrun and misused; what was acknowledged is never lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from edge_node_fakes import MS, description, fake_estimation, frame, pose, scan

from edge_node.config import NodeConfig, ProcessConfig, dump
from edge_node.inprocess import InProcessNode
from edge_node.replay import last_health, replay
from messages.codec import MAX_FRAME_BYTES, decode
from messages.journal import JournalReader, Kind
from messages.sender import Sender
from messages.topics import Topics
from messages.types import EndOfStream, Message
from messages.zmq_bus import ZmqBus, ipc_endpoints

TESTS = Path(__file__).resolve().parent.parent
Event = tuple[str, Message, int]


class NodeProcess:
    """A child node; ``start`` again after ``kill`` continues in the same folder."""

    def __init__(self, folder: Path, *, lock_step: bool = True) -> None:
        self.folder = folder
        self.ingest, self.publish = ipc_endpoints(folder)
        config = ProcessConfig(
            folder=str(folder),
            ingest=self.ingest,
            publish=self.publish,
            node=NodeConfig(lock_step=lock_step),
            end_with_streams=True,
            end_with_parent=True,
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "node.json"
        self._config.write_bytes(dump(config))
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> NodeProcess:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
        command = [sys.executable, str(TESTS / "fake_node.py"), str(self._config)]
        self._child = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self

    @property
    def child(self) -> subprocess.Popen[str]:
        assert self._child is not None
        return self._child

    def wait_ready(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if json.loads(line)["event"] == "ready":
                return
        raise AssertionError(self.child.communicate()[1])

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def end(self) -> dict[str, int]:
        """Wait for the clean end and return the counters that it announced."""
        out, err = self.child.communicate(timeout=15)
        assert self.child.returncode == 0, err
        counters = json.loads(out.splitlines()[-1])["counters"]
        assert isinstance(counters, dict)
        return counters


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path / "run")
    yield node
    if node._child is not None:
        node.kill()
        for stream in (node.child.stdout, node.child.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def bus() -> Iterator[ZmqBus]:
    bus = ZmqBus()
    yield bus
    bus._context.destroy(0)


def events(n: int) -> list[Event]:
    """A radar, a microphone and a platform, n scans in all, ends included."""
    made: list[Event] = [("r1", description("r1"), 0), ("a1", description("a1", kind="acoustic"), 0)]
    for i in range(n):
        t_ns = (i + 1) * 3 * MS
        name = "r1" if i % 3 else "a1"
        made.append((name, scan(name, i, t_ns - (i * 7 % 5) * MS), t_ns))
        if i % 20 == 0:
            made.append(("tank_1", pose("tank_1", t_ns), t_ns))
    end_ns = (n + 1) * 3 * MS
    return [*made, *((name, EndOfStream(t_ns=end_ns), end_ns) for name in ("a1", "r1", "tank_1"))]


def play(made: list[Event], senders: dict[str, Sender]) -> None:
    for name, message, t_ns in made:
        senders[name].send(message, t_ns=t_ns, t_sent_ns=t_ns)


def lock_step_senders(bus: ZmqBus, ingest: str) -> dict[str, Sender]:
    return {
        name: Sender(bus.link(ingest, name.encode()), name, boot=1, now_s=time.monotonic, lock_step=True)
        for name in ("r1", "a1", "tank_1")
    }


def close(senders: dict[str, Sender]) -> None:
    for sender in senders.values():
        sender.close()


def bodies(folder: Path, topic: Topics) -> list[Message]:
    frames = (decode(record.frame) for record in JournalReader(folder / "outbound.journal"))
    return [frame.message for frame in frames if frame.topic is topic]


def journaled(folder: Path) -> list[tuple[str, int]]:
    frames = [decode(r.frame) for r in JournalReader(folder / "inbound.journal") if r.kind == Kind.FRAME]
    return [(frame.node, frame.sequence) for frame in frames]


def test_over_zeromq_and_in_one_process_the_tracks_and_alerts_are_the_same_bits(
    node: NodeProcess, bus: ZmqBus, tmp_path: Path
) -> None:
    made = events(400)
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    play(made, senders)
    counters = node.end()
    assert (counters["accepted"], counters["scans_fused"]) == (len(made), 400)
    config = NodeConfig(lock_step=True)
    with InProcessNode(tmp_path / "same", config, parts=fake_estimation(config)) as same:
        local = {name: Sender(same.link(name), name, boot=1, now_s=time.monotonic, lock_step=True) for name in senders}
        play(made, local)
    for topic in (Topics.TRACKS, Topics.ALERT):
        assert bodies(node.folder, topic) == bodies(tmp_path / "same", topic)
    assert len(bodies(node.folder, Topics.TRACKS)) == 400
    report = replay(node.folder, build=fake_estimation)
    assert report.identical, report.first_difference
    assert report.track_sets_replayed == 400
    close(senders)


def test_killed_twice_the_node_has_lost_and_doubled_nothing_and_its_tracks_are_those_of_an_undisturbed_run(
    node: NodeProcess, bus: ZmqBus, tmp_path: Path
) -> None:
    made = events(900)
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    for begin, stop in ((0, 350), (350, 700)):
        play(made[begin:stop], senders)
        node.kill()
        acknowledged = [(name, i) for name, sender in senders.items() for i in range(sender.acknowledged)]
        assert set(acknowledged) <= set(journaled(node.folder))
        node.start()
    play(made[700:], senders)
    node.end()
    accepted = journaled(node.folder)
    assert len(accepted) == len(set(accepted)) == len(made)
    assert sum(sender.acknowledged for sender in senders.values()) == len(made)
    config = NodeConfig(lock_step=True)
    with InProcessNode(tmp_path / "same", config, parts=fake_estimation(config)) as same:
        play(made, {n: Sender(same.link(n), n, boot=1, now_s=time.monotonic, lock_step=True) for n in senders})
    for topic in (Topics.TRACKS, Topics.ALERT):
        assert bodies(node.folder, topic) == bodies(tmp_path / "same", topic)
    assert replay(node.folder, build=fake_estimation).identical
    close(senders)


def test_a_sender_whose_very_last_answer_was_lost_is_answered_again(
    node: NodeProcess, bus: ZmqBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = events(20)
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    play(made[:-1], senders)
    last, lost = senders[made[-1][0]], []
    receive = last._link.receive

    def lossy(timeout_s: float) -> bytes | None:
        data = receive(timeout_s)
        if data is None or lost:
            return data
        lost.append(data)
        return None

    monkeypatch.setattr(last._link, "receive", lossy)
    play(made[-1:], senders)
    assert (len(lost), last.resent, last.outstanding) == (1, 1, 0)
    assert node.end()["accepted"] == len(made)
    close(senders)


def test_killed_in_the_middle_of_a_stream_every_acknowledged_frame_is_in_the_journal(
    node: NodeProcess, bus: ZmqBus
) -> None:
    node.start()
    node.wait_ready()
    sender = Sender(bus.link(node.ingest, b"r1"), "r1", boot=1, now_s=time.monotonic, window=64)
    assert sender.send(description("r1"), t_ns=0, t_sent_ns=0)
    assert sender.flush(5.0)
    kill_at_s = time.monotonic() + 0.3
    i = 0
    while time.monotonic() < kill_at_s:
        i += 1
        sender.send(scan("r1", i, i * MS), t_ns=i * MS, t_sent_ns=i * MS)
    node.kill()
    sender.poll(0.1)
    in_journal = {sequence for _, sequence in journaled(node.folder)}
    waiting = set(sender._pending)
    shed = sender.sent - sender.acknowledged - len(waiting)
    assert shed == sender.shed
    assert sender.acknowledged > 100
    assert len(in_journal - waiting) == sender.acknowledged
    sender.close()


def test_asked_to_end_the_node_ends_cleanly_and_its_recording_is_whole(node: NodeProcess, bus: ZmqBus) -> None:
    made = events(50)[:-3]
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    play(made, senders)
    node.child.send_signal(signal.SIGTERM)
    assert node.end()["scans_fused"] == 50
    health = last_health(node.folder)
    assert health is not None
    assert health.counters["scans_fused"] == 50
    assert replay(node.folder, build=fake_estimation).identical
    close(senders)


def test_a_port_in_use_ends_the_second_node_with_one_clear_sentence_and_leaves_the_first_alone(
    node: NodeProcess, tmp_path: Path
) -> None:
    node.start()
    node.wait_ready()
    before = (node.folder / "inbound.journal").read_bytes()
    second = NodeProcess(node.folder).start()
    _, err = second.child.communicate(timeout=15)
    assert second.child.returncode == 2
    assert err == (
        f"node: listen on {node.ingest}: already in use by another process: stop that one, or choose another endpoint\n"
    )
    assert (node.folder / "inbound.journal").read_bytes() == before
    assert node.child.poll() is None


def test_an_unknown_key_in_the_configuration_is_refused_by_name(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path)
    text = node._config.read_text().replace('"lock_step"', '"lockstep"')
    node._config.write_text(text)
    _, err = node.start().child.communicate(timeout=15)
    assert node.child.returncode == 2
    assert "node.json" in err
    assert "lockstep" in err


def test_a_live_node_names_a_radar_that_fell_silent_while_another_sensor_goes_on(tmp_path: Path, bus: ZmqBus) -> None:
    node = NodeProcess(tmp_path / "live", lock_step=False)
    node.start()
    node.wait_ready()
    senders = {n: Sender(bus.link(node.ingest, n.encode()), n, boot=1, now_s=time.monotonic) for n in ("r1", "a1")}
    for name, sender in senders.items():
        sender.send(description(name, period_s=0.05), t_ns=time.time_ns(), t_sent_ns=time.time_ns())
    start_s = time.monotonic()
    for i in range(45):
        for name, sender in senders.items():
            if name == "a1" or time.monotonic() - start_s < 0.5:
                now_ns = time.time_ns()
                sender.send(scan(name, i, now_ns), t_ns=now_ns, t_sent_ns=now_ns)
        time.sleep(0.05)
    node.child.send_signal(signal.SIGINT)
    counters = node.end()
    health = last_health(node.folder)
    assert health is not None
    assert health.state == "DEGRADED"
    (reason,) = health.reasons
    assert reason.startswith("r1: no scans for ")
    assert reason.endswith("(limit 0.5 s)")
    assert counters["scans_fused"] == counters["accepted"] - 2
    assert replay(node.folder, build=fake_estimation).identical
    close(senders)


def test_an_oversize_frame_and_garbage_do_not_stop_the_other_senders(node: NodeProcess, bus: ZmqBus) -> None:
    made = events(200)
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    context = zmq.Context()
    hostile = context.socket(zmq.DEALER)
    hostile.connect(node.ingest)
    chance = random.Random(5)
    for i, (name, message, t_ns) in enumerate(made):
        if i % 10 == 0:
            hostile.send(bytes(MAX_FRAME_BYTES + 1) if i % 20 else chance.randbytes(200))
        senders[name].send(message, t_ns=t_ns, t_sent_ns=t_ns)
    counters = node.end()
    assert (counters["accepted"], counters["scans_fused"]) == (len(made), 200)
    hostile.close(0)
    context.term()
    close(senders)


def test_a_frame_of_a_stranger_on_a_connection_of_its_own_cannot_speak_for_a_sensor(
    node: NodeProcess, bus: ZmqBus
) -> None:
    made = events(20)
    node.start()
    senders = lock_step_senders(bus, node.ingest)
    play(made[:10], senders)
    stranger = bus.link(node.ingest, b"stranger")
    deadline = time.monotonic() + 3.0
    while not stranger.send(frame(scan("r1", 99, 0), "r1", 99)) and time.monotonic() < deadline:
        time.sleep(0.01)
    answer = stranger.receive(3.0)
    assert answer is not None
    assert decode(answer).message.reason.startswith("identity: ")  # type: ignore[union-attr]
    play(made[10:], senders)
    assert node.end()["refused.identity"] == 1
    stranger.close()
    close(senders)
