"""Feed recorded scans and poses in the order in which a live node would let them go, or in order of validity."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from edge_node.config import NodeConfig
from edge_node.ordering import Ordering
from edge_node.tables.detections_file import HeardScan, Order
from messages.types import PlatformPose, SensorScan

Progress = Callable[[int, int], None]
LIVE = NodeConfig()  # what a live node does unless told otherwise
PROGRESS_EVERY = 200  # scans between two calls of the progress callback


def released(heard: Iterable[HeardScan], order: Order) -> Iterator[SensorScan]:
    """Yield scans as the node's waiting room lets them go: held back a little to wait for earlier ones.

    In order of validity, scans of one time go by the names of their sensors, as in the waiting room.
    """
    if order == "validity":
        yield from sorted((item.scan for item in heard), key=lambda scan: (scan.t_ns, scan.sensor_id, scan.scan))
        return
    room = Ordering(LIVE.hold_back_ns)
    for item in heard:
        yield from (held.scan for held in room.advance(item.t_arrival_ns))  # a live node's clock ticked meanwhile
        room.put(item.scan, item.t_arrival_ns)
        yield from (held.scan for held in room.advance(item.t_arrival_ns))
    yield from (held.scan for held in room.flush())


class PoseFeed:
    """Give each platform's poses up to the first one at or after a time, each pose once."""

    def __init__(self, poses: Iterable[PlatformPose]) -> None:
        self._queues: dict[str, deque[PlatformPose]] = {}
        self._given_ns: dict[str, int] = {}
        for pose in sorted(poses, key=lambda pose: pose.t_ns):
            self._queues.setdefault(pose.platform_id, deque()).append(pose)

    def until(self, t_ns: int) -> Iterator[PlatformPose]:
        """Yield what the tracker needs to know before a scan at ``t_ns``."""
        for name, queue in self._queues.items():
            while queue and self._given_ns.get(name, -1) < t_ns:
                pose = queue.popleft()
                self._given_ns[name] = pose.t_ns
                yield pose
