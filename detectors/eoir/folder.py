"""Folders of labelled clips: ``<kind>/clips/*.mp4`` and ``<kind>/boxes.csv``, as the public data set is laid out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from detectors.eoir.cells import CLASSES
from detectors.media import MediaError
from messages.frames import F64

Kind = Literal["thermal", "visible"]
NUMBER = re.compile(r"(\d+)$")
PERIOD, HELD_OUT = 25, range(8, 13)
"""Of every 25 clip numbers five in a row are held out, in every class alike. The public set lacks other runs of five of
every 25 (020-024, 045-049, ...), so what is held out has neighbours in training as those will have."""


class LabelledClip(NamedTuple):
    """One clip: its class, and frame number -> box (4,): left, top, width, height [px]; no entry: not in view."""

    path: Path
    label: str
    boxes: dict[int, F64]

    @property
    def name(self) -> str:
        """Return the clip's name."""
        return self.path.stem

    @property
    def held_out(self) -> bool:
        """Say whether the clip is for judging alone."""
        found = NUMBER.search(self.name)
        return found is not None and int(found.group(1)) % PERIOD in HELD_OUT


def kind_folder(data: Path, kind: Kind) -> Path:
    """Return the folder with ``clips`` and ``boxes.csv``: ``data/kind``, or ``data`` itself; else MediaError."""
    for folder in (data / kind, data):
        if (folder / "boxes.csv").is_file() and (folder / "clips").is_dir():
            return folder
    raise MediaError(f"{data}: no {kind}/clips with {kind}/boxes.csv beside it; see docs/detectors.md for the layout")


def read_labelled(data: Path, kind: Kind) -> list[LabelledClip]:
    """Return the clips that ``boxes.csv`` names, in order of their names.

    Raises MediaError where the table cannot be read or a clip of it is not there.
    """
    folder = kind_folder(data, kind)
    table = folder / "boxes.csv"
    clips: dict[str, LabelledClip] = {}
    with table.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                _add(clips, folder, row)
            except (KeyError, TypeError, ValueError) as error:
                raise MediaError(
                    f"{table}:{line}: {error}; a row is clip, class, frame and four numbers or none"
                ) from None
    lost = [clip.path for clip in clips.values() if not clip.path.is_file()]
    if lost or not clips:
        raise MediaError(
            f"{table}: {'no clip' if not clips else f'{lost[0]}: no such file'}; must name clips of {folder}"
        )
    return [clips[name] for name in sorted(clips)]


def _add(clips: dict[str, LabelledClip], folder: Path, row: dict[str, str]) -> None:
    if row["class"] not in CLASSES:
        raise ValueError(f"class = {row['class']}: must be of {', '.join(CLASSES)}")
    path = folder / "clips" / f"{row['clip']}.mp4"
    clip = clips.setdefault(row["clip"], LabelledClip(path, row["class"], {}))
    cells = [row[name] for name in ("x_px", "y_px", "width_px", "height_px")]
    if all(cells):
        clip.boxes[int(row["frame"])] = np.array([float(cell) for cell in cells])


def classes_of(clips: Iterable[LabelledClip]) -> tuple[str, ...]:
    """Return the classes that occur, in the order of CLASSES."""
    there = {clip.label for clip in clips}
    return tuple(name for name in CLASSES if name in there)
