"""What leaves the node: numbered by topic, journaled, published; large track sets in several parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from messages.codec import HEADER, MAX_FRAME_BYTES, encode
from messages.journal import Kind
from messages.topics import BY_TYPE, Topics
from messages.types import Message, Track, TrackSet

TRACKS_PER_PART_MAX = 96  # what the message holds
_PART_BYTES = MAX_FRAME_BYTES - HEADER.size - 512  # the other fields of a TrackSet need less than this
# Made again by a node that fuses its journal after a restart; all else (costs, health) belongs to the moment.
REPEATABLE = frozenset({Topics.TRACKS, Topics.ALERT, Topics.SENSOR_CUE})


class Appender(Protocol):
    """The end of a journal (messages.journal.JournalWriter, or a list in replay and tests)."""

    def append(self, kind: int, t_arrival_ns: int, frame: bytes) -> int:
        """Write one record and return its sequence. Raises OSError where it cannot."""


class Outbox:
    """Send messages out of the node."""

    def __init__(self, name: str, boot: int, journal: Appender, publish: Callable[[bytes], None]) -> None:
        self._name, self._boot = name, boot
        self._journal, self._publish = journal, publish
        self._sequences: Counter[Topics] = Counter()
        self._already: Counter[Topics] = Counter()
        self.restoring = False
        self.unwritten = 0
        """Messages that were published but could not be journaled (disk full)."""

    def already_journaled(self, counts: Counter[Topics]) -> None:
        """Tell how many messages a topic the outbound journal holds; the same ones are not sent again."""
        self._already = Counter(counts)
        for topic, n in counts.items():
            if topic not in REPEATABLE:
                self._sequences[topic] = n

    def send(self, message: Message, *, t_ns: int, t_now_ns: int) -> bytes | None:
        """Number, journal and publish one message and return its frame; None where it is not sent.

        During a restart only what the journal does not hold yet is sent.
        """
        topic = BY_TYPE[type(message)]
        if self.restoring and topic not in REPEATABLE:
            return None
        sequence = self._sequences[topic]
        self._sequences[topic] += 1
        if topic in REPEATABLE and sequence < self._already[topic]:
            return None
        frame = encode(message, node=self._name, boot=self._boot, sequence=sequence, t_ns=t_ns, t_sent_ns=t_now_ns)
        try:
            self._journal.append(Kind.FRAME, t_now_ns, frame)
        except OSError:
            self.unwritten += 1  # told on health; the crew still gets its tracks and alerts
        self._publish(frame)
        return frame

    def send_all(self, messages: Iterable[Message], *, t_ns: int, t_now_ns: int) -> None:
        """Send several messages of one time."""
        for message in messages:
            self.send(message, t_ns=t_ns, t_now_ns=t_now_ns)


def track_sets(tracks: Sequence[Track], *, t_ns: int, sensor_id: str, scan: int) -> list[TrackSet]:
    """Return the tracks as one set, or as several parts that each fit a frame (an empty set is one part)."""
    chunks: list[list[Track]] = [[]]
    size = 0
    for track in tracks:
        length = len(msgspec.msgpack.encode(track))
        if len(chunks[-1]) == TRACKS_PER_PART_MAX or (chunks[-1] and size + length > _PART_BYTES):
            chunks.append([])
            size = 0
        chunks[-1].append(track)
        size += length
    return [
        TrackSet(t_ns=t_ns, sensor_id=sensor_id, scan=scan, part=i, parts=len(chunks), tracks=tuple(chunk))
        for i, chunk in enumerate(chunks)
    ]
