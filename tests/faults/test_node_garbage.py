"""20 000 damaged frames at the node's door: it answers or refuses each by one counted reason, and goes on."""

from __future__ import annotations

import random
from collections import Counter

from edge_node_fakes import MS, ListJournal, description, fake_estimation, frame, pose, scan

from edge_node.config import NodeConfig
from edge_node.node import FusionNode


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Change, drop or insert a few bytes."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(out))
        how = chance.randrange(3)
        if how == 0:
            out[place] ^= 1 << chance.randrange(8)
        elif how == 1:
            del out[place : place + chance.randint(1, 9)]
        else:
            out[place:place] = chance.randbytes(chance.randint(1, 9))
    return bytes(out)


def test_garbage_is_counted_frame_by_frame_and_good_frames_in_between_are_fused() -> None:
    config = NodeConfig()
    inbound = ListJournal()
    published: list[bytes] = []
    node = FusionNode(
        config,
        fake_estimation(config),
        inbound=inbound,
        outbound=ListJournal(),
        publish=published.append,
        perf_ns=lambda: 0,
    )
    node.warming = False
    node.on_frame(b"r1", frame(description("r1"), "r1", 0), 0)
    chance = random.Random(8)
    seeds = [frame(scan("r1", 1, 0), "r1", 1), frame(pose("r1", 0), "r1", 1), frame(description("r1"), "r1", 1)]
    accepted = 0
    n = 20_000
    for i in range(n):
        t_ns = i * MS
        peer = b"r1" if i % 3 else chance.randbytes(5)
        node.on_frame(peer, damaged(chance.choice(seeds), chance), t_ns)
        node.work()
        if i % 1000 == 0:
            accepted += 1
            node.on_frame(b"r1", frame(scan("r1", i, t_ns), "r1", 10_000 + i, t_ns=t_ns), t_ns)
            node.work()
    node.finish()
    counters = Counter(node.counters())
    refused = sum(count for name, count in counters.items() if name.startswith("refused."))
    assert refused + counters["accepted"] + counters["duplicates"] == n + accepted + 1
    assert refused >= 0.99 * n
    assert counters["scans_fused"] == accepted
    assert sum(1 for kind, *_ in inbound.records if kind == 0) == counters["accepted"] == accepted + 1
