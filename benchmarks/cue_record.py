"""Sensors that can be pointed, in the summary: what they were asked to look at, how much of the time they slewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edge_node.tables.detections_file import HeardScan
from messages.types import FieldOfView, SensorCue


def cue_records(heard: Sequence[HeardScan], cues: Iterable[SensorCue]) -> list[dict[str, Any]]:
    """Return one record a sensor that was cued or slews, by id.

    ``looks`` and how many of them are ``slewing`` (they cover no range), ``cues``, the number of ``tracks`` that they
    name, and ``visits``: how often the head was sent to another track than before.
    """
    looks: dict[str, list[FieldOfView]] = {}
    for item in heard:
        if item.scan.look is not None:
            looks.setdefault(item.scan.sensor_id, []).append(item.scan.look)
    asked: dict[str, list[int]] = {}
    for cue in cues:
        asked.setdefault(cue.sensor_id, []).append(cue.track_id)
    records = (_record(name, looks.get(name, []), asked.get(name, [])) for name in sorted({*looks, *asked}))
    return [record for record in records if record["cues"] or record["slewing"]]


def _record(name: str, looks: list[FieldOfView], tracks: list[int]) -> dict[str, Any]:
    return {
        "sensor_id": name,
        "looks": len(looks),
        "slewing": sum(look.range_m is not None and look.range_m[1] <= 0.0 for look in looks),
        "cues": len(tracks),
        "tracks": len(set(tracks)),
        "visits": sum(a != b for a, b in zip([None, *tracks], tracks, strict=False)),
    }


def cue_words(record: dict[str, Any]) -> str:
    """Return a record in a few words, for example ``386 cues, 12 visits to 3 tracks, 19 % of looks slewing``."""
    slewing = f"{100.0 * record['slewing'] / max(record['looks'], 1):.0f} % of looks slewing"
    if not record["cues"]:
        return f"no cues, {slewing}"
    return f"{record['cues']} cues, {record['visits']} visits to {record['tracks']} tracks, {slewing}"
