"""The scenario file: environment, platoon, sensors, targets, network. Degrees and metres at the door.

Every key says in its description what it is; ``scenarios.loader`` reads files and finds errors across keys.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

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
from scenarios.events import ScenarioEvent
from scenarios.flightplan import Target
from scenarios.types import MAX_NEEDS_S, Aspects

FormationName = Literal["column", "line", "wedge", "dispersed_halt"]
Engine = Literal["off", "idle", "moving"]


class Datum(Model):
    """Geodetic origin of the east-north-up frame; needed only to export geodetic positions."""

    latitude_deg: float = Field(default=48.0, ge=-90.0, le=90.0)
    longitude_deg: float = Field(default=37.0, ge=-180.0, le=180.0)
    altitude_m: float = Field(default=150.0, ge=-500.0, le=9000.0)


class Barrier(Model):
    """A straight treeline or ridge between two points."""

    from_m: Point2
    to_m: Point2
    width_m: Positive = Field(description="across, trees: edge to edge; ridge: between its half heights")
    height_m: Positive = Field(le=500.0)


class TerrainPlan(Model):
    """Seeded procedural height field with woods, plus placed treelines and ridges."""

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


class Navigation(Model):
    """Errors of a platform's own position and attitude: Gauss-Markov with these stationary sigmas."""

    position_sigma_m: NonNegative = Field(default=0.4, le=100.0, description="each axis")
    velocity_sigma_mps: NonNegative = Field(default=0.05, le=10.0, description="each axis")
    heading_sigma_deg: NonNegative = Field(default=0.12, le=20.0)
    level_sigma_deg: NonNegative = Field(default=0.05, le=20.0, description="pitch and roll")
    turret_sigma_deg: NonNegative = Field(default=0.03, le=5.0, description="turret angle against its hull")
    time_constant_s: float = Field(default=80.0, ge=1.0, le=3600.0)


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
    network: Network = Network()
    events: tuple[ScenarioEvent, ...] = Field(default=(), max_length=64, description="faults and deception, by time")
    catalogue: CatalogueChanges = CatalogueChanges()
