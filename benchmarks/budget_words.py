"""Time budgets in words, for the terminal and the report: the numbers of ``time_budgets``, shortened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def tightest(pairs: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return at most so many pairs: those without a WARNING first, then by rising warning time."""

    def key(pair: dict[str, Any]) -> tuple[bool, float]:
        warning_time_s = pair["warning_time_s"]
        return warning_time_s is not None, warning_time_s or 0.0

    return sorted(pairs, key=key)[:most]


def layer_words(layer: dict[str, Any]) -> str:
    """Return name and need of a layer as a reader says them: ``take cover 8 s``."""
    return f"{layer['name'].replace('_', ' ')} {layer['needs_s']:g} s"


def counts_by_aspect(budgets: dict[str, Any], aspects: Sequence[str]) -> dict[str, list[str]]:
    """Return layer -> one cell for each of these aspects: ``2 of 3``, or a dash where it covers none of them."""
    names = dict.fromkeys(layer["name"] for pair in budgets["pairs"] for layer in pair["layers"])
    cells: dict[str, list[str]] = {}
    for name in names:
        counts = [budgets["by_aspect"][aspect]["layers"].get(name, {"covers": 0}) for aspect in aspects]
        cells[name] = [f"{count['had_time']} of {count['covers']}" if count["covers"] else "-" for count in counts]
    return cells
