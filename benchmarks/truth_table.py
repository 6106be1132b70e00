"""TRUTH.csv <-> columns of truth.

A file that a run wrote has further columns: ``threat``, ``airborne`` and ``scored`` (1 or 0) and one
``pd_<sensor>`` a sensor, its modelled detection probability. Only rows with ``scored`` = 1 (or without
that column) are in the truth set; every distinct time of the file is an instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_node.tables.table import I64, NS_PER_S, Layout, Table, read_table
from edge_node.tables.writing import seconds, write_table
from messages.frames import F64
from messages.truth import TruthSet
from messages.types import PlatformPose

POSITION = ("east_m", "north_m", "up_m")
VELOCITY = ("v_east_mps", "v_north_mps", "v_up_mps")
FLAGS = ("threat", "airborne", "scored")
SCORED_PD = 0.05  # a target is in the truth set while at least one sensor's modelled Pd exceeds this
LAYOUT = Layout(
    numbers=("time_s", *POSITION, *VELOCITY, *FLAGS),
    texts=("target_id", "class"),
    required=("time_s", "target_id", *POSITION),
    number_prefixes=("pd_",),
)
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class TruthTable:
    """Rows of truth as columns, in order of time.

    ``target`` (n,) is an index into ``target_ids``; ``velocity_mps`` (n, 3) is NaN where unknown;
    ``pd`` sensor -> (n,) modelled detection probability.
    """

    t_ns: I64
    target: I64
    target_ids: tuple[str, ...]
    position_m: F64
    velocity_mps: F64
    target_class: list[str]
    threat: Flags
    airborne: Flags
    scored: Flags
    pd: dict[str, F64]

    @cached_property
    def instants_ns(self) -> I64:
        """The distinct times."""
        return np.unique(self.t_ns)

    def rows(self, target: int) -> I64:
        """Return the rows of one target, in order of time."""
        return np.flatnonzero(self.target == target)

    def best_pd(self) -> F64:
        """Return (n,) the largest of the sensors' modelled detection probabilities; 0 without sensors."""
        return np.max(np.stack(list(self.pd.values())), axis=0) if self.pd else np.zeros(len(self.t_ns))


def read_truth(path: Path) -> TruthTable:
    """Return the truth of a file, or raise TableError."""
    table = read_table(path, LAYOUT)
    names = table.text("target_id")
    table.require(np.array([bool(name) for name in names], dtype=np.bool_), "target_id", "must be named")
    t_ns = table.times_ns("time_s")
    order = np.argsort(t_ns, kind="stable")
    ids = tuple(dict.fromkeys(names[i] for i in order.tolist()))
    code = {name: i for i, name in enumerate(ids)}
    return TruthTable(
        t_ns=t_ns[order],
        target=np.array([code[names[i]] for i in order.tolist()], dtype=np.int64),
        target_ids=ids,
        position_m=np.stack([table.filled(name) for name in POSITION], axis=1)[order],
        velocity_mps=np.stack([table.number(name) for name in VELOCITY], axis=1)[order],
        target_class=[table.text("class")[i] for i in order.tolist()],
        threat=_flag(table, "threat", False)[order],
        airborne=_flag(table, "airborne", True)[order],
        scored=_flag(table, "scored", True)[order],
        pd={name.removeprefix("pd_"): v[order] for name, v in table.numbers.items() if name.startswith("pd_")},
    )


def _flag(table: Table, name: str, default: bool) -> Flags:
    values = table.number(name)
    return np.where(np.isnan(values), default, values > 0.0).astype(np.bool_)


def truth_table(truth_sets: Iterable[TruthSet]) -> TruthTable:
    """Return the rows of the simulator's truth messages, with the truth set of a run marked."""
    rows = [(s.t_ns, target) for s in truth_sets for target in s.targets]
    rows.sort(key=lambda row: row[0])
    targets = [target for _, target in rows]
    ids = tuple(dict.fromkeys(target.target_id for target in targets))
    code = {name: i for i, name in enumerate(ids)}
    sensors = sorted({name for target in targets for name in target.detection_probability})
    pd = {name: np.array([t.detection_probability.get(name, 0.0) for t in targets]) for name in sensors}
    airborne = np.array([target.airborne for target in targets], dtype=np.bool_)
    table = TruthTable(
        t_ns=np.array([t_ns for t_ns, _ in rows], dtype=np.int64),
        target=np.array([code[target.target_id] for target in targets], dtype=np.int64),
        target_ids=ids,
        position_m=np.array([target.position_m for target in targets]).reshape(-1, 3),
        velocity_mps=np.array([target.velocity_mps for target in targets]).reshape(-1, 3),
        target_class=[target.target_class for target in targets],
        threat=np.array([target.threat for target in targets], dtype=np.bool_),
        airborne=airborne,
        scored=airborne,
        pd=pd,
    )
    return _with_truth_set(table)


def _with_truth_set(table: TruthTable) -> TruthTable:
    """Return the table with ``scored`` by the rule of a run."""
    fields = {name: getattr(table, name) for name in table.__dataclass_fields__}
    return TruthTable(**(fields | {"scored": table.airborne & (table.best_pd() > SCORED_PD)}))


def write_truth(path: Path, truth: TruthTable) -> None:
    """Write TRUTH.csv with the columns of a run."""
    columns: dict[str, Any] = {
        "time_s": seconds(truth.t_ns),
        "target_id": [truth.target_ids[i] for i in truth.target.tolist()],
        **dict(zip(POSITION, truth.position_m.T, strict=True)),
        **dict(zip(VELOCITY, truth.velocity_mps.T, strict=True)),
        "class": truth.target_class,
        "threat": truth.threat,
        "airborne": truth.airborne,
        "scored": truth.scored,
        **{f"pd_{name}": np.round(values, 6) for name, values in sorted(truth.pd.items())},
    }
    write_table(path, columns)


def true_poses(truth_sets: Iterable[TruthSet], defended: Iterable[str]) -> list[PlatformPose]:
    """Return where the platforms really were, in the form of poses without error."""
    warned = set(defended)
    return [
        PlatformPose(
            platform_id=p.platform_id,
            t_ns=s.t_ns,
            position_m=p.position_m,
            velocity_mps=p.velocity_mps,
            yaw_rad=p.yaw_rad,
            pitch_rad=p.pitch_rad,
            roll_rad=p.roll_rad,
            defended=p.platform_id in warned,
        )
        for s in truth_sets
        for p in s.platforms
    ]


def at_times(truth: TruthTable, target: int, t_ns: I64) -> tuple[F64, Flags]:
    """Return (k, 3) positions of a target between its rows, and whether it was airborne there."""
    rows = truth.rows(target)
    own = truth.t_ns[rows]
    x, known = t_ns / NS_PER_S, own / NS_PER_S
    position = np.stack([np.interp(x, known, truth.position_m[rows, i]) for i in range(3)], axis=1)
    last = np.clip(np.searchsorted(own, t_ns, side="right") - 1, 0, len(own) - 1)
    inside = (t_ns >= own[0]) & (t_ns <= own[-1])
    return position, truth.airborne[rows[last]] & inside
