"""What every model of the scenario schema shares: frozen, unknown keys refused, numbers finite, units in names."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base of the schema: immutable, unknown keys are errors, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _rising(interval: tuple[float, float]) -> tuple[float, float]:
    if not interval[0] < interval[1]:
        raise ValueError("must rise: [low, high] with low < high")
    return interval


Positive = Annotated[float, Field(gt=0.0, le=1e12)]
NonNegative = Annotated[float, Field(ge=0.0, le=1e12)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Decibel = Annotated[float, Field(ge=-250.0, le=250.0)]
Degrees = Annotated[float, Field(ge=-360.0, le=360.0)]
Coordinate = Annotated[float, Field(ge=-50_000.0, le=50_000.0)]
Interval = Annotated[tuple[float, float], AfterValidator(_rising)]
Point2 = tuple[Coordinate, Coordinate]
Point3 = tuple[Coordinate, Coordinate, Coordinate]
Identifier = Annotated[str, Field(min_length=1, max_length=24, pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Orientation(Model):
    """A mount's attitude in its platform: yaw clockwise from the nose, pitch nose up, roll right side down."""

    yaw: Degrees = 0.0
    pitch: Annotated[float, Field(ge=-90.0, le=90.0)] = 0.0
    roll: Annotated[float, Field(ge=-180.0, le=180.0)] = 0.0
