"""The node's two journals in its folder: open, resume or set aside, force to disk."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge_node.config import NodeConfig, dump, node_config
from messages.codec import HEADER
from messages.journal import JournalReader, JournalWriter, Kind, Record
from messages.topics import BY_NUMBER, Topics

INBOUND, OUTBOUND, TRUTH = "inbound.journal", "outbound.journal", "truth.journal"
_TOPIC_BYTE = 5


class NodeJournals:
    """Inbound and outbound journal, opened for appending; what they held before is there to be fused again.

    A folder whose journal is too long for a quick restart, or was written with another configuration,
    is not continued: its journals are renamed to ``<name>.<n>`` and the node starts afresh.
    """

    def __init__(self, folder: Path, config: NodeConfig, *, resume_bytes_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.notes: list[str] = []
        """What was cut off or set aside, one sentence each, for the log."""
        inbound, outbound = folder / INBOUND, folder / OUTBOUND
        if not _may_resume(inbound, config, resume_bytes_max):
            self._set_aside(inbound, outbound)
        self.inbound, self.outbound = JournalWriter(inbound), JournalWriter(outbound)
        for writer in (self.inbound, self.outbound):
            if writer.lost_bytes:
                self.notes.append(f"{writer.path.name}: cut {writer.lost_bytes} bytes after the last whole record")
        self.resumes = self.inbound.next_sequence > 1
        if self.inbound.next_sequence == 0:
            self.inbound.append(Kind.CONFIG, 0, dump(config))
        self._stop = threading.Event()
        self._syncer: threading.Thread | None = None

    def records(self) -> Iterator[Record]:
        """Yield what the inbound journal holds now."""
        last = self.inbound.next_sequence
        for record in JournalReader(self.inbound.path):
            if record.sequence >= last:
                return
            yield record

    def sent(self) -> Counter[Topics]:
        """Return how many messages of each topic the outbound journal holds."""
        return Counter(topic for record in JournalReader(self.outbound.path) if (topic := topic_of(record.frame)))

    def sync_every(self, period_s: float) -> None:
        """Force the journals to disk from a thread: ``fdatasync`` takes up to 13 ms, too long for the main loop."""

        def sync() -> None:
            while not self._stop.wait(period_s):
                self.inbound.sync()
                self.outbound.sync()

        if period_s > 0.0:
            self._syncer = threading.Thread(target=sync, name="journal sync", daemon=True)
            self._syncer.start()

    def close(self) -> None:
        """Stop the thread and close both files."""
        self._stop.set()
        if self._syncer is not None:
            self._syncer.join()
        self.inbound.close()
        self.outbound.close()

    def _set_aside(self, *paths: Path) -> None:
        n = 1
        while any(path.with_name(f"{path.name}.{n}").exists() for path in paths):
            n += 1
        for path in paths:
            if path.exists():
                path.rename(path.with_name(f"{path.name}.{n}"))
                self.notes.append(f"{path.name}: set aside as {path.name}.{n}; the node starts afresh")


def topic_of(frame: bytes) -> Topics | None:
    """Return the topic that a frame's header names; None where there is no such."""
    return BY_NUMBER.get(frame[_TOPIC_BYTE]) if len(frame) >= HEADER.size else None


def recorded_config(inbound: Path) -> NodeConfig | None:
    """Return the configuration at the head of an inbound journal; None where the journal is empty."""
    for record in JournalReader(inbound):
        return node_config(record.frame) if record.kind == Kind.CONFIG else NodeConfig()
    return None


def _may_resume(inbound: Path, config: NodeConfig, resume_bytes_max: int) -> bool:
    if not inbound.exists():
        return True
    if inbound.stat().st_size > resume_bytes_max:
        return False
    recorded = recorded_config(inbound)
    # The boot number of a live node is new at every start and decides nothing.
    return recorded is None or msgspec.structs.replace(recorded, boot=config.boot) == config
