"""The run folder: the names of everything in it, and how a new one is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from messages.codec import Frame, FrameRefused, decode
from messages.journal import JournalReader, Kind
from vedette.errors import InputError


@dataclass(frozen=True)
class RunPaths:
    """Where the parts of one recorded engagement lie."""

    root: Path

    @property
    def scenario(self) -> Path:
        """The effective scenario, with every default and override written out."""
        return self.root / "scenario.yaml"

    @property
    def inbound(self) -> Path:
        """What the node accepted."""
        return self.root / "inbound.journal"

    @property
    def outbound(self) -> Path:
        """What the node said."""
        return self.root / "outbound.journal"

    @property
    def truth(self) -> Path:
        """What really was there."""
        return self.root / "truth.journal"

    @property
    def mcap(self) -> Path:
        """The recording that common viewers open."""
        return self.root / "engagement.mcap"

    @property
    def summary(self) -> Path:
        """The figures of the run."""
        return self.root / "summary.json"

    @property
    def report(self) -> Path:
        """The report with its plots."""
        return self.root / "report.html"


def create(requested: Path | None, default_name: str) -> RunPaths:
    """Make a new run folder; a folder that holds anything is an error, never overwritten.

    Without a request the default name under ``runs/`` gets a number where it is taken.
    """
    if requested is None:
        requested, number = Path("runs") / default_name, 2
        while requested.exists():
            requested, number = Path("runs") / f"{default_name}-{number}", number + 1
    elif requested.exists() and (not requested.is_dir() or any(requested.iterdir())):
        raise InputError(f"--out = {requested}: exists and is not an empty folder: choose another name")
    requested.mkdir(parents=True, exist_ok=True)
    return RunPaths(requested)


def existing(root: Path) -> RunPaths:
    """Return the paths of a run folder. Raises InputError where it holds no recording."""
    paths = RunPaths(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder: name a folder that vedette run made")
    if not paths.inbound.is_file():
        raise InputError(f"{root}: no recording (inbound.journal is missing): name a folder that vedette run made")
    return paths


def frames(journal: Path) -> Iterator[tuple[int, Frame]]:
    """Yield (time of arrival, decoded frame) of a journal up to its last whole record; nothing where it is missing."""
    if not journal.is_file():
        return
    for record in JournalReader(journal):
        if record.kind == Kind.FRAME:
            try:
                yield record.t_arrival_ns, decode(record.frame)
            except FrameRefused as error:
                raise InputError(f"{journal}: record {record.sequence}: {error}: written by another version?") from None
