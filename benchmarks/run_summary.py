"""summary.json: what a run says about itself, in the keys that users and tables rely on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.approach import closest_approach, defended_tracks, first_visibility_s
from benchmarks.cue_record import cue_records
from benchmarks.event_record import Struck, event_records
from benchmarks.metrics.consistency import nees, share_inside_95
from benchmarks.metrics.identity import completeness, false_tracks, first_assigned_ns, id_switches, owner_at, per_hour
from benchmarks.metrics.instants import Evaluation, evaluate
from benchmarks.metrics.latency import percentiles
from benchmarks.run_folder import RunFolder
from benchmarks.time_budget import time_budgets
from edge_node.tables.table import NS_PER_S
from edge_node.tables.writing import write_text
from messages.types import LatencyLedger, SensorCue
from scenarios.protection import Layer

DIGITS = 4  # of the numbers in summary.json: a tenth of a millimetre, of a millisecond
Backend = Literal["numba", "filterpy"]
Progress = Callable[[str], None]


def summarise(
    run: RunFolder,
    *,
    scenario: str,
    seed: int,
    duration_s: float | None = None,
    ledgers: Iterable[LatencyLedger] = (),
    alone: dict[str, Evaluation] | None = None,
    layers: Mapping[str, Sequence[Layer]] | None = None,
    events: Sequence[Struck] = (),
    cues: Iterable[SensorCue] = (),
    files: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Return the summary of a run folder.

    ``alone`` holds the evaluation of each sensor kind alone (see ``evaluate_alone``, which is called
    where it is not given). ``false_alerts_per_hour`` counts alerts that belong to no target, and alerts
    above INFO that belong to a target that is no threat. ``layers`` holds the layers of protection of each
    platform (see ``scenarios.protection``) for ``time_budgets``, ``events`` those of the scenario with whom
    they strike (see ``scenarios.fit.struck_nodes``), ``cues`` what the node asked of sensors that can be pointed,
    ``files`` path and SHA-256 of the files that it names.
    """
    alone = evaluate_alone(run) if alone is None else alone
    duration = run.duration_s if duration_s is None else duration_s
    evaluation = run.evaluation
    owners = alert_owners(run)
    values = nees(evaluation.pair_error_m, run.tracks.covariance_m2[evaluation.pair_row])
    return {
        key: _rounded(value)
        for key, value in {
            "scenario": scenario,
            "seed": seed,
            "files": dict(files or {}),
            "duration_s": duration,
            "events": event_records(events, duration),
            "gospa_m": {name: mean_gospa_m(e) for name, e in {"fused": evaluation, **alone}.items()},
            "targets": [_target(run, owners, i) for i in range(len(run.truth.target_ids))],
            "time_budgets": _time_budgets(run, owners, layers or {}),
            "completeness": completeness(evaluation),
            "id_switches": id_switches(evaluation),
            "false_tracks_per_hour": per_hour(len(false_tracks(evaluation)), duration),
            "false_alerts_per_hour": per_hour(_false_alerts(run, owners), duration),
            "nees_inside_95": share_inside_95(values),
            "latency_ms": percentiles(ledgers),
            "cued_sensors": cue_records(run.heard, cues),
            "detections": run.detection_counts(),
            "tracks_sha256": run.tracks_sha256(),
        }.items()
    }


def evaluate_alone(
    run: RunFolder, backend: Backend = "numba", progress: Progress | None = None
) -> dict[str, Evaluation]:
    """Track the run's detections of each sensor kind alone, in the same order of arrival, and evaluate.

    With a single kind in the run the fused tracks are that kind's.
    """
    from edge_node.tables.track_files import track_scans  # here: its compiled kernels take seconds to load

    kinds = run.kinds()
    if len(kinds) == 1:
        return {kinds[0]: run.evaluation}
    out: dict[str, Evaluation] = {}
    for kind in kinds:
        if progress is not None:
            progress(kind)
        sensors = [sensor for sensor in run.sensors.sensors if sensor.kind == kind]
        tracks = track_scans(run.heard, sensors, run.poses, backend=backend).tracks
        out[kind] = evaluate(tracks, run.truth, run.cutoff_m)
    return out


def mean_gospa_m(evaluation: Evaluation) -> float | None:
    """Return the mean GOSPA over the instants."""
    return float(evaluation.gospa_m[:, 0].mean()) if len(evaluation.t_ns) else None


def alert_owners(run: RunFolder) -> list[int | None]:
    """Return the target (index) that each alert belongs to."""
    pairs = zip(run.alerts.track_id.tolist(), run.alerts.t_ns.tolist(), strict=True)
    return [owner_at(run.evaluation, track_id, t_ns) for track_id, t_ns in pairs]


def is_threat(run: RunFolder, target: int) -> bool:
    """Say whether a target is a threat."""
    return bool(run.truth.threat[run.truth.rows(target)[0]])


def _false_alerts(run: RunFolder, owners: list[int | None]) -> int:
    return sum(
        owner is None or (level != "INFO" and not is_threat(run, owner))
        for owner, level in zip(owners, run.alerts.level, strict=True)
    )


def first_alert_ns(run: RunFolder, owners: list[int | None], target: int, level: str | None = None) -> int | None:
    """Return the time of the first alert (of a level) that belongs to the target; None for never."""
    for t_ns, own_level, owner in zip(run.alerts.t_ns.tolist(), run.alerts.level, owners, strict=True):
        if owner == target and level in (None, own_level):
            return int(t_ns)
    return None


def _first_detection_ns(run: RunFolder, target: int) -> int | None:
    times = [seen.t_ns[seen.target == target] for seen in run.sightings.values()]
    firsts = [int(t.min()) for t in times if len(t)]
    return min(firsts) if firsts else None


def _target(run: RunFolder, owners: list[int | None], target: int) -> dict[str, Any]:
    approach = closest_approach(run.truth, target, defended_tracks(run.platforms))
    warning = _s(first_alert_ns(run, owners, target, "WARNING"))
    return {
        "target_id": run.truth.target_ids[target],
        "class": run.truth.target_class[run.truth.rows(target)[0]],
        "threat": is_threat(run, target),
        "first_visibility_s": first_visibility_s(run.truth, target),
        "first_detection_s": _s(_first_detection_ns(run, target)),
        "confirmed_s": _s(first_assigned_ns(run.evaluation, target)),
        "first_alert_s": _s(first_alert_ns(run, owners, target)),
        "closest_approach_s": None if approach is None else approach.time_s,
        "closest_approach_m": None if approach is None else approach.distance_m,
        "closest_platform": None if approach is None else approach.platform_id,
        "warning_time_s": None if approach is None or warning is None else approach.time_s - warning,
    }


def _time_budgets(run: RunFolder, owners: list[int | None], layers: Mapping[str, Sequence[Layer]]) -> dict[str, Any]:
    threats = [target for target in range(len(run.truth.target_ids)) if is_threat(run, target)]
    warned_s = {target: _s(first_alert_ns(run, owners, target, "WARNING")) for target in threats}
    return time_budgets(run.truth, threats, warned_s, defended_tracks(run.platforms), layers)


def _s(t_ns: int | None) -> float | None:
    return None if t_ns is None else t_ns / NS_PER_S


def _rounded(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return round(float(value), DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write summary.json whole or not at all."""
    write_text(path, json.dumps(summary, indent=2, allow_nan=False) + "\n")
