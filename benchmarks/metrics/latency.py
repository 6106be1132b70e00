"""Latency by stage: the percentiles that a crew feels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from messages.types import LatencyLedger


def percentiles(ledgers: Iterable[LatencyLedger]) -> dict[str, dict[str, float]]:
    """Return stage -> p50, p99 and max in milliseconds, stages in their order of appearance."""
    stages: dict[str, list[float]] = {}
    for ledger in ledgers:
        for stage, cost_ms in ledger.stages_ms.items():
            stages.setdefault(stage, []).append(cost_ms)
    return {stage: _summary(np.array(costs)) for stage, costs in stages.items()}


def _summary(costs_ms: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> dict[str, float]:
    p50, p99 = np.percentile(costs_ms, (50.0, 99.0))
    return {"p50": round(float(p50), 4), "p99": round(float(p99), 4), "max": round(float(np.max(costs_ms)), 4)}
