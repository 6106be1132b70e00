"""The committed scenes: their parameter files, checked at the door, and the scene that each makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from benchmarks.core.scenes.column import ColumnFile, make_column
from benchmarks.core.scenes.manoeuvring import ManoeuvringFile, make_manoeuvring
from benchmarks.core.scenes.model import Scene, SceneFile
from benchmarks.core.scenes.spread import SpreadFile, make_spread
from benchmarks.core.scenes.swarm import SwarmFile, make_swarm
from edge_node.tables.errors import TableError
from edge_node.tables.sensors_file import read_sensors_yaml
from edge_node.tables.yaml_lines import describe, load_yaml

FOLDER = Path(__file__).parent
Maker = Callable[[Any, Any, np.random.Generator], Scene]
KINDS: dict[str, tuple[type[SceneFile], Maker]] = {
    "spread": (SpreadFile, make_spread),
    "swarm": (SwarmFile, make_swarm),
    "manoeuvring": (ManoeuvringFile, make_manoeuvring),
    "column": (ColumnFile, make_column),
}


def scene_names() -> list[str]:
    """Return the names of the committed scenes: by kind, then by number of targets."""
    return [name for name, _ in sorted(((p.stem, _order(p.stem)) for p in FOLDER.glob("*.yaml")), key=lambda x: x[1])]


def _order(name: str) -> tuple[int, list[tuple[int, str]]]:
    kind, *rest = name.split("_")
    numbers = [(int(part), "") if part.isdigit() else (0, part) for part in rest]
    return list(KINDS).index(kind) if kind in KINDS else len(KINDS), numbers


def load_scene(name: str) -> SceneFile:
    """Return the parameters of a committed scene (or of a YAML file), or raise TableError."""
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if not path.exists():
        raise TableError(f"scene {name}: must be a YAML file or one of {', '.join(scene_names())}")
    located = load_yaml(path)
    kind = located.value.get("kind") if isinstance(located.value, dict) else None
    if kind not in KINDS:
        raise TableError(f"{path}: kind = {kind}: must be one of {', '.join(KINDS)}")
    try:
        return KINDS[kind][0].model_validate(located.value)
    except ValidationError as error:
        raise TableError("\n".join(describe(located, item) for item in error.errors())) from None


def make_scene(name: str, seed: int | None = None, **changes: Any) -> Scene:
    """Return a scene; ``seed`` and ``changes`` (keys of its file) override the file."""
    given = load_scene(name)
    given = type(given).model_validate(given.model_dump() | changes | ({} if seed is None else {"seed": seed}))
    sensors = read_sensors_yaml(FOLDER / "sensors" / f"{given.sensors}.yaml").sensors
    return KINDS[given.kind][1](given, sensors, np.random.default_rng(given.seed))
