"""Which frames of which sender are already in the journal: a frame is accepted once, and gaps are counted."""

from __future__ import annotations

from enum import Enum

WINDOW = 4096  # sequences remembered below the highest; 64 times the send window, 7 minutes of a 10 Hz sensor
_PRUNE_AT = 2 * WINDOW


class Verdict(Enum):
    """What a (node, boot, sequence) is to the node."""

    NEW = "new"
    DUPLICATE = "duplicate"
    TOO_OLD = "sequence_too_old"
    OLD_BOOT = "old_boot"
    TOO_MANY = "too_many_senders"


class _Stream:
    __slots__ = ("boot", "first", "highest", "seen")

    def __init__(self, boot: int, sequence: int) -> None:
        self.boot, self.first, self.highest = boot, sequence, sequence
        self.seen = {sequence}


class Duplicates:
    """Remember the accepted sequences of up to ``senders_max`` senders, in bounded memory."""

    def __init__(self, senders_max: int) -> None:
        self._senders_max = senders_max
        self._streams: dict[str, _Stream] = {}
        self.missing = 0
        """Sequences skipped by the senders so far: messages shed, or lost on the way."""

    def judge(self, node: str, boot: int, sequence: int) -> Verdict:
        """Say what this frame is; changes nothing."""
        stream = self._streams.get(node)
        if stream is None:
            return Verdict.NEW if len(self._streams) < self._senders_max else Verdict.TOO_MANY
        if boot != stream.boot:
            return Verdict.NEW if boot > stream.boot else Verdict.OLD_BOOT
        if sequence in stream.seen:
            return Verdict.DUPLICATE
        return Verdict.NEW if sequence > stream.highest - WINDOW else Verdict.TOO_OLD

    def accept(self, node: str, boot: int, sequence: int) -> None:
        """Remember a frame that was judged NEW and is in the journal now."""
        stream = self._streams.get(node)
        if stream is None or boot != stream.boot:
            self._streams[node] = _Stream(boot, sequence)
            return
        stream.seen.add(sequence)
        if sequence > stream.highest:
            self.missing += sequence - stream.highest - 1
            stream.highest = sequence
        elif sequence > stream.first:
            self.missing -= 1
        if len(stream.seen) > _PRUNE_AT:
            floor = stream.highest - WINDOW
            stream.seen = {s for s in stream.seen if s > floor}
