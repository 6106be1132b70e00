"""The scenario file: environment, platoon, sensors, targets, network. Degrees and metres at the door.

Every key says in its description what it is; ``scenarios.loader`` reads files and finds errors across keys.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field, PrivateAttr

from messages.frames import F64
from scenarios.base import (
    Decibel,
    Degrees,
    Fraction,
    Identifier,
    Model,
    Name,
    NonNegative,
    Orientation,
    Point2,
    Point3,
    Positive,
    Text,
)
from scenarios.elevation.grid import HIGHEST_M, LOWEST_M, Elevation
from scenarios.events import ScenarioEvent
from scenarios.files import FileReference
from scenarios.flightplan import RecordedFlight, Target
from scenarios.own import Navigation, OwnDrone
from scenarios.types import MAX_NEEDS_S, Aspects

FormationName = Literal["column", "line", "wedge", "dispersed_halt"]
Engine = Literal["off", "idle", "moving"]


class Datum(Model):
    """Geodetic origin of the east-north-up frame; needed to export geodetic positions and for terrain from a file."""

    latitude_deg: float = Field(default=48.0, ge=-90.0, le=90.0)
    longitude_deg: float = Field(default=37.0, ge=-180.0, le=180.0)
    altitude_m: float = Field(default=150.0, ge=-500.0, le=9000.0)


class Barrier(Model):
    """A straight treeline or ridge between two points."""

    from_m: Point2
    to_m: Point2
    width_m: Positive = Field(description="across, trees: edge to edge; ridge: between its half heights")
    height_m: Positive = Field(le=500.0)


class ElevationFile(FileReference):
    """A GeoTIFF (EPSG:4326 or UTM on WGS 84) or DTED file with the heights of the ground around the datum."""

    void_height_m: float | None = Field(
        default=None,
        ge=LOWEST_M,
        le=HIGHEST_M,
        description="height above sea level that the file's voids get; none: a void under the terrain is an error",
    )
    _elevation: Elevation | None = PrivateAttr(default=None)

    @property
    def elevation(self) -> Elevation:
        """What the file holds. Raises ValueError before ``scenarios.loader.load`` has read it."""
        if self._elevation is None:
            raise ValueError(f"{self.path}: not read: load the scenario with scenarios.loader.load")
        return self._elevation


class TerrainPlan(Model):
    """Heights from a file or from a seed, with seeded woods, plus placed treelines and ridges."""

    file: ElevationFile | None = Field(
        default=None, description="heights of real ground, instead of relief_m and correlation_m"
    )

    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    size_m: float = Field(default=8000.0, ge=500.0, le=40_000.0, description="side of the square around the datum")
    cell_m: float = Field(default=20.0, ge=2.0, le=200.0)
    relief_m: NonNegative = Field(default=12.0, le=500.0, description="standard deviation of the height")
    correlation_m: float = Field(
        default=900.0, ge=50.0, le=10_000.0, description="distance over which heights are alike"
    )
    woods_fraction: float = Field(default=0.08, ge=0.0, le=0.8)
    woods_correlation_m: float = Field(default=350.0, ge=20.0, le=5000.0)
    tree_height_m: float = Field(default=14.0, ge=0.0, le=60.0)
    clearing_m: NonNegative = Field(
        default=180.0, description="no woods within this distance of the platoon and its route"
    )
    treelines: tuple[Barrier, ...] = Field(default=(), max_length=32)
    ridges: tuple[Barrier, ...] = Field(default=(), max_length=32)
    ground: Literal["flatland", "farmland", "woods", "wooded_hill", "rugged_mountain", "metropolitan"] = Field(
        default="farmland", description="clutter class for radar"
    )

    def axis_m(self) -> F64:
        """Return the places of the grid's posts, east as north of the datum [m]."""
        n = max(8, round(self.size_m / self.cell_m)) + 1
        return np.linspace(-self.size_m / 2.0, self.size_m / 2.0, n)


class Environment(Model):
    """Terrain, light and weather."""

    datum: Datum = Datum()
    terrain: TerrainPlan = TerrainPlan()
    time_of_day: Literal["day", "dusk", "night"] = "day"
    visibility_m: float = Field(default=15_000.0, ge=50.0, le=100_000.0)
    temperature_c: float = Field(default=15.0, ge=-40.0, le=50.0)
    relative_humidity: float = Field(default=70.0, ge=1.0, le=100.0, description="per cent")
    pressure_kpa: float = Field(default=101.325, ge=50.0, le=110.0)
    rain_mm_per_h: float = Field(default=0.0, ge=0.0, le=200.0)
    wind_mps: float = Field(default=2.0, ge=0.0, le=30.0)
    wind_from_deg: Degrees = 270.0
    gusts: Literal["none", "light", "moderate", "severe"] = Field(
        default="none", description="Dryden turbulence that shakes everything that flies (MIL-F-8785C)"
    )
    gust_sigma_mps: NonNegative | None = Field(
        default=None, le=10.0, description="standard deviation of the vertical gusts, instead of a named intensity"
    )
    ambient_noise_dba: Decibel = Field(default=35.0, description="outdoors, without the platoon")


class Turret(Model):
    """What a turret does: hold a direction relative to the hull, or sweep about it."""

    heading_deg: Degrees = Field(default=0.0, description="relative to the hull's nose, clockwise")
    behaviour: Literal["fixed", "scan"] = "fixed"
    scan_width_deg: float = Field(default=60.0, gt=0.0, le=360.0)
    scan_period_s: float = Field(default=20.0, ge=2.0, le=600.0)


class Waypoint(Model):
    """A point of the platoon leader's route and the speed with which it is approached."""

    position_m: Point2
    speed_mps: Positive = Field(le=30.0)


class ProtectionLayer(Model):
    """A layer of protection by its name; a name of the catalogue gives what is left out here."""

    name: Name
    needs_s: NonNegative | None = Field(
        default=None,
        le=MAX_NEEDS_S,
        description="time from the WARNING until the layer is in place; none: the catalogue's",
    )
    aspects: Aspects | None = Field(
        default=None, description="sides of the hull that the layer covers; none: the catalogue's, or every side"
    )


class Protection(Model):
    """Layers of protection as a budget of time: nothing is released, the run only says which layers had time."""

    layers: tuple[ProtectionLayer, ...] = Field(max_length=16, description="empty: no protection at all")


class Vehicle(Model):
    """What one vehicle of the platoon has different from the others."""

    fit: Name | None = None
    engine: Engine | None = None
    turret: Turret | None = None
    offset_m: Point2 | None = Field(
        default=None, description="forward, right of the leader, instead of the formation's place"
    )
    protection: Protection | None = Field(default=None, description="instead of all layers of the platoon")


class Platoon(Model):
    """The defended vehicles: formation, route, engines, turrets, sensor fits. Ids are tank_1, tank_2 ..."""

    platform_type: Name = "main_battle_tank"
    prefix: Identifier = "tank"
    count: int = Field(default=4, ge=1, le=8)
    formation: FormationName = "column"
    spacing_m: float = Field(default=70.0, ge=10.0, le=500.0)
    heading_deg: Degrees = 0.0
    position_m: Point2 = (0.0, 0.0)
    engine: Engine = Field(default="idle", description="while halted; a platform that moves is always 'moving'")
    route: tuple[Waypoint, ...] = Field(
        default=(), max_length=32, description="of the leader; the others keep their places"
    )
    turret: Turret = Turret()
    fit: Name = Field(default="full", description="sensor fit of every vehicle that names none of its own")
    vehicles: tuple[Vehicle, ...] = Field(default=(), max_length=8, description="one an item, in order of ids")
    navigation: Navigation = Navigation()
    protection: Protection | None = Field(
        default=None, description="of every vehicle that has none of its own; none: every layer of the catalogue"
    )

    def platform_ids(self) -> tuple[str, ...]:
        """Return the hull ids in order."""
        return tuple(f"{self.prefix}_{i + 1}" for i in range(self.count))


class ExplicitSensor(Model):
    """A sensor besides those of the fits."""

    id: Identifier
    platform: Identifier = Field(description="hull id")
    profile: Name
    on: Literal["hull", "turret"] = "turret"
    position_m: Point3 = (0.0, 0.0, 1.0)
    orientation_deg: Orientation = Orientation()


class Link(Model):
    """What the network does to one sensor kind's messages."""

    latency_s: float = Field(default=0.005, ge=0.0, le=10.0)
    jitter_s: float = Field(
        default=0.002, ge=0.0, le=10.0, description="mean of the exponential delay added to the latency"
    )
    loss: Fraction = 0.0


class Network(Model):
    """Latency, jitter and loss by sensor kind, and of pose messages."""

    radar: Link = Link()
    eo: Link = Link()
    ir: Link = Link()
    acoustic: Link = Link()
    rf: Link = Link()
    pose: Link = Link(latency_s=0.002, jitter_s=0.0)
    pose_period_s: float = Field(default=0.1, ge=0.01, le=1.0)


class CatalogueChanges(Model):
    """Values of catalogue entries that this scenario changes, by section, entry and key (to sweep estimates)."""

    sensors: dict[Name, dict[str, Any]] = Field(default_factory=dict, max_length=32)
    targets: dict[Name, dict[str, Any]] = Field(default_factory=dict, max_length=32)
    platforms: dict[Name, dict[str, Any]] = Field(default_factory=dict, max_length=32)
    fits: dict[Name, dict[str, Any]] = Field(default_factory=dict, max_length=32)
    protection: dict[Name, dict[str, Any]] = Field(default_factory=dict, max_length=32)


class Scenario(Model):
    """One engagement from beginning to end."""

    name: Name
    title: Text
    description: Text
    duration_s: float = Field(ge=1.0, le=7200.0)
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    environment: Environment = Environment()
    platoon: Platoon = Platoon()
    sensors: tuple[ExplicitSensor, ...] = Field(default=(), max_length=64)
    targets: tuple[Target, ...] = Field(default=(), max_length=64)
    cueing: bool = Field(default=True, description="the node tells cameras on a head where to look; false: they search")
    flights: tuple[RecordedFlight, ...] = Field(
        default=(), max_length=64, description="more targets, on trajectories from files"
    )
    network: Network = Network()
    events: tuple[ScenarioEvent, ...] = Field(default=(), max_length=64, description="faults and deception, by time")
    catalogue: CatalogueChanges = CatalogueChanges()

    def own_drones(self) -> dict[str, OwnDrone]:
        """Return the own drones among the targets by id, in the scenario's order."""
        return {target.id: target.own for target in self.targets if target.own is not None}

    def carrier_ids(self) -> tuple[str, ...]:
        """Return the ids of everything that carries sensors and reports a pose: hulls in order, then own drones."""
        return (*self.platoon.platform_ids(), *self.own_drones())
