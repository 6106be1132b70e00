"""From a scenario to its sensors: fits are spread over the vehicles, explicit sensors follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scenarios.catalogue import Catalogue, shipped
from scenarios.events import Carrier, ScenarioEvent, struck
from scenarios.own import CarriedSensor
from scenarios.schema import ExplicitSensor, Scenario
from scenarios.sensors import SensorMount, SensorProfile


@dataclass(frozen=True)
class MountedSensor:
    """One sensor of a scenario, with its profile and its place on what carries it (forward, left, up; radians)."""

    sensor_id: str
    hull_id: str  # the hull, or the own drone
    platform_id: str  # the same, or "<hull>/turret"
    profile: SensorProfile
    position_m: tuple[float, float, float]
    yaw_rad: float
    pitch_rad: float
    roll_rad: float


def catalogue_of(scenario: Scenario) -> Catalogue:
    """Return the catalogue that holds inside a scenario."""
    return shipped().changed(scenario.catalogue)


def fit_names(scenario: Scenario) -> tuple[str, ...]:
    """Return the name of each vehicle's fit, in order of ids."""
    platoon = scenario.platoon
    own = [vehicle.fit for vehicle in platoon.vehicles]
    own += [None] * (platoon.count - len(own))
    return tuple(fit or platoon.fit for fit in own)


def mounted_sensors(scenario: Scenario) -> tuple[MountedSensor, ...]:
    """Return every sensor of a validated scenario: of the fits by vehicle, the explicit ones, those of own drones."""
    catalogue = catalogue_of(scenario)
    sensors: list[MountedSensor] = []
    for hull_id, fit in zip(scenario.platoon.platform_ids(), fit_names(scenario), strict=True):
        for mount in catalogue.fits[fit].sensors:
            sensors.append(_mounted(f"{hull_id}_{mount.name}", hull_id, mount, catalogue))
    sensors += [_mounted(explicit.id, explicit.platform, explicit, catalogue) for explicit in scenario.sensors]
    for drone_id, own in scenario.own_drones().items():
        sensors += [_on(carried.id, drone_id, drone_id, carried, catalogue) for carried in own.sensors]
    return tuple(sensors)


def struck_nodes(scenario: Scenario) -> tuple[tuple[ScenarioEvent, tuple[str, ...]], ...]:
    """Return every event of a validated scenario with the nodes it strikes: ids of carriers (their poses), sensors."""
    carried = [Carrier(m.sensor_id, m.hull_id, m.profile.kind) for m in mounted_sensors(scenario)]
    return tuple((event, struck(event, carried, scenario.carrier_ids())) for event in scenario.events)


def _mounted(sensor_id: str, hull_id: str, mount: SensorMount | ExplicitSensor, catalogue: Catalogue) -> MountedSensor:
    return _on(sensor_id, hull_id, mount_platform(hull_id, mount.on), mount, catalogue)


def _on(
    sensor_id: str,
    carrier_id: str,
    platform_id: str,
    mount: SensorMount | ExplicitSensor | CarriedSensor,
    catalogue: Catalogue,
) -> MountedSensor:
    angles = mount.orientation_deg
    return MountedSensor(
        sensor_id,
        carrier_id,
        platform_id,
        catalogue.sensors[mount.profile],
        mount.position_m,
        math.radians(angles.yaw),
        math.radians(angles.pitch),
        math.radians(angles.roll),
    )


def mount_platform(hull_id: str, on: str) -> str:
    """Return the id of the platform that carries a mount: the hull, or its turret."""
    return f"{hull_id}/turret" if on == "turret" else hull_id
