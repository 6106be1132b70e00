"""Faults and deception as scenario events: what goes wrong, from when to when, and with whom.

An event strikes what it names and nothing else: no other sensor's draws change, and those of the struck
ones are as they would have been before and after the window. ``struck`` says whom each event means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from messages.types import SensorKind
from scenarios.base import Fraction, Identifier, Interval, Model, NonNegative, Point3, Positive

JammedKind = Literal["radar", "rf"]
JAMMED_KINDS: tuple[JammedKind, ...] = ("radar", "rf")  # kinds whose link budget knows a noise floor in a band
CHOICES = ("vehicles", "sensor_kinds", "sensors")  # keys by which an event chooses sensors; all that are given must fit

Azimuth = Annotated[float, Field(ge=-180.0, le=180.0)]
Elevation = Annotated[float, Field(ge=-90.0, le=90.0)]
Offset = Annotated[float, Field(ge=-50_000.0, le=50_000.0)]
Vehicles = Annotated[tuple[Identifier, ...], Field(max_length=8)]
Sensors = Annotated[tuple[Identifier, ...], Field(max_length=64)]


class _Window(Model):
    from_s: NonNegative
    to_s: Positive | None = Field(default=None, description="the window ends just before; none: with the scenario")


class _OfSensors(_Window):
    vehicles: Vehicles = Field(default=(), description="sensors on these only; empty: on any")
    sensor_kinds: tuple[SensorKind, ...] = Field(default=(), max_length=5, description="these only; empty: any")
    sensors: Sensors = Field(default=(), description="these ids only; empty: any")


class SensorLoss(_OfSensors):
    """The sensors say nothing at all: no detections, no empty looks, no status."""

    kind: Literal["sensor_loss"]


class SensorStuck(_OfSensors):
    """The sensors repeat the detections of their last look, with new time stamps, and do not know it."""

    kind: Literal["sensor_stuck"]


class SensorBias(_OfSensors):
    """The sensors measure beside the truth by a constant, and do not know it."""

    kind: Literal["sensor_bias"]
    azimuth_offset_deg: Azimuth = Field(default=0.0, description="added in the sensor's own axes, to the right")
    elevation_offset_deg: Elevation = Field(default=0.0, description="added in the sensor's own axes, up")
    range_offset_m: Offset = 0.0


class Jamming(_OfSensors):
    """Somebody radiates noise: the receivers' noise floor rises, detections are lost, false alarms stay as many."""

    kind: Literal["jamming"]
    sensor_kinds: tuple[JammedKind, ...] = Field(default=(), max_length=2, description="these only; empty: both")
    jamming_db: Positive = Field(le=120.0, description="rise of the noise floor; events at one time add as powers")
    band_hz: Interval | None = Field(
        default=None, description="strikes radars and emissions whose middle frequency lies inside; none: all"
    )


class VehicleLoss(_Window):
    """The vehicles say nothing at all, neither sensors nor poses; they stay in the world and are still attacked."""

    kind: Literal["vehicle_loss"]
    vehicles: Vehicles = Field(min_length=1)


class LinkFault(_Window):
    """The links of the vehicles to the node are worse: for scans, statuses and poses alike."""

    kind: Literal["link"]
    vehicles: Vehicles = Field(default=(), description="empty: all")
    delay_s: NonNegative = Field(default=0.0, le=60.0, description="added to the latency; the order is kept")
    loss: Fraction = Field(default=0.0, description="of the messages that the network has not lost already")


class RemoteIdSpoof(_Window):
    """The Remote ID beacons of targets claim a place beside their own, to whoever decodes them."""

    kind: Literal["remote_id_spoof"]
    targets: tuple[Identifier, ...] = Field(min_length=1, max_length=64, description="of a type with such a beacon")
    claim_offset_m: Point3 = Field(description="east, north, up: the claimed place less the true one")


ScenarioEvent = Annotated[
    SensorLoss | SensorStuck | SensorBias | Jamming | VehicleLoss | LinkFault | RemoteIdSpoof,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class Carrier:
    """What events need to know of a sensor: its id, the vehicle that carries it, its kind."""

    sensor_id: str
    vehicle: str
    kind: str


def chosen(
    carried: Iterable[Carrier], kind: object, vehicles: Iterable[str], kinds: Iterable[str], sensors: Iterable[str]
) -> tuple[str, ...]:
    """Return the ids of the sensors that fit every choice that is given, in the scenario's order."""
    allowed = set(kinds) or set(JAMMED_KINDS if kind == "jamming" else ())
    hulls, names = set(vehicles), set(sensors)
    return tuple(
        c.sensor_id
        for c in carried
        if (not hulls or c.vehicle in hulls)
        and (not allowed or c.kind in allowed)
        and (not names or c.sensor_id in names)
    )


def struck(event: ScenarioEvent, carried: Iterable[Carrier], hulls: tuple[str, ...]) -> tuple[str, ...]:
    """Return whom an event strikes: ids of sensors, and of the hulls whose pose messages it touches."""
    if isinstance(event, _OfSensors):
        return chosen(carried, event.kind, event.vehicles, event.sensor_kinds, event.sensors)
    if isinstance(event, RemoteIdSpoof):
        return chosen(carried, event.kind, (), ("rf",), ())
    sensors = chosen(carried, event.kind, event.vehicles, (), ())
    return (*(hull for hull in hulls if not event.vehicles or hull in event.vehicles), *sensors)
