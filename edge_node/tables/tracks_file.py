"""TRACKS.csv <-> columns of tracks: one row a confirmed or coasting track and scan."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge_node.tables.table import I64, Layout, Table, read_table
from edge_node.tables.writing import seconds, write_table
from messages.frames import F64
from messages.types import Track, TrackSet

POSITION = ("east_m", "north_m", "up_m")
VELOCITY = ("v_east_mps", "v_north_mps", "v_up_mps")
COVARIANCE = ("p_ee", "p_en", "p_eu", "p_nn", "p_nu", "p_uu")
POSITION_COVARIANCE = (0, 1, 2, 6, 7, 11)  # of the upper triangle of the (6, 6) covariance, row by row
REPORTED = ("confirmed", "coasting")
LAYOUT = Layout(
    numbers=("time_s", "existence", *POSITION, *VELOCITY, *COVARIANCE),
    texts=("track_id", "status"),
    required=("time_s", "track_id", *POSITION),
    number_prefixes=("class_",),
)


@dataclass(frozen=True)
class TrackTable:
    """Rows of tracks as columns.

    ``t_ns`` (n,), ``track_id`` (n,), ``status`` n texts, ``existence`` (n,), ``position_m`` (n, 3),
    ``velocity_mps`` (n, 3), ``covariance_m2`` (n, 6) upper triangle of the position covariance (NaN
    where unknown), ``classes`` name -> (n,) probability.
    """

    t_ns: I64
    track_id: I64
    status: list[str]
    existence: F64
    position_m: F64
    velocity_mps: F64
    covariance_m2: F64
    classes: dict[str, F64]

    def __len__(self) -> int:
        return len(self.t_ns)


@dataclass
class TrackRows:
    """Collect tracks row by row, then give them as a TrackTable."""

    _times: array[int] = field(default_factory=lambda: array("q"))
    _ids: array[int] = field(default_factory=lambda: array("q"))
    _status: list[str] = field(default_factory=list)
    _numbers: array[float] = field(default_factory=lambda: array("d"))
    _classes: list[dict[str, float]] = field(default_factory=list)

    def add(self, tracks: Iterable[Track]) -> int:
        """Take the confirmed and coasting ones of these tracks; return how many."""
        n = 0
        for track in tracks:
            if track.status not in REPORTED:
                continue
            self._times.append(track.t_ns)
            self._ids.append(track.track_id)
            self._status.append(track.status)
            self._numbers.append(track.existence)
            self._numbers.extend(track.state)
            self._numbers.extend([track.covariance[i] for i in POSITION_COVARIANCE])
            self._classes.append(track.class_probabilities)
            n += 1
        return n

    def table(self) -> TrackTable:
        """Return what was collected."""
        numbers = np.array(self._numbers, dtype=np.float64).reshape(-1, 13)
        names = sorted({name for row in self._classes for name in row})
        return TrackTable(
            t_ns=np.array(self._times, dtype=np.int64),
            track_id=np.array(self._ids, dtype=np.int64),
            status=self._status,
            existence=numbers[:, 0],
            position_m=numbers[:, 1:4],
            velocity_mps=numbers[:, 4:7],
            covariance_m2=numbers[:, 7:13],
            classes={name: np.array([row.get(name, np.nan) for row in self._classes]) for name in names},
        )


def track_table(track_sets: Iterable[TrackSet]) -> TrackTable:
    """Return the rows of published track sets, in their order."""
    rows = TrackRows()
    for track_set in track_sets:
        rows.add(track_set.tracks)
    return rows.table()


def write_tracks(path: Path, tracks: TrackTable) -> None:
    """Write TRACKS.csv (or .parquet): the same bytes for the same tracks."""
    columns: dict[str, Any] = {
        "time_s": seconds(tracks.t_ns),
        "track_id": tracks.track_id,
        "status": tracks.status,
        "existence": tracks.existence,
        **dict(zip(POSITION, tracks.position_m.T, strict=True)),
        **dict(zip(VELOCITY, tracks.velocity_mps.T, strict=True)),
        **dict(zip(COVARIANCE, tracks.covariance_m2.T, strict=True)),
        **{f"class_{name}": values for name, values in sorted(tracks.classes.items())},
    }
    write_table(path, columns)


def read_tracks(path: Path) -> TrackTable:
    """Return the rows of a file, or raise TableError. Another tracker's ids may be any text."""
    table = read_table(path, LAYOUT)
    velocity = np.stack([np.nan_to_num(table.number(name)) for name in VELOCITY], axis=1)
    return TrackTable(
        t_ns=table.times_ns("time_s"),
        track_id=_ids(table),
        status=[status or "confirmed" for status in table.text("status")],
        existence=table.number("existence"),
        position_m=np.stack([table.filled(name) for name in POSITION], axis=1),
        velocity_mps=velocity,
        covariance_m2=np.stack([table.number(name) for name in COVARIANCE], axis=1),
        classes={name.removeprefix("class_"): v for name, v in table.numbers.items() if name.startswith("class_")},
    )


def _ids(table: Table) -> I64:
    texts = table.text("track_id")
    table.require(np.array([bool(text) for text in texts], dtype=np.bool_), "track_id", "must be given")
    if all(text.isdecimal() and len(text) < 19 for text in set(texts)):
        return np.array([int(text) for text in texts], dtype=np.int64)
    numbers = {text: i + 1 for i, text in enumerate(dict.fromkeys(texts))}
    return np.array([numbers[text] for text in texts], dtype=np.int64)
