"""Flight plans: the legs that a target flies one after another, and groups (swarms, flocks) that fly one together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from scenarios.base import Identifier, Model, Name, NonNegative, Point2, Point3, Positive
from scenarios.files import FileReference
from scenarios.flight_file import FlightRows
from scenarios.own import OwnDrone

Height = Annotated[float, Field(ge=0.0, le=10_000.0, description="above the ground")]


class Start(Model):
    """Where a target is when it starts; from height 0 it is launched from the ground."""

    position_m: Point2 = Field(description="east, north")
    height_m: Height = 0.0
    speed_mps: NonNegative | None = Field(default=None, description="none: that of the first leg, or 0 from the ground")
    heading_deg: float | None = Field(default=None, ge=-360.0, le=360.0, description="none: towards the first leg")


class Transit(Model):
    """Fly to a point, at a height above the ground (terrain and trees are flown over)."""

    kind: Literal["transit"]
    to_m: Point2
    height_m: Height
    speed_mps: Positive


class Orbit(Model):
    """Circle a point."""

    kind: Literal["orbit"]
    centre_m: Point2
    radius_m: Positive
    height_m: Height
    speed_mps: Positive
    duration_s: Positive
    direction: Literal["clockwise", "anticlockwise"] = "clockwise"


class Loiter(Model):
    """Wait in a racetrack whose long axis points along ``heading_deg``."""

    kind: Literal["loiter"]
    centre_m: Point2
    length_m: Positive
    width_m: Positive
    heading_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    height_m: Height
    speed_mps: Positive
    duration_s: Positive


class Hover(Model):
    """Stay over a point and observe; fixed wings cannot."""

    kind: Literal["hover"]
    at_m: Point2 | None = Field(default=None, description="none: where the leg begins")
    height_m: Height
    duration_s: Positive
    speed_mps: Positive = 10.0


class PopUp(Model):
    """Rise from behind terrain or trees to a height, with little movement over ground, until it is reached."""

    kind: Literal["pop_up"]
    height_m: Height
    speed_mps: Positive = Field(default=8.0, description="rate of climb")
    hold_s: NonNegative = Field(default=0.0, description="time up there before the next leg")


class Terminal(Model):
    """Attack a platform by lead pursuit, to impact; from higher up it is a dive."""

    kind: Literal["terminal"]
    platform: Identifier = Field(description="hull id of the attacked platform")
    speed_mps: Positive | None = Field(default=None, description="none: the type's terminal speed")
    dive_deg: float | None = Field(
        default=None, gt=0.0, lt=90.0, description="fly level until the platform is this far below; none: dive at once"
    )


class Soar(Model):
    """A bird circles in rising air, drifting with the wind."""

    kind: Literal["soar"]
    centre_m: Point2
    radius_m: Positive = 35.0
    height_m: Height
    speed_mps: Positive = 11.0
    climb_mps: float = Field(default=0.5, ge=-3.0, le=3.0)
    duration_s: Positive


class Wander(Model):
    """A bird flaps about in an area, from one random point to the next."""

    kind: Literal["wander"]
    centre_m: Point2
    radius_m: Positive
    height_m: Height
    speed_mps: Positive
    duration_s: Positive


class Land(Model):
    """Come down at a point; it is not airborne any more after that."""

    kind: Literal["land"]
    at_m: Point2
    speed_mps: Positive = 8.0


Leg = Annotated[Transit | Orbit | Loiter | Hover | PopUp | Terminal | Soar | Wander | Land, Field(discriminator="kind")]


class Group(Model):
    """Several of one type that fly one plan together: a leader and followers on a lattice (ids get _1, _2 ...)."""

    count: int = Field(ge=2, le=64)
    spacing_m: Positive = Field(le=500.0)
    split_leg: int | None = Field(
        default=None, ge=0, description="number of the leg (from 0) at whose begin each flies on its own; none: never"
    )
    split_platforms: tuple[Identifier, ...] = Field(
        default=(), max_length=16, description="platforms that the members' terminal legs are dealt out to, in turn"
    )


class Target(Model):
    """A drone or a bird: its type, when and where it starts, and its legs."""

    id: Identifier
    type: Name
    start_s: NonNegative = Field(default=0.0, le=7200.0)
    start: Start
    legs: tuple[Leg, ...] = Field(min_length=1, max_length=64)
    group: Group | None = None
    threat: bool | None = Field(default=None, description="none: that of the type")
    radio_silent_from_leg: int | None = Field(
        default=None, ge=0, description="emissions stop when this leg begins (terminal homing switches its link off)"
    )
    own: OwnDrone | None = Field(
        default=None, description="given: it is one's own, carries sensors and reports its pose; never a threat"
    )


class FlightFile(FileReference):
    """A CSV file with a flight: ``time_s, east_m, north_m``, ``up_m`` or ``height_m``, and velocities where known."""

    _rows: FlightRows | None = PrivateAttr(default=None)

    @property
    def rows(self) -> FlightRows:
        """What the file holds. Raises ValueError before ``scenarios.loader.load`` has read it."""
        if self._rows is None:
            raise ValueError(f"{self.path}: not read: load the scenario with scenarios.loader.load")
        return self._rows


class RecordedFlight(Model):
    """A drone or a bird that flies as a file says, whatever its type could do."""

    id: Identifier
    type: Name = Field(description="what sensors get of it; its kinematics are not used")
    file: FlightFile
    start_s: NonNegative | None = Field(
        default=None, le=7200.0, description="time of the file's first row; none: the file's own"
    )
    offset_m: Point3 = Field(default=(0.0, 0.0, 0.0), description="east, north, up: added to every place")
    threat: bool | None = Field(default=None, description="none: that of the type")
    silent_after_s: NonNegative | None = Field(
        default=None, le=7200.0, description="emissions stop so long after its begin; none: never"
    )


def member_ids(target: Target) -> tuple[str, ...]:
    """Return the ids of what a target stands for: its own, or those of its group's members."""
    if target.group is None:
        return (target.id,)
    return tuple(f"{target.id}_{i + 1}" for i in range(target.group.count))
