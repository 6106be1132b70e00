"""Checks of events across keys: windows inside the scenario, names that must exist, events that must strike somebody.

Like all checks across keys they read the plain document; what the schema has refused is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from messages.types import SensorKind
from scenarios.document import Path
from scenarios.events import CHOICES, JAMMED_KINDS, Carrier, chosen
from scenarios.wording import nearest

OF_SENSORS = ("sensor_loss", "sensor_stuck", "sensor_bias", "jamming")
# What an event of a kind is about: at least one of these keys must be given, and not be 0.
EFFECTS = {
    "sensor_bias": ("azimuth_offset_deg", "elevation_offset_deg", "range_offset_m"),
    "link": ("delay_s", "loss"),
}


def event_errors(
    events: Sequence[dict[str, Any]],
    duration_s: object,
    hulls: Sequence[str],
    carried: Sequence[Carrier],
    beacons: Mapping[str, bool],
) -> Iterator[tuple[Path, str]]:
    """Yield every error across the keys of a document's events; ``beacons``: which target has a Remote ID beacon."""
    for i, event in enumerate(events):
        path = ("events", i)
        yield from _window(path, event, duration_s)
        yield from _known(path, event, "vehicles", hulls, "vehicle of the platoon")
        yield from _known(path, event, "sensors", [c.sensor_id for c in carried], "sensor of the scenario")
        yield from _known(path, event, "targets", list(beacons), "target of the scenario")
        for j, name in enumerate(_texts(event, "targets")):
            if not beacons.get(name, True):
                yield (*path, "targets", j), f"must have a Remote ID beacon; of those that do: {_with(beacons)}"
        keys = EFFECTS.get(str(event.get("kind")), ())
        if keys and not any(event.get(key) for key in keys):
            yield path, f"must say what happens: one of {', '.join(keys)} must not be 0"
        if event.get("kind") in OF_SENSORS:
            yield from _strikes(path, event, carried)


def _window(path: Path, event: dict[str, Any], duration_s: object) -> Iterator[tuple[Path, str]]:
    from_s, to_s = event.get("from_s"), event.get("to_s")
    if isinstance(from_s, (int, float)) and isinstance(to_s, (int, float)) and not from_s < to_s:
        yield (*path, "to_s"), f"must be > from_s = {from_s:g}"
    if not isinstance(duration_s, (int, float)):
        return
    if isinstance(from_s, (int, float)) and from_s >= duration_s:
        yield (*path, "from_s"), f"must be < duration_s = {duration_s:g}"
    if isinstance(to_s, (int, float)) and to_s > duration_s:
        yield (*path, "to_s"), f"must be <= duration_s = {duration_s:g}; leave it out to last until the end"


def _known(path: Path, event: dict[str, Any], key: str, names: Sequence[str], what: str) -> Iterator[tuple[Path, str]]:
    for j, name in enumerate(_texts(event, key)):
        if name not in names:
            yield (*path, key, j), f"must be a known {what}{nearest(name, names)}; known: {', '.join(names) or 'none'}"


def _strikes(path: Path, event: dict[str, Any], carried: Sequence[Carrier]) -> Iterator[tuple[Path, str]]:
    """Yield a choice that is missing or strikes nobody, and named sensors that the other choices rule out."""
    if not any(event.get(key) for key in CHOICES):
        yield path, f"must choose whom it strikes: one of {', '.join(CHOICES)} must be given"
        return
    kind, vehicles, kinds, names = event.get("kind"), *(_texts(event, key) for key in CHOICES)
    if not set(kinds) <= set(JAMMED_KINDS if kind == "jamming" else get_args(SensorKind)):
        return
    found = chosen(carried, kind, vehicles, kinds, names)
    of = {c.sensor_id: c for c in carried}
    only = f"{kind} strikes only {' and '.join(JAMMED_KINDS)}" if kind == "jamming" else "all choices must fit"
    for j, name in enumerate(names):
        if name in of and name not in found:
            yield (*path, "sensors", j), f"must fit: it is the {of[name].kind} of {of[name].vehicle}; {only}"
    if not found and not names and set(vehicles) <= {c.vehicle for c in carried}:
        yield path, f"must strike a sensor: no {' or '.join(kinds) or 'such sensor'} on the chosen vehicles; {only}"


def _with(beacons: Mapping[str, bool]) -> str:
    return ", ".join(name for name, has in beacons.items() if has) or "none in this scenario"


def _texts(event: dict[str, Any], key: str) -> list[str]:
    value = event.get(key)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
