"""The scenario's events in the summary and in words: what went wrong, from when to when, with whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenarios.events import CHOICES, ScenarioEvent

Struck = tuple[ScenarioEvent, tuple[str, ...]]  # as from ``scenarios.fit.struck_nodes``
UNITS = {"azimuth_offset_deg": "deg azimuth", "elevation_offset_deg": "deg elevation", "range_offset_m": "m range"} | {
    "jamming_db": "dB of noise",
    "delay_s": "s delay",
}


def event_records(events: Sequence[Struck], duration_s: float) -> list[dict[str, Any]]:
    """Return one record an event, by time: ``kind``, ``from_s``, ``to_s``, ``strikes`` (ids), and its own values."""
    records = []
    for event, nodes in events:
        own = event.model_dump(mode="json", exclude=set(CHOICES) | {"kind", "from_s", "to_s"})
        to_s = max(duration_s, event.from_s) if event.to_s is None else event.to_s
        records.append({"kind": event.kind, "from_s": event.from_s, "to_s": to_s, "strikes": list(nodes), **own})
    return sorted(records, key=lambda record: (record["from_s"], record["to_s"]))


def event_words(record: dict[str, Any]) -> str:
    """Return what happened in a few words, for example ``jamming: +20 dB noise``."""
    parts = [f"{record[key]:+g} {unit}" for key, unit in UNITS.items() if record.get(key)]
    if record.get("targets"):
        parts.append("{} by {:g}, {:g}, {:g} m".format(", ".join(record["targets"]), *record["claim_offset_m"]))
    if record.get("loss"):
        parts.append(f"{100.0 * record['loss']:g} % lost")
    if record.get("band_hz"):
        parts.append("{:g} to {:g} MHz".format(*(hz / 1e6 for hz in record["band_hz"])))
    name = str(record["kind"]).replace("_", " ")
    return f"{name}: {', '.join(parts)}" if parts else name
