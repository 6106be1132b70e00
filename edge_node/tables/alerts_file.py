"""ALERTS.csv <-> columns of alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_node.tables.table import I64, Layout, read_table
from edge_node.tables.writing import seconds, write_table
from messages.frames import F64
from messages.types import Alert

NUMBERS = ("time_to_closest_s", "range_m", "azimuth_deg", "elevation_deg")
LEVELS = ("INFO", "CAUTION", "WARNING")
LAYOUT = Layout(
    numbers=("time_s", "track_id", *NUMBERS),
    texts=("level", "platform", "reason"),
    required=("time_s", "track_id", "level"),
)


@dataclass(frozen=True)
class AlertTable:
    """Rows of alerts as columns; ``azimuth_deg`` and ``elevation_deg`` as on the crew's screen."""

    t_ns: I64
    track_id: I64
    level: list[str]
    platform: list[str]
    reason: list[str]
    time_to_closest_s: F64
    range_m: F64

    def __len__(self) -> int:
        return len(self.t_ns)


def write_alerts(path: Path, alerts: Iterable[Alert]) -> int:
    """Write alerts in the order given and return how many."""
    rows = list(alerts)
    columns: dict[str, Any] = {
        "time_s": seconds(np.array([a.t_ns for a in rows], dtype=np.int64)),
        "track_id": np.array([a.track_id for a in rows], dtype=np.int64),
        "level": [a.level for a in rows],
        "platform": [a.platform_id for a in rows],
        "reason": [a.reason for a in rows],
        "time_to_closest_s": np.array([a.time_to_closest_s for a in rows]),
        "range_m": np.array([a.range_m for a in rows]),
        "azimuth_deg": np.degrees(np.array([a.azimuth_rad for a in rows])),
        "elevation_deg": np.degrees(np.array([a.elevation_rad for a in rows])),
    }
    write_table(path, columns)
    return len(rows)


def read_alerts(path: Path) -> AlertTable:
    """Return the alerts of a file in order of time, or raise TableError."""
    table = read_table(path, LAYOUT)
    levels = table.text("level")
    table.require(np.array([v in LEVELS for v in levels], dtype=np.bool_), "level", f"must be one of {LEVELS}")
    t_ns = table.times_ns("time_s")
    order = np.argsort(t_ns, kind="stable")
    return AlertTable(
        t_ns=t_ns[order],
        track_id=table.integers("track_id", 1)[order],
        level=[levels[i] for i in order],
        platform=[table.text("platform")[i] for i in order],
        reason=[table.text("reason")[i] for i in order],
        time_to_closest_s=table.number("time_to_closest_s")[order],
        range_m=table.number("range_m")[order],
    )
