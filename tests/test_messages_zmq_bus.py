"""The bus over ZeroMQ, over ipc and tcp: it carries frames, refuses taken endpoints, survives hostile peers."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from messages.codec import MAX_FRAME_BYTES, subscription_prefix
from messages.topics import Topics
from messages.zmq_bus import IPC_PATH_BYTES_MAX, SUBSCRIPTION_DEPTH, EndpointError, ZmqBus, ipc_endpoints, next_port


@pytest.fixture
def bus() -> Iterator[ZmqBus]:
    bus = ZmqBus()
    yield bus
    bus._context.destroy(0)  # a failed test leaves its ends open; term would wait for them


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def endpoints(kind: str, folder: Path) -> tuple[str, str]:
    if kind == "ipc":
        return ipc_endpoints(folder)
    ingest = f"tcp://127.0.0.1:{free_port()}"
    return ingest, f"tcp://127.0.0.1:{free_port()}"


def receive(end: object, limit_s: float = 3.0) -> object:
    got = end.receive(limit_s)  # type: ignore[attr-defined]
    assert got is not None, "nothing arrived"
    return got


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_frames_travel_in_answers_travel_back_and_publications_out(bus: ZmqBus, kind: str, tmp_path: Path) -> None:
    ingest, publish = endpoints(kind, tmp_path)
    port = bus.port(ingest, publish)
    link = bus.link(ingest, b"r1")
    wanted, unwanted = subscription_prefix(Topics.ALERT), subscription_prefix(Topics.LEDGER)
    subscription = bus.subscribe(publish, (wanted,))
    deadline = time.monotonic() + 3.0
    while not link.send(b"one"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert receive(port) == (b"r1", b"one")
    port.answer(b"r1", b"ack")
    assert receive(link) == b"ack"
    port.answer(b"nobody", b"ack")
    got = None
    while got is None and time.monotonic() < deadline:
        port.publish(unwanted + b"x")
        port.publish(wanted + b"alert")
        got = subscription.receive(0.05)
    assert got == wanted + b"alert"
    for end in (link, subscription, port):
        end.close()


def test_while_nobody_listens_a_frame_is_not_taken(bus: ZmqBus, tmp_path: Path) -> None:
    link = bus.link(ipc_endpoints(tmp_path)[0], b"r1")
    assert not link.send(b"one")
    link.close()


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_an_endpoint_in_use_is_refused_with_what_to_do_and_its_owner_goes_on(
    bus: ZmqBus, kind: str, tmp_path: Path
) -> None:
    ingest, publish = endpoints(kind, tmp_path)
    port = bus.port(ingest, publish)
    with pytest.raises(EndpointError, match="already in use by another process: stop that one, or choose another"):
        bus.port(ingest, publish)
    link = bus.link(ingest, b"r1")
    deadline = time.monotonic() + 3.0
    while not link.send(b"still here") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert receive(port) == (b"r1", b"still here")
    link.close()
    port.close()


def test_the_socket_file_of_a_dead_process_is_no_obstacle(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(ingest.removeprefix("ipc://"))
    dead.close()
    assert Path(ingest.removeprefix("ipc://")).is_socket()
    bus.port(ingest, publish).close()


def test_a_file_in_the_way_is_left_alone(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    Path(ingest.removeprefix("ipc://")).write_text("mine")
    with pytest.raises(EndpointError, match="file of another kind"):
        bus.port(ingest, publish)
    assert Path(ingest.removeprefix("ipc://")).read_text() == "mine"


def test_a_path_too_long_for_ipc_moves_to_a_short_folder_or_is_refused(bus: ZmqBus, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    ingest, publish = ipc_endpoints(deep)
    assert len(os.fsencode(ingest.removeprefix("ipc://"))) <= IPC_PATH_BYTES_MAX
    bus.port(ingest, publish).close()
    with pytest.raises(EndpointError, match="must be <= 107"):
        bus.port(f"ipc://{deep}/ingest.sock", publish)


@pytest.mark.parametrize("endpoint", ["tcp://nowhere", "tcp://127.0.0.1:65535", "udp://127.0.0.1:5"])
def test_a_wrong_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(EndpointError, match="must be tcp://HOST:PORT"):
        next_port(endpoint)


def test_an_address_of_another_machine_is_refused(bus: ZmqBus) -> None:
    with pytest.raises(EndpointError, match=r"listen on tcp://192\.0\.2\.1:5570"):
        bus.port("tcp://192.0.2.1:5570", "tcp://127.0.0.1:5571")


def test_an_oversize_frame_ends_its_own_connection_and_no_other(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    port = bus.port(ingest, publish)
    good = bus.link(ingest, b"good")
    context = zmq.Context()
    hostile = context.socket(zmq.DEALER)
    hostile.setsockopt(zmq.LINGER, 0)
    hostile.connect(ingest)
    for i in range(20):
        hostile.send(bytes(MAX_FRAME_BYTES + 1))
        frame = b"frame %d" % i
        deadline = time.monotonic() + 2.0
        while not good.send(frame) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert receive(port) == (b"good", frame)
    hostile.close()
    context.term()
    good.close()
    port.close()


def test_a_message_of_several_parts_counts_as_an_empty_frame(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    port = bus.port(ingest, publish)
    context = zmq.Context()
    odd = context.socket(zmq.DEALER)
    odd.setsockopt(zmq.IDENTITY, b"odd")
    odd.connect(ingest)
    odd.send_multipart([b"a"] * 50)
    odd.send(b"whole")
    assert receive(port) == (b"odd", b"")
    assert receive(port) == (b"odd", b"whole")
    odd.close(0)
    context.term()
    port.close()


def test_a_slow_subscriber_does_not_block_the_publisher(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    port = bus.port(ingest, publish)
    prefix = subscription_prefix(Topics.TRACKS)
    subscriptions = [bus.subscribe(publish, (prefix,)) for _ in range(3)]
    deadline = time.monotonic() + 3.0
    while any(s.receive(0.02) is None for s in subscriptions) and time.monotonic() < deadline:
        port.publish(prefix)
    longest_s = 0.0
    for _ in range(2000):
        before = time.perf_counter()
        port.publish(prefix + bytes(8000))
        longest_s = max(longest_s, time.perf_counter() - before)
    # 48 MB to readers that read nothing: one that blocked would never come back. 0.25 s: a loaded test machine.
    assert longest_s < 0.25
    for end in (*subscriptions, port):
        end.close()


def test_a_subscriber_that_does_not_look_for_seconds_lives_on_and_has_the_latest(bus: ZmqBus, tmp_path: Path) -> None:
    # A plain SUB socket with heartbeats and a bounded queue aborts its process here (libzmq issue 3937).
    ingest, publish = ipc_endpoints(tmp_path)
    port = bus.port(ingest, publish)
    prefix = subscription_prefix(Topics.TRACKS)
    subscription = bus.subscribe(publish, (prefix,))
    begin_s = time.monotonic()
    n = 0
    while time.monotonic() - begin_s < 1.5:  # the heartbeat runs out after 0.6 s
        for _ in range(20):
            port.publish(prefix + n.to_bytes(4, "little") + bytes(500))
            n += 1
        time.sleep(0.005)
    time.sleep(0.3)
    numbers = []
    while (frame := subscription.receive(0.0)) is not None:
        numbers.append(int.from_bytes(frame[6:10], "little"))
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= SUBSCRIPTION_DEPTH
    assert numbers[-1] == n - 1
    for end in (subscription, port):
        end.close()


def test_subscriptions_outside_the_topic_table_are_not_taken(bus: ZmqBus, tmp_path: Path) -> None:
    ingest, publish = ipc_endpoints(tmp_path)
    port = bus.port(ingest, publish)
    known = subscription_prefix(Topics.ALERT)
    flood = bus.subscribe(publish, tuple(b"junk%d" % i for i in range(500)))
    subscription = bus.subscribe(publish, (known,))
    deadline = time.monotonic() + 3.0
    got = None
    while got is None and time.monotonic() < deadline:
        port.publish(b"junk7 should not arrive")
        port.publish(known)
        got = subscription.receive(0.05)
    assert got == known
    assert flood.receive(0.2) is None
    for end in (flood, subscription, port):
        end.close()
