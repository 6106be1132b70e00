"""The bus over ZeroMQ, the only file that imports zmq: DEALER to ROUTER into the node, XPUB to SUB out of it.

One single-part message is one frame. The options answer measured failures: heartbeats notice a dead
peer in 0.7 s (never without), ``MAXMSGSIZE`` bounds memory, ``IMMEDIATE`` keeps a frame at the
sender while nobody is connected, small publisher queues keep a slow consumer from being fed the past,
and subscriptions are taken only to the prefixes of the topic table, so that their number is bounded.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections import deque
from pathlib import Path

import zmq

from messages.codec import MAGIC, MAX_FRAME_BYTES, subscription_prefix
from messages.topics import Topics

IPC_PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 bytes with the closing zero
HEARTBEAT_IVL_MS, HEARTBEAT_TIMEOUT_MS = 200, 600  # a partition is noticed within 0.8 s
HANDSHAKE_IVL_MS = 2000  # a connection that never finishes its greeting is dropped after this
RECONNECT_IVL_MS, RECONNECT_IVL_MAX_MS = 50, 1000
INGEST_HWM = 1000  # frames; more than all send windows of a platoon's sensors together
PUBLISH_HWM = 64  # frames a consumer; with the small buffer below 0.3 s of tracks at the most
PUBLISH_BUFFER_BYTES = 65_536
# libzmq (4.3.5 too) aborts the process of a connecting socket whose receive queue was full when a heartbeat ran
# out. No queue of a connecting socket may ever be full: a SUB is drained by a thread, a DEALER has its send window.
UNBOUNDED_HWM = 0
SUBSCRIPTION_DEPTH = 4096  # frames kept for a consumer that is busy elsewhere: some 10 s of everything a node says
SUBSCRIPTION_POLL_MS = 50  # how soon ``close`` is noticed
SUBSCRIPTION_BYTES_MAX = 4096  # what a consumer may send us (below 276 the ZMTP handshake breaks)
CLOSE_LINGER_MS = 1000  # the last answers still go out when the node ends
KNOWN_PREFIXES = frozenset({b"", MAGIC} | {subscription_prefix(topic) for topic in Topics})


class EndpointError(OSError):
    """An endpoint that cannot be used; the text says what, where and what to do."""


def ipc_endpoints(folder: Path) -> tuple[str, str]:
    """Return (ingest, publish) ipc endpoints in the folder, or in a temporary one where the path is too long."""
    ingest, publish = folder.absolute() / "ingest.sock", folder.absolute() / "publish.sock"
    if max(len(os.fsencode(ingest)), len(os.fsencode(publish))) > IPC_PATH_BYTES_MAX:
        short = Path(tempfile.mkdtemp(prefix="vedette-"))
        ingest, publish = short / "ingest.sock", short / "publish.sock"
    return f"ipc://{ingest}", f"ipc://{publish}"


def next_port(endpoint: str) -> str:
    """Return the publish endpoint that belongs to an ingest endpoint: TCP port + 1, or the ipc path + ``.pub``."""
    if endpoint.startswith("ipc://"):
        return f"{endpoint}.pub"
    host, _, port = endpoint.rpartition(":")
    if not endpoint.startswith("tcp://") or not port.isdigit() or not 0 < int(port) < 65_535:
        raise EndpointError(f"{endpoint}: must be tcp://HOST:PORT with PORT in 1..65534, or ipc://PATH")
    return f"{host}:{int(port) + 1}"


class ZmqBus:
    """One ZeroMQ context; makes the ends of the bus. Close the ends, then the bus."""

    def __init__(self) -> None:
        self._context = zmq.Context()

    def link(self, endpoint: str, peer: bytes) -> DealerLink:
        """Return a sender's end; ``peer`` (the node name of its frames) is its identity at the node."""
        return DealerLink(self._context, endpoint, peer)

    def port(self, ingest: str, publish: str) -> RouterPort:
        """Return the node's end, bound. Raises EndpointError where an endpoint is in use or wrong."""
        return RouterPort(self._context, ingest, publish)

    def subscribe(self, endpoint: str, prefixes: tuple[bytes, ...]) -> SubscriberEnd:
        """Return a consumer's end for frames that begin with one of the prefixes."""
        return SubscriberEnd(self._context, endpoint, prefixes)

    def close(self) -> None:
        """End the context; waits at most the linger time of the node's end."""
        self._context.term()


def _common(sock: zmq.Socket[bytes], *, linger_ms: int = 0) -> None:
    sock.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_IVL_MS)
    sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    sock.setsockopt(zmq.HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS)
    sock.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_IVL_MS)
    sock.setsockopt(zmq.RECONNECT_IVL, RECONNECT_IVL_MS)
    sock.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_IVL_MAX_MS)
    sock.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    sock.setsockopt(zmq.LINGER, linger_ms)


class DealerLink:
    """A sender's end (DEALER, connects)."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, peer: bytes) -> None:
        self._socket = context.socket(zmq.DEALER)
        _common(self._socket)
        self._socket.setsockopt(zmq.IDENTITY, peer)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.RCVHWM, UNBOUNDED_HWM)
        _connect(self._socket, endpoint)

    def send(self, frame: bytes) -> bool:
        """Hand one frame over; False while nobody is connected or the queue is full."""
        try:
            self._socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next answer of the node, or None after the timeout."""
        if not self._socket.poll(round(timeout_s * 1000.0), zmq.POLLIN):
            return None
        return _single_part(self._socket)

    def close(self) -> None:
        """Close the socket; unsent frames are dropped."""
        self._socket.close()


class RouterPort:
    """The node's end: ROUTER and XPUB, both bound."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], ingest: str, publish: str) -> None:
        self._ingest, self._publish = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
        _common(self._ingest, linger_ms=CLOSE_LINGER_MS)
        self._ingest.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._ingest.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._ingest.setsockopt(zmq.RCVHWM, INGEST_HWM)
        self._ingest.setsockopt(zmq.SNDHWM, INGEST_HWM)
        _common(self._publish, linger_ms=CLOSE_LINGER_MS)
        self._publish.setsockopt(zmq.MAXMSGSIZE, SUBSCRIPTION_BYTES_MAX)
        self._publish.setsockopt(zmq.XPUB_MANUAL, 1)
        self._publish.setsockopt(zmq.SNDHWM, PUBLISH_HWM)
        self._publish.setsockopt(zmq.SNDBUF, PUBLISH_BUFFER_BYTES)
        self._poller = zmq.Poller()
        self._poller.register(self._ingest, zmq.POLLIN)
        self._poller.register(self._publish, zmq.POLLIN)
        try:
            _bind(self._ingest, ingest)
            _bind(self._publish, publish)
        except EndpointError:
            self._ingest.close(0)
            self._publish.close(0)
            raise

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """Return (peer, frame), or None after the timeout. A message of several parts comes back as an empty frame."""
        timeout_ms = round(timeout_s * 1000.0)
        ready = dict(self._poller.poll(timeout_ms))
        if self._publish in ready:
            self._take_subscriptions()
        if self._ingest not in ready and (not ready or not self._ingest.poll(timeout_ms)):
            return None
        peer = self._ingest.recv()
        frame = _single_part(self._ingest)
        return peer, frame or b""

    def answer(self, peer: bytes, frame: bytes) -> None:
        """Send a frame to one peer; a peer that has gone, or takes nothing, is not an error (it will ask again)."""
        try:
            self._ingest.send_multipart((peer, frame), zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise

    def publish(self, frame: bytes) -> None:
        """Send a frame to every subscriber; one that is too slow misses it and nobody waits."""
        self._take_subscriptions()
        self._publish.send(frame, zmq.DONTWAIT)

    def close(self) -> None:
        """Close both sockets."""
        self._ingest.close()
        self._publish.close()

    def _take_subscriptions(self) -> None:
        """Let consumers subscribe to the prefixes of the topic table and to nothing else."""
        while self._publish.poll(0, zmq.POLLIN):
            request = _single_part(self._publish) or b""
            prefix = request[1:]
            if request[:1] == b"\x01" and prefix in KNOWN_PREFIXES:
                self._publish.setsockopt(zmq.SUBSCRIBE, prefix)
            elif request[:1] == b"\x00" and prefix in KNOWN_PREFIXES:
                self._publish.setsockopt(zmq.UNSUBSCRIBE, prefix)


class SubscriberEnd:
    """A consumer's end (SUB, connects); a thread drains the socket, and at a full queue the oldest frames fall out."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, prefixes: tuple[bytes, ...]) -> None:
        sock = context.socket(zmq.SUB)
        _common(sock)
        sock.setsockopt(zmq.RCVHWM, UNBOUNDED_HWM)
        sock.setsockopt(zmq.RCVBUF, PUBLISH_BUFFER_BYTES)
        for prefix in prefixes:
            sock.setsockopt(zmq.SUBSCRIBE, prefix)
        _connect(sock, endpoint)
        self.dropped = 0
        """Frames that fell out because ``receive`` was not called often enough."""
        self._queue: deque[bytes] = deque()
        self._arrived = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drain, args=(sock,), name="subscription", daemon=True)
        self._thread.start()

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next published frame, or None after the timeout."""
        with self._arrived:
            if not self._queue and timeout_s > 0.0:
                self._arrived.wait_for(lambda: self._queue or self._stop.is_set(), timeout_s)
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """End the thread, which closes the socket."""
        self._stop.set()
        self._thread.join()

    def _drain(self, sock: zmq.Socket[bytes]) -> None:
        while not self._stop.is_set():
            try:
                if not sock.poll(SUBSCRIPTION_POLL_MS, zmq.POLLIN):
                    continue
                frame = _single_part(sock)
            except zmq.ContextTerminated:
                break
            if frame is not None:
                self._keep(frame)
        sock.close()

    def _keep(self, frame: bytes) -> None:
        with self._arrived:
            if len(self._queue) >= SUBSCRIPTION_DEPTH:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(frame)
            self._arrived.notify()


def _single_part(sock: zmq.Socket[bytes]) -> bytes | None:
    """Return the rest of a message where it is one part; None, and the parts dropped, where it is several."""
    part = sock.recv()
    if not sock.getsockopt(zmq.RCVMORE):
        return part
    while sock.getsockopt(zmq.RCVMORE):
        sock.recv()
    return None


def _connect(sock: zmq.Socket[bytes], endpoint: str) -> None:
    try:
        sock.connect(endpoint)
    except zmq.ZMQError as error:
        sock.close(0)
        raise EndpointError(f"connect to {endpoint}: {error.strerror}: {_advice(endpoint)}") from None


def _bind(sock: zmq.Socket[bytes], endpoint: str) -> None:
    if endpoint.startswith("ipc://"):
        _clear_ipc(endpoint, Path(endpoint[len("ipc://") :]))
    try:
        sock.bind(endpoint)
    except zmq.ZMQError as error:
        if error.errno == zmq.EADDRINUSE:
            raise _in_use(endpoint) from None
        raise EndpointError(f"listen on {endpoint}: {error.strerror}: {_advice(endpoint)}") from None


def _advice(endpoint: str) -> str:
    if endpoint.startswith("ipc://"):
        return f"the folder must exist and the path hold at most {IPC_PATH_BYTES_MAX} bytes"
    return "must be tcp://HOST:PORT with an address of this machine, or ipc://PATH"


def _in_use(endpoint: str) -> EndpointError:
    return EndpointError(
        f"listen on {endpoint}: already in use by another process: stop that one, or choose another endpoint"
    )


def _clear_ipc(endpoint: str, path: Path) -> None:
    """Remove the socket file of a dead process; ZeroMQ itself would take over that of a living one as well."""
    if len(os.fsencode(path)) > IPC_PATH_BYTES_MAX:
        raise EndpointError(
            f"listen on {endpoint}: path of {len(os.fsencode(path))} bytes: must be <= {IPC_PATH_BYTES_MAX}; "
            "choose a shorter folder or tcp"
        )
    if not path.is_socket():
        if path.exists():
            raise EndpointError(f"listen on {endpoint}: the path is a file of another kind: choose another path")
        return
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
    else:
        raise _in_use(endpoint)
    finally:
        probe.close()
