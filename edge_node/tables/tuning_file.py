"""The file of chosen parameters: what ``vedette track --tune`` writes and ``--config`` reads.

The models below map onto the file one to one; an unknown key is an error. Each parameter is a mapping of its value
with its default, unit and the evidence that chose it, or, written by hand, the value alone. What is left out keeps its
default.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge_node.tables.errors import TableError
from edge_node.tables.writing import write_text
from edge_node.tables.yaml_lines import LocatedYaml, describe, load_yaml
from messages.types import SensorDescription

HEAD = """\
# Chosen by vedette track --tune from the detections alone. Repeat the tracks with --config and this file.
# Each value stands with what it would be without tuning, and with the figures that chose or kept it.
"""
SHARES_SUM_TO = 1e-6  # of 1: what a hand may round
Number = Annotated[float, Field(ge=-1e9, le=1e9)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Chosen(_Entry):
    value: Any
    default: Number | list[Number] | None = None
    unit: str | None = None
    evidence: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _value_alone(cls, data: Any) -> Any:
        return data if isinstance(data, (dict, _Chosen)) else {"value": data}


class ScaleEntry(_Chosen):
    """A standard deviation over the stated one."""

    value: Annotated[float, Field(ge=0.01, le=100.0)]


class ProbabilityEntry(_Chosen):
    """A probability of detection."""

    value: Annotated[float, Field(gt=0.0, le=1.0)]


class CountEntry(_Chosen):
    """A mean number of detections in a scan."""

    value: Annotated[float, Field(ge=0.0, le=1e6)]


class SecondsEntry(_Chosen):
    """A time."""

    value: Annotated[float, Field(gt=0.0, le=1e4)]


class IntensitiesEntry(_Chosen):
    """Intensities of acceleration, one a model."""

    value: Annotated[list[Annotated[float, Field(gt=0.0, le=1e5)]], Field(min_length=1, max_length=8)]


class SharesEntry(_Chosen):
    """Shares of time, one a model."""

    value: Annotated[list[Annotated[float, Field(gt=0.0, le=1.0)]], Field(min_length=1, max_length=8)]


class CorrelationsEntry(_Chosen):
    """Correlation times of acceleration, one a model; 0: white."""

    value: Annotated[list[Annotated[float, Field(ge=0.0, le=1e3)]], Field(min_length=1, max_length=8)]


class MotionEntry(_Entry):
    """The motion models: ``fusion.config.MotionConfig``."""

    acceleration_intensity_m2ps3: IntensitiesEntry
    stationary: SharesEntry
    sojourn_s: SecondsEntry
    correlation_s: CorrelationsEntry | None = None


class SigmaScaleEntry(_Entry):
    """What to multiply the stated standard deviations by, those of single rows too."""

    range: ScaleEntry | None = None
    azimuth: ScaleEntry | None = None
    elevation: ScaleEntry | None = None
    range_rate: ScaleEntry | None = None


class TunedSensorEntry(_Entry):
    """What takes the place of one sensor's numbers in SENSORS.yaml."""

    id: str
    sigma_scale: SigmaScaleEntry = SigmaScaleEntry()
    detection_probability: ProbabilityEntry | None = None
    clutter_per_scan: CountEntry | None = None


class SourceEntry(_Entry):
    """Which recording the choice was made from, for people."""

    detections: str
    scans_used: Annotated[int, Field(ge=0)]
    scans: Annotated[int, Field(ge=0)]


class TuningEntry(_Entry):
    """The whole file."""

    tuned_on: SourceEntry | None = None
    motion: MotionEntry | None = None
    sensors: list[TunedSensorEntry] = []


def read_tuning(path: Path, sensors: Sequence[SensorDescription]) -> TuningEntry:
    """Return the parameters of a file, or raise TableError with every error of it, one a line."""
    located = load_yaml(path)
    try:
        entry = TuningEntry.model_validate({} if located.value is None else located.value)
    except ValidationError as error:
        raise TableError("\n".join(describe(located, item) for item in error.errors())) from None
    _check_motion(located, entry.motion)
    _check_sensors(located, entry, [sensor.sensor_id for sensor in sensors])
    return entry


def _check_motion(located: LocatedYaml, motion: MotionEntry | None) -> None:
    if motion is None:
        return
    shares, models = motion.stationary.value, len(motion.acceleration_intensity_m2ps3.value)
    where = f"{located.where(('motion', 'stationary'))}: motion.stationary = {shares}"
    if len(shares) != models:
        raise TableError(f"{where}: must have {models} items, one for each of acceleration_intensity_m2ps3")
    lasting = motion.correlation_s
    if lasting is not None and len(lasting.value) != models:
        where = f"{located.where(('motion', 'correlation_s'))}: motion.correlation_s = {lasting.value}"
        raise TableError(f"{where}: must have {models} items, one for each of acceleration_intensity_m2ps3")
    if abs(sum(shares) - 1.0) > SHARES_SUM_TO:
        raise TableError(f"{where}: must sum to 1 (they sum to {sum(shares):g}): they are shares of time")


def _check_sensors(located: LocatedYaml, entry: TuningEntry, known: Sequence[str]) -> None:
    seen: set[str] = set()
    for i, sensor in enumerate(entry.sensors):
        where = f"{located.where(('sensors', i, 'id'))}: sensors[{i}].id = {sensor.id}"
        if sensor.id not in known:
            raise TableError(f"{where}: must be the id of a sensor in the sensors file ({', '.join(known)})")
        if sensor.id in seen:
            raise TableError(f"{where}: must be unique, stands twice")
        seen.add(sensor.id)


def write_tuning(path: Path, entry: TuningEntry) -> None:
    """Write the file, whole or not at all."""
    document = entry.model_dump(exclude_none=True)
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
    write_text(path, HEAD + text)


def changes(entry: TuningEntry) -> list[str]:
    """Return a sentence for each parameter that is not its default: what, how much, and the evidence."""
    parts: list[tuple[str, _Chosen | None]] = []
    if entry.motion is not None:
        parts.append(("motion: acceleration_intensity_m2ps3", entry.motion.acceleration_intensity_m2ps3))
        parts.append(("motion: stationary", entry.motion.stationary))
    for sensor in entry.sensors:
        scales = sensor.sigma_scale
        parts += [
            (f"sensor {sensor.id}: sigma_scale.{name}", getattr(scales, name)) for name in type(scales).model_fields
        ]
        parts.append((f"sensor {sensor.id}: detection_probability", sensor.detection_probability))
        parts.append((f"sensor {sensor.id}: clutter_per_scan", sensor.clutter_per_scan))
    return [_sentence(name, chosen) for name, chosen in parts if chosen is not None and chosen.value != chosen.default]


def _sentence(name: str, chosen: _Chosen) -> str:
    return f"{name} = {chosen.value} instead of {chosen.default} ({chosen.evidence})"
