"""After a crash: make the recording from whatever journals there are, and say what was lost.

The journals are only read: a node that is started again in the same folder cuts them itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edge_node.journals import INBOUND, OUTBOUND, TRUTH
from edge_node.recording import RecordingReport, write_mcap
from messages.journal import JournalReader


class RecoverReport(NamedTuple):
    """What could be saved."""

    recording: RecordingReport
    journals: tuple[str, ...]
    """One sentence a journal: how many records were read and what was lost."""

    @property
    def complete(self) -> bool:
        """Whether nothing was lost."""
        return not self.recording.lost


def recover(folder: Path) -> RecoverReport:
    """Make ``engagement.mcap`` of a run that was cut off anywhere. Raises RecordingError where no journal is left."""
    recording = write_mcap(folder)
    sentences = []
    for name in (INBOUND, OUTBOUND, TRUTH):
        if (folder / name).is_file():
            reader = JournalReader(folder / name)
            for _ in reader:
                pass
            sentences.append(reader.summary())
    return RecoverReport(recording, tuple(sentences))
