"""Estimated errors of platforms and sensors, as a file and as a sentence: angles in degrees, stated minus true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from edge_node.tables.writing import write_table, write_text
from fusion.biases import BiasEstimate

SHOWN = {"rad": ("deg", 180.0 / math.pi), "m": ("m", 1.0), "s": ("s", 1.0)}


def write_biases(path: Path, biases: Sequence[BiasEstimate]) -> None:
    """Write ``.json`` (a list of objects), ``.csv`` or ``.parquet``: one row a bias, in the order of the sensors."""
    scale = np.array([SHOWN[bias.unit][1] for bias in biases])
    columns = {
        "kind": [bias.kind for bias in biases],
        "owner": [bias.owner for bias in biases],
        "bias": [bias.name for bias in biases],
        "unit": [SHOWN[bias.unit][0] for bias in biases],
        "value": np.array([bias.value for bias in biases]) * scale,
        "sigma": np.array([bias.sigma for bias in biases]) * scale,
        "prior_sigma": np.array([bias.prior_sigma for bias in biases]) * scale,
        "observable": np.array([bias.observable for bias in biases], dtype=np.bool_),
        "significant": np.array([bias.significant for bias in biases], dtype=np.bool_),
    }
    if path.suffix != ".json":
        write_table(path, columns)
        return
    lists = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
    write_text(path, msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n")


def sentence(bias: BiasEstimate) -> str:
    """Return what is wrong, by how much, how surely, and what was done about it."""
    unit, scale = SHOWN[bias.unit]
    value, sigma = bias.value * scale, bias.sigma * scale
    side = "large" if value > 0.0 else "small"
    return (
        f"{bias.kind} {bias.owner}: {bias.name} is stated {abs(value):.3g} {unit} too {side} "
        f"(sigma {sigma:.2g} {unit}); the tracks are corrected for it"
    )
