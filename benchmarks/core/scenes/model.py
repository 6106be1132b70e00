"""What a scene is: sensors, what they reported, where their platforms said they were, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from benchmarks.truth_table import TruthTable
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.table import I64, NS_PER_S
from messages.frames import F64
from messages.types import PlatformPose, SensorDescription

Span = tuple[float, float]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Part(BaseModel):
    """A part of a scene file: frozen, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SceneFile(Part):
    """What every scene file gives; each kind adds its own numbers."""

    name: str
    kind: Literal["spread", "swarm", "manoeuvring", "column"]
    seed: Annotated[int, Field(ge=0)] = 1
    sensors: str
    """Name of the SENSORS.yaml in the folder ``sensors`` beside the scene files, without its suffix."""


class Paths(NamedTuple):
    """True states of n targets: ``t_s`` (k,) rising, ``position_m`` and ``velocity_mps`` (k, n, 3) in ENU."""

    t_s: F64
    position_m: F64
    velocity_mps: F64


@dataclass(frozen=True)
class Scene:
    """One scene. ``heard`` is in order of arrival; ``poses`` is what the platforms report."""

    name: str
    kind: str
    seed: int
    sensors: tuple[SensorDescription, ...]
    heard: tuple[HeardScan, ...]
    poses: tuple[PlatformPose, ...]
    truth: TruthTable


def nanoseconds(t_s: F64) -> I64:
    """Return whole nanoseconds."""
    return np.asarray(np.rint(t_s * NS_PER_S), dtype=np.int64)


def truth_of(paths: Paths, prefix: str = "drone") -> TruthTable:
    """Return every target at every time of the paths, all in the truth set."""
    k, n = paths.position_m.shape[:2]
    yes = np.ones(k * n, dtype=np.bool_)
    return TruthTable(
        t_ns=np.repeat(nanoseconds(paths.t_s), n),
        target=np.tile(np.arange(n, dtype=np.int64), k),
        target_ids=tuple(f"{prefix}_{i + 1}" for i in range(n)),
        position_m=paths.position_m.reshape(-1, 3),
        velocity_mps=paths.velocity_mps.reshape(-1, 3),
        target_class=["quadcopter"] * (k * n),
        threat=yes,
        airborne=yes,
        scored=yes,
        pd={},
    )


def at_time(paths: Paths, t_s: float) -> tuple[F64, F64]:
    """Return position and velocity (n, 3) at a time between the samples, linear between them."""
    step = np.clip(np.searchsorted(paths.t_s, t_s, side="right") - 1, 0, len(paths.t_s) - 2)
    share = (t_s - paths.t_s[step]) / (paths.t_s[step + 1] - paths.t_s[step])
    position = (1.0 - share) * paths.position_m[step] + share * paths.position_m[step + 1]
    velocity = (1.0 - share) * paths.velocity_mps[step] + share * paths.velocity_mps[step + 1]
    return position, velocity


def sampled(paths: Paths, t_s: F64) -> Paths:
    """Return the paths at other times."""
    states = [at_time(paths, float(t)) for t in t_s]
    return Paths(t_s, np.stack([p for p, _ in states]), np.stack([v for _, v in states]))
