"""A node with fakes around it: frames in, answers, journals and published messages out."""

from __future__ import annotations

from edge_node_fakes import (
    FakeTracker,
    ListJournal,
    description,
    fake_estimation,
    frame,
)

from edge_node.config import NodeConfig
from edge_node.node import FusionNode
from messages.codec import decode
from messages.topics import Topics
from messages.types import (
    Acknowledgement,
    NodeHealth,
)


class Bench:
    """A node on lists, and what it said."""

    def __init__(self, config: NodeConfig | None = None) -> None:
        self.config = config or NodeConfig(lock_step=True)
        self.inbound, self.outbound = ListJournal(), ListJournal()
        self.published: list[bytes] = []
        self.ticks = 0
        estimation = fake_estimation(self.config)
        assert isinstance(estimation.tracker, FakeTracker)
        self.tracker = estimation.tracker
        self.node = FusionNode(
            self.config,
            estimation,
            inbound=self.inbound,
            outbound=self.outbound,
            publish=self.published.append,
            perf_ns=self._perf_ns,
        )
        self.node.warming = False

    def _perf_ns(self) -> int:
        self.ticks += 250_000
        return self.ticks

    def give(self, data: bytes, peer: bytes = b"r1", t_arrival_ns: int = 0) -> Acknowledgement | None:
        answer = self.node.on_frame(peer, data, t_arrival_ns)
        self.node.work()
        if answer is None:
            return None
        message = decode(answer).message
        assert isinstance(message, Acknowledgement)
        return message

    def introduce(self) -> None:
        answer = self.give(frame(description("r1"), "r1", 0))
        assert answer is not None
        assert answer.accepted

    def said(self, topic: Topics) -> list:
        return [d.message for d in map(decode, self.published) if d.topic is topic]

    def health(self) -> NodeHealth:
        self.node.report_health()
        return self.said(Topics.HEALTH)[-1]
