"""Files that a scenario names: beside it or below it, of a known content, copied into the run folder.

A path is relative to the scenario's own file and never leaves its folder, not by ``..`` and not by a link: a scenario
from somebody else reads nothing else. The SHA-256 in the effective scenario makes a run repeatable.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr

from scenarios.base import Model

HEX = set("0123456789abcdef")


class FileProblem(ValueError):
    """A file that a scenario names and that cannot be used; the text says what it must be."""


def _beside(text: str) -> str:
    path = PurePosixPath(text)
    parts = text.split("/")
    if path.is_absolute() or "\\" in text or ":" in text or "\0" in text or any(p in ("", ".", "..") for p in parts):
        raise ValueError("must be a path below the scenario's folder, with / and without .., as terrain/hills.tif")
    return text


def _hash(text: str) -> str:
    if len(text) != 64 or not set(text) <= HEX:
        raise ValueError("must be a SHA-256: 64 digits 0-9 a-f")
    return text


BesideScenario = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_beside)]
Sha256 = Annotated[str, AfterValidator(_hash)]


class FileReference(Model):
    """A file that a scenario names."""

    path: BesideScenario = Field(description="relative to the scenario file, in its folder or below it")
    sha256: Sha256 | None = Field(
        default=None, description="of the file; another content is refused. The scenario of a run folder has it"
    )
    _source: Path | None = PrivateAttr(default=None)

    @property
    def source(self) -> Path | None:
        """Where the file was read; None before ``scenarios.loader.load``."""
        return self._source


def read_beside(reference: FileReference, folder: Path, suffixes: tuple[str, ...], max_bytes: int) -> bytes:
    """Return the bytes of a file that a scenario in ``folder`` names. Raises FileProblem."""
    path = folder / reference.path
    if path.suffix.lower() not in suffixes:
        raise FileProblem(f"must end in {', '.join(suffixes)}")
    try:
        inside, size = path.resolve(strict=True), path.stat().st_size
        if not inside.is_relative_to(folder.resolve()):
            raise FileProblem(f"must lie below the scenario's folder; it is a link to {inside}")
        if not inside.is_file():
            raise FileProblem("must be a file")
        if size > max_bytes:
            raise FileProblem(f"must have at most {max_bytes} bytes, has {size}")
        with inside.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise FileProblem(f"must be a file that can be read ({error.strerror or error}): looked for {path}") from None
    found = hashlib.sha256(data).hexdigest()
    if reference.sha256 not in (None, found):
        raise FileProblem(f"must be the file with SHA-256 {reference.sha256}; this one has {found}")
    return data


Reference = TypeVar("Reference", bound=FileReference)


def known(reference: Reference, folder: Path, data: bytes) -> Reference:
    """Return a reference that knows its place and its hash."""
    out = reference.model_copy(update={"sha256": hashlib.sha256(data).hexdigest()})
    out._source = folder / reference.path
    return out
