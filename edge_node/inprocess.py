"""The node in the same process and thread as its senders, over the in-memory bus; the tracks are the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from edge_node import estimation
from edge_node.config import NodeConfig
from edge_node.journals import NodeJournals
from edge_node.node import FusionNode
from messages.bus import MemoryBus, SensorLink, Subscription


class InProcessNode:
    """A lock-step node that works whenever a sender waits for its answer. Use as a context manager."""

    def __init__(
        self,
        folder: Path,
        config: NodeConfig,
        *,
        parts: estimation.Estimation | None = None,
        perf_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._bus = MemoryBus()
        self._bus.pump = self._handle_input
        self._port = self._bus.port()
        self._journals = NodeJournals(folder, config, resume_bytes_max=0)
        self.node = FusionNode(
            config,
            estimation.build(config) if parts is None else parts,
            inbound=self._journals.inbound,
            outbound=self._journals.outbound,
            publish=self._port.publish,
            perf_ns=perf_ns,
        )
        self.node.warming = False

    def link(self, node: str) -> SensorLink:
        """Return the sender's end for one node name."""
        return self._bus.link(node.encode())

    def subscribe(self, prefixes: tuple[bytes, ...]) -> Subscription:
        """Return a consumer's end."""
        return self._bus.subscribe(prefixes)

    def close(self) -> dict[str, int]:
        """Fuse what is held back, close the journals and return the counters."""
        self._handle_input()
        self.node.finish()
        counters = self.node.counters()
        self._journals.close()
        return counters

    def __enter__(self) -> InProcessNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handle_input(self) -> None:
        while (received := self._port.receive(0.0)) is not None:
            peer, data = received
            answer = self.node.on_frame(peer, data, 0)
            if answer is not None:
                if (cue := self.node.mail(peer)) is not None:
                    self._port.answer(peer, cue)
                self._port.answer(peer, answer)
            self.node.work()
