"""Checks across keys: names that must exist, ids that must be unique and short, limits of the types that are flown.

They read the plain document, not the validated scenario, so that one run reports these errors together with those
of the schema; what the schema has already refused is passed over here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scenarios.catalogue import SECTIONS, Catalogue
from scenarios.document import Path
from scenarios.event_checks import event_errors
from scenarios.events import Carrier
from scenarios.schema import Platoon, TerrainPlan
from scenarios.wording import nearest

MAX_ID = 24  # bytes of a node name in the frame header
MAX_CELLS = 2000  # along a side of the terrain: 4 million posts, half a gigabyte with what is worked out from them
Found = tuple[Path, str]  # a path and "must ..."


def across(data: dict[str, Any], catalogue: Catalogue) -> Iterator[Found]:
    """Yield every error across the keys of a scenario document."""
    platoon = _mapping(data.get("platoon"))
    hulls = _hulls(platoon)
    fits = list(_fits(platoon, len(hulls)))
    yield from _platoon(platoon, catalogue, len(hulls), fits)
    yield from _sensors(data, catalogue, hulls, fits)
    yield from _targets(data, catalogue, hulls)
    yield from _own(data, catalogue)
    events = [_mapping(event) for event in _list(data.get("events"))]
    carriers, beacons = _carriers(data, catalogue, hulls, fits), _beacons(data, catalogue)
    vehicles = [*hulls, *(str(target["id"]) for target, _ in _own_drones(data))]
    yield from event_errors(events, data.get("duration_s"), vehicles, carriers, beacons)
    for section in SECTIONS:
        for name in _mapping(_mapping(data.get("catalogue")).get(section)):
            yield from _known(("catalogue", section, name), name, catalogue.names(section), f"entry of {section}")


def _platoon(
    platoon: dict[str, Any], catalogue: Catalogue, count: int, fits: list[tuple[Path, object]]
) -> Iterator[Found]:
    kind = platoon.get("platform_type", _default(Platoon, "platform_type"))
    yield from _known(("platoon", "platform_type"), kind, catalogue.names("platforms"), "platform")
    for path, fit in dict(fits).items():
        yield from _known(path, fit, catalogue.names("fits"), "sensor fit")
    yield from _protection(("platoon",), platoon, catalogue)
    vehicles = _list(platoon.get("vehicles"))
    for i, vehicle in enumerate(vehicles):
        yield from _protection(("platoon", "vehicles", i), _mapping(vehicle), catalogue)
    if len(vehicles) > count:
        yield ("platoon", "vehicles"), f"must have at most as many items as platoon.count = {count}"


def _protection(path: Path, owner: dict[str, Any], catalogue: Catalogue) -> Iterator[Found]:
    """Yield layers that are given twice, and unknown ones that say no time."""
    taken: set[str] = set()
    known = catalogue.names("protection")
    for i, item in enumerate(_list(_mapping(owner.get("protection")).get("layers"))):
        layer, where = _mapping(item), (*path, "protection", "layers", i)
        name = layer.get("name")
        if not isinstance(name, str):
            continue
        if name in taken:
            yield (*where, "name"), f"must be unique among the layers ({name} is given twice)"
        taken.add(name)
        if name not in known and layer.get("needs_s") is None:
            close = nearest(name, known)
            yield (*where, "needs_s"), f"must be given for {name}{close}; the catalogue knows {', '.join(known)}"


def _sensors(
    data: dict[str, Any], catalogue: Catalogue, hulls: list[str], fits: list[tuple[Path, object]]
) -> Iterator[Found]:
    taken = set(hulls)
    for hull, (path, name) in zip(hulls, fits, strict=True):
        fit = catalogue.fits.get(name) if isinstance(name, str) else None
        for mount in fit.sensors if fit else ():
            sensor_id = f"{hull}_{mount.name}"
            taken.add(sensor_id)
            if len(sensor_id) > MAX_ID:
                yield path, f"makes the sensor id {sensor_id}: must have at most {MAX_ID} characters"
    for i, sensor in enumerate(_list(data.get("sensors"))):
        path, sensor = ("sensors", i), _mapping(sensor)
        yield from _unique((*path, "id"), sensor.get("id"), taken)
        yield from _known((*path, "platform"), sensor.get("platform"), hulls, "platform of the platoon")
        yield from _known((*path, "profile"), sensor.get("profile"), catalogue.names("sensors"), "sensor profile")
    for target, where in _own_drones(data):
        for j, item in enumerate(_list(_mapping(target["own"]).get("sensors"))):
            path, sensor = (*where, "own", "sensors", j), _mapping(item)
            yield from _unique((*path, "id"), sensor.get("id"), taken)
            yield from _known((*path, "profile"), sensor.get("profile"), catalogue.names("sensors"), "sensor profile")


def _own_drones(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yield every target that is one's own and has an id, with its path."""
    for i, target in enumerate(map(_mapping, _list(data.get("targets")))):
        if isinstance(target.get("own"), dict) and isinstance(target.get("id"), str):
            yield target, ("targets", i)


def _own(data: dict[str, Any], catalogue: Catalogue) -> Iterator[Found]:
    """Yield own drones that are a group, a threat, or not a drone."""
    for target, path in _own_drones(data):
        if target.get("group") is not None:
            yield (*path, "group"), "must not be given with own: write each own drone by itself"
        if target.get("threat") is True:
            yield (*path, "threat"), "must not be true with own"
        kind = target.get("type")
        flown = catalogue.targets.get(kind) if isinstance(kind, str) else None
        if flown is not None and flown.target_class == "bird":
            yield (*path, "type"), f"must be a drone with own; {flown.name} is a bird"


def _carriers(
    data: dict[str, Any], catalogue: Catalogue, hulls: list[str], fits: list[tuple[Path, object]]
) -> list[Carrier]:
    """Return every sensor that the document is right about, of fits and single ones."""
    carried = []
    for hull, (_, name) in zip(hulls, fits, strict=True):
        fit = catalogue.fits.get(name) if isinstance(name, str) else None
        for mount in fit.sensors if fit else ():
            carried.append(Carrier(f"{hull}_{mount.name}", hull, catalogue.sensors[mount.profile].kind))
    for sensor in map(_mapping, _list(data.get("sensors"))):
        sensor_id, profile = sensor.get("id"), sensor.get("profile")
        if isinstance(sensor_id, str) and isinstance(profile, str) and profile in catalogue.sensors:
            carried.append(Carrier(sensor_id, str(sensor.get("platform")), catalogue.sensors[profile].kind))
    for target, _ in _own_drones(data):
        for sensor in map(_mapping, _list(_mapping(target["own"]).get("sensors"))):
            sensor_id, profile = sensor.get("id"), sensor.get("profile")
            if isinstance(sensor_id, str) and isinstance(profile, str) and profile in catalogue.sensors:
                carried.append(Carrier(sensor_id, target["id"], catalogue.sensors[profile].kind))
    return carried


def _beacons(data: dict[str, Any], catalogue: Catalogue) -> dict[str, bool]:
    """Return target id -> whether its type has a Remote ID beacon; members of groups have ids of their own."""
    found = {}
    for target in map(_mapping, [*_list(data.get("targets")), *_list(data.get("flights"))]):
        kind = target.get("type")
        flown = catalogue.targets.get(kind) if isinstance(kind, str) else None
        has = flown is None or any(emission.kind == "remote_id" for emission in flown.emissions)
        found.update({name: has for name in _members(target, _mapping(target.get("group"))) if isinstance(name, str)})
    return found


def _targets(data: dict[str, Any], catalogue: Catalogue, hulls: list[str]) -> Iterator[Found]:
    taken: set[str] = set(hulls)
    terrain = _mapping(_mapping(data.get("environment")).get("terrain"))
    size_m, cell_m = (_number(terrain.get(k), _default(TerrainPlan, k)) for k in ("size_m", "cell_m"))
    if cell_m > 0.0 and size_m / cell_m > MAX_CELLS:
        yield ("environment", "terrain", "cell_m"), f"must be >= {size_m / MAX_CELLS:g} for size_m = {size_m:g}"
    half_m = size_m / 2.0
    for i, item in enumerate(_list(data.get("targets"))):
        path, target = ("targets", i), _mapping(item)
        group, legs = _mapping(target.get("group")), _list(target.get("legs"))
        for name in _members(target, group):
            yield from _unique((*path, "id"), name, taken)
        yield from _known((*path, "type"), target.get("type"), catalogue.names("targets"), "target type")
        for j, platform in enumerate(_list(group.get("split_platforms"))):
            yield from _known((*path, "group", "split_platforms", j), platform, hulls, "platform of the platoon")
        for where, number in (((*path, "radio_silent_from_leg"), target), ((*path, "group", "split_leg"), group)):
            leg = number.get(str(where[-1]))
            if isinstance(leg, int) and leg >= len(legs):
                yield where, f"must be < {len(legs)} (the number of legs)"
        yield from _points((*path, "start"), _mapping(target.get("start")), half_m)
        for j, leg in enumerate(legs):
            yield from _leg((*path, "legs", j), _mapping(leg), target.get("type"), catalogue, hulls)
            yield from _points((*path, "legs", j), _mapping(leg), half_m)
    for i, flight in enumerate(map(_mapping, _list(data.get("flights")))):
        yield from _unique(("flights", i, "id"), flight.get("id"), taken)
        yield from _known(("flights", i, "type"), flight.get("type"), catalogue.names("targets"), "target type")


def _leg(path: Path, leg: dict[str, Any], kind: object, catalogue: Catalogue, hulls: list[str]) -> Iterator[Found]:
    if leg.get("kind") == "terminal":
        yield from _known((*path, "platform"), leg.get("platform"), hulls, "platform of the platoon")
    flown = catalogue.targets.get(kind) if isinstance(kind, str) else None
    if flown is None:
        return
    k = flown.kinematics
    if k.speed_min_mps > 0.0 and leg.get("kind") in ("hover", "pop_up"):
        yield (*path, "kind"), f"must not be flown by {flown.name}, which falls below {k.speed_min_mps:g} m/s"
    speed, limit = leg.get("speed_mps"), max(k.speed_max_mps, k.terminal_speed_mps or 0.0)
    if isinstance(speed, (int, float)) and leg.get("kind") != "pop_up" and not k.speed_min_mps <= speed <= limit:
        yield (*path, "speed_mps"), f"must be within {k.speed_min_mps:g}..{limit:g} (speeds of {flown.name})"


def _points(path: Path, item: dict[str, Any], half_m: float) -> Iterator[Found]:
    for key in ("position_m", "to_m", "centre_m", "at_m"):
        point = item.get(key)
        if isinstance(point, list) and any(isinstance(c, (int, float)) and abs(c) > half_m for c in point):
            yield (*path, key), f"must lie on the terrain, within {half_m:g} m of the datum east and north"


def _known(path: Path, name: object, names: Any, what: str) -> Iterator[Found]:
    if isinstance(name, str) and name not in names:
        yield path, f"must be a known {what}{nearest(name, names)}; known: {', '.join(names) or 'none'}"


def _unique(path: Path, name: object, taken: set[str]) -> Iterator[Found]:
    if not isinstance(name, str):
        return
    if name in taken:
        yield path, f"must be unique ({name} is taken)"
    if len(name) > MAX_ID:
        yield path, f"makes the id {name}: must have at most {MAX_ID} characters"
    taken.add(name)


def _members(target: dict[str, Any], group: dict[str, Any]) -> list[object]:
    name, count = target.get("id"), group.get("count")
    if isinstance(name, str) and isinstance(count, int) and 1 < count <= 64:
        return [f"{name}_{i + 1}" for i in range(count)]
    return [name]


def _hulls(platoon: dict[str, Any]) -> list[str]:
    prefix, count = (platoon.get(key, _default(Platoon, key)) for key in ("prefix", "count"))
    count = count if isinstance(count, int) and 1 <= count <= 8 else _default(Platoon, "count")
    return [f"{prefix}_{i + 1}" for i in range(count)]


def _fits(platoon: dict[str, Any], count: int) -> Iterator[tuple[Path, object]]:
    """Yield where each vehicle's fit is named, and the name."""
    vehicles = _list(platoon.get("vehicles"))
    for i in range(count):
        own = _mapping(vehicles[i]).get("fit") if i < len(vehicles) else None
        common = platoon.get("fit", _default(Platoon, "fit"))
        yield (("platoon", "vehicles", i, "fit"), own) if own is not None else (("platoon", "fit"), common)


def _default(model: type[Any], key: str) -> Any:
    return model.model_fields[key].default


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default
