"""SENSORS.yaml <-> SensorDescription: degrees at the door, every error named at once.

The models below map onto the file one to one; an unknown key is an error. Azimuth intervals are
written rising and may cross north (``[-30, 40]``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from edge_node.tables.errors import TableError
from edge_node.tables.writing import write_text
from edge_node.tables.yaml_lines import LocatedYaml, describe, load_yaml
from messages.types import FieldOfView, Interval, MeasurementSigma, SensorDescription, SensorKind

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_./:-]+$")]
Sigma = Annotated[float, Field(gt=0.0, le=1e9)]
Degrees = Annotated[float, Field(ge=-360.0, le=360.0)]
Metres = Annotated[float, Field(ge=-1e6, le=1e6)]
SIGNIFICANT_DIGITS = 12  # degrees written so that 0.5 stays 0.5 after a trip through radians


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DatumEntry(_Entry):
    """Where the ENU origin lies on the earth (WGS 84)."""

    latitude_deg: Annotated[float, Field(ge=-90.0, le=90.0)]
    longitude_deg: Annotated[float, Field(ge=-180.0, le=180.0)]
    altitude_m: Annotated[float, Field(ge=-1000.0, le=20_000.0)] = 0.0


class OrientationEntry(_Entry):
    """Intrinsic yaw, pitch, roll of a sensor's axes."""

    yaw: Degrees = 0.0
    pitch: Degrees = 0.0
    roll: Degrees = 0.0


class SigmaEntry(_Entry):
    """Standard deviations; a coordinate without one is not measured."""

    range_m: Sigma | None = None
    azimuth_deg: Sigma | None = None
    elevation_deg: Sigma | None = None
    range_rate_mps: Sigma | None = None
    angular_size_deg: Sigma | None = None
    position_m: Sigma | None = None
    tdoa_s: Sigma | None = None


class FieldOfViewEntry(_Entry):
    """What the sensor covers, in the frame of its angles."""

    range_m: tuple[float, float] | None = None
    azimuth_deg: tuple[float, float] | None = None
    elevation_deg: tuple[float, float] | None = None
    range_rate_mps: tuple[float, float] | None = None

    @field_validator("range_m", "azimuth_deg", "elevation_deg", "range_rate_mps")
    @classmethod
    def _rising(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("must rise: first < second (an azimuth sector across north is written [-30, 40])")
        return value


class SensorEntry(_Entry):
    """One sensor of the file."""

    id: Id
    kind: SensorKind
    platform: Id | None = None
    position_m: tuple[Metres, Metres, Metres] = (0.0, 0.0, 0.0)
    orientation_deg: OrientationEntry = OrientationEntry()
    angles: Literal["enu", "sensor"] = "enu"
    range_rate: Literal["ground", "sensor"] = "ground"
    sigma: SigmaEntry
    detection_probability: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    clutter_per_scan: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    field_of_view: FieldOfViewEntry
    scan_period_s: Annotated[float, Field(gt=0.0, le=1e6)]
    doppler_notch_mps: Annotated[float, Field(ge=0.0, le=1e3)] = 0.0


class SensorsEntry(_Entry):
    """The whole file."""

    datum: DatumEntry | None = None
    sensors: Annotated[list[SensorEntry], Field(min_length=1)]


@dataclass(frozen=True)
class SensorsFile:
    """The content of SENSORS.yaml."""

    sensors: tuple[SensorDescription, ...]
    datum: DatumEntry | None = None


def read_sensors_yaml(path: Path) -> SensorsFile:
    """Return the sensors of a file, or raise TableError with every error of it, one a line."""
    located = load_yaml(path)
    try:
        entry = SensorsEntry.model_validate(located.value)
    except ValidationError as error:
        raise TableError("\n".join(describe(located, item) for item in error.errors())) from None
    _unique_ids(located, entry)
    return SensorsFile(tuple(_description(sensor) for sensor in entry.sensors), entry.datum)


def _unique_ids(located: LocatedYaml, entry: SensorsEntry) -> None:
    seen: set[str] = set()
    for i, sensor in enumerate(entry.sensors):
        if sensor.id in seen:
            where = located.where(("sensors", i, "id"))
            raise TableError(f"{where}: sensors[{i}].id = {sensor.id}: must be unique, stands twice")
        if all(value is None for value in sensor.sigma.model_dump().values()):
            where = located.where(("sensors", i, "sigma"))
            raise TableError(f"{where}: sensors[{i}].sigma: must give at least one measured coordinate")
        seen.add(sensor.id)


def _radians(value: float | None) -> float | None:
    return None if value is None else math.radians(value)


def _radian_interval(value: tuple[float, float] | None) -> Interval | None:
    return None if value is None else (math.radians(value[0]), math.radians(value[1]))


def _description(entry: SensorEntry) -> SensorDescription:
    sigma, view, turn = entry.sigma, entry.field_of_view, entry.orientation_deg
    return SensorDescription(
        sensor_id=entry.id,
        kind=entry.kind,
        platform_id=entry.platform,
        position_m=entry.position_m,
        yaw_rad=math.radians(turn.yaw),
        pitch_rad=math.radians(turn.pitch),
        roll_rad=math.radians(turn.roll),
        angles=entry.angles,
        range_rate=entry.range_rate,
        sigma=MeasurementSigma(
            range_m=sigma.range_m,
            azimuth_rad=_radians(sigma.azimuth_deg),
            elevation_rad=_radians(sigma.elevation_deg),
            range_rate_mps=sigma.range_rate_mps,
            angular_size_rad=_radians(sigma.angular_size_deg),
            position_m=sigma.position_m,
            tdoa_s=sigma.tdoa_s,
        ),
        detection_probability=entry.detection_probability,
        clutter_per_scan=entry.clutter_per_scan,
        field_of_view=FieldOfView(
            range_m=view.range_m,
            azimuth_rad=_radian_interval(view.azimuth_deg),
            elevation_rad=_radian_interval(view.elevation_deg),
            range_rate_mps=view.range_rate_mps,
        ),
        scan_period_s=entry.scan_period_s,
        doppler_notch_mps=entry.doppler_notch_mps,
    )


def write_sensors_yaml(path: Path, sensors: Sequence[SensorDescription], datum: DatumEntry | None = None) -> None:
    """Write SENSORS.yaml, whole or not at all."""
    document: dict[str, Any] = {} if datum is None else {"datum": datum.model_dump()}
    document["sensors"] = [sensor_document(sensor) for sensor in sensors]
    write_text(path, yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110))


def sensor_document(sensor: SensorDescription) -> dict[str, Any]:
    """Return one sensor as the plain mapping of SENSORS.yaml (degrees)."""
    head = {"id": sensor.sensor_id, "kind": sensor.kind}
    if sensor.platform_id is not None:
        head["platform"] = sensor.platform_id
    turn = {"yaw": sensor.yaw_rad, "pitch": sensor.pitch_rad, "roll": sensor.roll_rad}
    return head | {
        "position_m": [_tidy(value) for value in sensor.position_m],
        "orientation_deg": {name: _degrees(value) for name, value in turn.items()},
        "angles": sensor.angles,
        "range_rate": sensor.range_rate,
        "sigma": _in_degrees(sensor.sigma),
        "detection_probability": sensor.detection_probability,
        "clutter_per_scan": sensor.clutter_per_scan,
        "field_of_view": _in_degrees(sensor.field_of_view),
        "scan_period_s": sensor.scan_period_s,
        "doppler_notch_mps": sensor.doppler_notch_mps,
    }


def _tidy(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _degrees(value: float) -> float:
    return _tidy(math.degrees(value))


def _in_degrees(group: MeasurementSigma | FieldOfView) -> dict[str, Any]:
    """Return the given fields of a message part with ``_rad`` turned into ``_deg``."""
    out: dict[str, Any] = {}
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if value is None:
            continue
        turn = _degrees if name.endswith("_rad") else _tidy
        key = name.removesuffix("_rad") + "_deg" if name.endswith("_rad") else name
        out[key] = [turn(v) for v in value] if isinstance(value, tuple) else turn(value)
    return out
