"""The bus: interfaces that sensors, node and consumers hold, and the in-memory bus that implements them.

``messages.zmq_bus`` implements the same interfaces over ZeroMQ. One frame is one message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol


class SensorLink(Protocol):
    """A sender's end towards the node (ZeroMQ: DEALER)."""

    def send(self, frame: bytes) -> bool:
        """Hand one frame over; False where the send window of the transport is full (the caller counts it)."""

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next frame from the node (an acknowledgement), or None after the timeout."""

    def close(self) -> None:
        """Close the link."""


class NodePort(Protocol):
    """The node's end: frames in from named peers, answers back, publications out (ROUTER and XPUB)."""

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """Return (peer, frame), or None after the timeout."""

    def answer(self, peer: bytes, frame: bytes) -> None:
        """Send a frame to one peer; a peer that has gone is not an error."""

    def publish(self, frame: bytes) -> None:
        """Send a frame to every subscriber; a slow subscriber never blocks."""

    def close(self) -> None:
        """Close the port."""


class Subscription(Protocol):
    """A consumer's end (ZeroMQ: SUB)."""

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next published frame, or None after the timeout."""

    def close(self) -> None:
        """Close the subscription."""


class MemoryBus:
    """Sensors, node and consumers in one process and one thread.

    Whoever waits for a frame that is not there yet lets the other side work: ``pump`` is called by a
    link that waits for its acknowledgement (a lock-step node sets it to its own "handle all input").
    """

    def __init__(self) -> None:
        self.pump: Callable[[], None] = lambda: None
        self._to_node: deque[tuple[bytes, bytes]] = deque()
        self._to_peer: dict[bytes, deque[bytes]] = {}
        self._subscribers: list[tuple[tuple[bytes, ...], deque[bytes]]] = []

    def link(self, peer: bytes) -> SensorLink:
        """Return the sender's end for one named peer."""
        self._to_peer[peer] = deque()
        return _MemoryLink(self, peer, self._to_node, self._to_peer[peer])

    def port(self) -> NodePort:
        """Return the node's end."""
        return _MemoryPort(self._to_node, self._to_peer, self._subscribers)

    def subscribe(self, prefixes: tuple[bytes, ...], depth: int = 100_000) -> Subscription:
        """Return an end for frames that begin with one of the prefixes; the oldest beyond ``depth`` fall out."""
        queue: deque[bytes] = deque(maxlen=depth)
        self._subscribers.append((prefixes, queue))
        return _MemorySubscription(queue)


class _MemoryLink:
    def __init__(self, bus: MemoryBus, peer: bytes, out: deque[tuple[bytes, bytes]], back: deque[bytes]) -> None:
        self._bus, self._peer, self._out, self._back = bus, peer, out, back

    def send(self, frame: bytes) -> bool:
        self._out.append((self._peer, frame))
        return True

    def receive(self, timeout_s: float) -> bytes | None:
        if not self._back:
            self._bus.pump()
        return self._back.popleft() if self._back else None

    def close(self) -> None:
        self._back.clear()


class _MemoryPort:
    def __init__(
        self,
        inbox: deque[tuple[bytes, bytes]],
        peers: dict[bytes, deque[bytes]],
        subscribers: list[tuple[tuple[bytes, ...], deque[bytes]]],
    ) -> None:
        self._inbox, self._peers, self._subscribers = inbox, peers, subscribers

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        return self._inbox.popleft() if self._inbox else None

    def answer(self, peer: bytes, frame: bytes) -> None:
        if peer in self._peers:
            self._peers[peer].append(frame)

    def publish(self, frame: bytes) -> None:
        for prefixes, queue in self._subscribers:
            if frame.startswith(prefixes):
                queue.append(frame)

    def close(self) -> None:
        self._inbox.clear()


class _MemorySubscription:
    def __init__(self, queue: deque[bytes]) -> None:
        self._queue = queue

    def receive(self, timeout_s: float) -> bytes | None:
        return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        self._queue.clear()
