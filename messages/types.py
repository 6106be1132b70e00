"""Every message that travels, defined once, with the unit in the field name.

All numbers are SI and radians; times are integer nanoseconds. ``None`` means "does not apply".
The codec refuses unknown fields, values outside the ranges below and numbers that are not finite.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_./:-]+$")]
TimeNs = Annotated[int, Meta(ge=0, le=2**62)]
Text = Annotated[str, Meta(max_length=512)]
Position = tuple[
    Annotated[float, Meta(ge=-1e6, le=1e6)],
    Annotated[float, Meta(ge=-1e6, le=1e6)],
    Annotated[float, Meta(ge=-1e5, le=1e5)],
]
Velocity = tuple[
    Annotated[float, Meta(ge=-1e3, le=1e3)],
    Annotated[float, Meta(ge=-1e3, le=1e3)],
    Annotated[float, Meta(ge=-1e3, le=1e3)],
]
Angle = Annotated[float, Meta(ge=-7.0, le=7.0)]
Positive = Annotated[float, Meta(gt=0.0, le=1e9)]
NonNegative = Annotated[float, Meta(ge=0.0, le=1e9)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Interval = tuple[Annotated[float, Meta(ge=-1e6, le=1e6)], Annotated[float, Meta(ge=-1e6, le=1e6)]]

SensorKind = Literal["radar", "eo", "ir", "acoustic", "rf"]
TrackStatus = Literal["tentative", "confirmed", "coasting", "deleted"]
AlertLevel = Literal["INFO", "CAUTION", "WARNING"]
Aspect = Literal["front", "flank", "rear", "top"]
HealthState = Literal["WARMING", "NORMAL", "DEGRADED", "FAILED"]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all messages: immutable, unknown fields refused."""


class FieldOfView(Message, frozen=True, kw_only=True):
    """What a sensor covers, in the frame of its angles; an azimuth interval may cross north."""

    range_m: Interval | None = None
    azimuth_rad: Interval | None = None
    elevation_rad: Interval | None = None
    range_rate_mps: Interval | None = None


class MeasurementSigma(Message, frozen=True, kw_only=True):
    """Standard deviations of a sensor's measurements; ``None``: not measured."""

    range_m: Positive | None = None
    azimuth_rad: Positive | None = None
    elevation_rad: Positive | None = None
    range_rate_mps: Positive | None = None
    angular_size_rad: Positive | None = None
    position_m: Positive | None = None
    tdoa_s: Positive | None = None


class SensorDescription(Message, frozen=True, kw_only=True):
    """A sensor introduces itself: kind, mount, accuracy and field of view; sent before its scans.

    ``position_m`` and the attitude are in ENU, or in the axes of ``platform_id`` (forward, left,
    up) where one is given. A turret is a platform of its own, named ``<hull>/turret``.
    ``angles`` says whether azimuth and elevation are in ENU or in the sensor's own axes;
    ``range_rate`` whether the sensor's own motion is already removed (``ground``).
    """

    sensor_id: Name
    kind: SensorKind
    platform_id: Name | None = None
    position_m: Position = (0.0, 0.0, 0.0)
    yaw_rad: Angle = 0.0
    pitch_rad: Angle = 0.0
    roll_rad: Angle = 0.0
    angles: Literal["enu", "sensor"] = "enu"
    range_rate: Literal["ground", "sensor"] = "ground"
    sigma: MeasurementSigma
    detection_probability: Probability = 0.9
    clutter_per_scan: NonNegative = 0.0
    field_of_view: FieldOfView
    scan_period_s: Positive
    doppler_notch_mps: NonNegative = 0.0


class SensorScan(Message, frozen=True, kw_only=True):
    """One sensor's one look: what it covered and its 0..n detections (an empty look is sent too).

    ``detections`` is a row-major little-endian float64 block: one row a detection, the columns of
    ``messages.detections.COLUMNS`` and then one column for each name in ``class_names``; NaN marks
    what was not measured. ``look`` is given where it differs from the description.
    """

    sensor_id: Name
    scan: Annotated[int, Meta(ge=0, le=2**62)]
    t_ns: TimeNs
    look: FieldOfView | None = None
    class_names: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    paired_sensor_id: Name | None = None
    detections: Annotated[bytes, Meta(max_length=60_000)] = b""


class PlatformPose(Message, frozen=True, kw_only=True):
    """Where a platform believes it is, and how sure it is. A turret sends its own."""

    platform_id: Name
    t_ns: TimeNs
    position_m: Position
    velocity_mps: Velocity = (0.0, 0.0, 0.0)
    yaw_rad: Angle
    pitch_rad: Angle = 0.0
    roll_rad: Angle = 0.0
    position_sigma_m: NonNegative = 0.0
    yaw_sigma_rad: NonNegative = 0.0
    defended: bool = False


class SensorStatus(Message, frozen=True, kw_only=True):
    """A sensor's own word on its health."""

    sensor_id: Name
    t_ns: TimeNs
    state: HealthState
    reason: Text = ""


class SensorHead(Message, frozen=True, kw_only=True):
    """A sensor says that it can be pointed, after its description: then the node sends it cues.

    One look covers ``horizontal_rad`` x ``vertical_rad``; the description's field of view is all that the head
    can be turned to, and each scan's ``look`` what it covered. A look during a slew covers no range at all.
    """

    sensor_id: Name
    horizontal_rad: Annotated[float, Meta(gt=0.0, le=6.3)]
    vertical_rad: Annotated[float, Meta(gt=0.0, le=3.2)]
    slew_rate_radps: Annotated[float, Meta(gt=0.0, le=100.0)]
    settle_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0


class SensorCue(Message, frozen=True, kw_only=True):
    """The node asks one of its own sensors to look at a track, until the next cue or until this one is old.

    The direction is in ENU, from the sensor's place, at ``t_ns``; the rates carry it on. ``sigma_rad`` is the
    uncertainty of the track in each of the two directions across the line of sight (the larger one).
    """

    sensor_id: Name
    t_ns: TimeNs
    track_id: Annotated[int, Meta(ge=1)]
    azimuth_rad: Angle
    elevation_rad: Angle
    azimuth_rate_radps: Annotated[float, Meta(ge=-100.0, le=100.0)] = 0.0
    elevation_rate_radps: Annotated[float, Meta(ge=-100.0, le=100.0)] = 0.0
    sigma_rad: NonNegative
    range_m: Positive | None = None


class EndOfStream(Message, frozen=True, kw_only=True):
    """A sender has nothing more to say; the node ends a lock-step run when every sender said so."""

    t_ns: TimeNs


class Acknowledgement(Message, frozen=True, kw_only=True):
    """The node's answer to one frame: journaled (accepted) or refused, with the reason."""

    sequence: Annotated[int, Meta(ge=0)]
    accepted: bool
    reason: Text = ""


class Track(Message, frozen=True, kw_only=True):
    """The estimator's belief about one target at ``t_ns``.

    ``state`` is east, north, up [m] and their rates [m/s]; ``covariance`` the upper triangle of its
    (6, 6) covariance, row by row (21 numbers). ``sensor_shares`` says who contributed (sums to 1).
    """

    track_id: Annotated[int, Meta(ge=1)]
    t_ns: TimeNs
    status: TrackStatus
    existence: Probability
    state: Annotated[tuple[float, ...], Meta(min_length=6, max_length=6)]
    covariance: Annotated[tuple[float, ...], Meta(min_length=21, max_length=21)]
    class_probabilities: dict[Name, Probability]
    model_probabilities: tuple[Probability, ...]
    sensor_shares: dict[Name, Probability]


class TrackSet(Message, frozen=True, kw_only=True):
    """The reported tracks after one scan was fused; split over several parts where one frame is too small."""

    t_ns: TimeNs
    sensor_id: Name
    scan: Annotated[int, Meta(ge=0)]
    part: Annotated[int, Meta(ge=0)] = 0
    parts: Annotated[int, Meta(ge=1)] = 1
    tracks: Annotated[tuple[Track, ...], Meta(max_length=96)]


class Alert(Message, frozen=True, kw_only=True):
    """A message to people about one track, with the reason and the evidence."""

    alert_id: Annotated[int, Meta(ge=1)]
    track_id: Annotated[int, Meta(ge=1)]
    t_ns: TimeNs
    level: AlertLevel
    platform_id: Name
    reason: Text
    evidence: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    aspect: Aspect
    priority: Probability
    time_to_closest_s: NonNegative
    distance_at_closest_m: NonNegative
    range_m: NonNegative
    azimuth_rad: Angle
    elevation_rad: Angle


class LatencyLedger(Message, frozen=True, kw_only=True):
    """Wall-clock cost of one scan on its way through the node, by stage, in milliseconds."""

    t_ns: TimeNs
    sensor_id: Name
    scan: Annotated[int, Meta(ge=0)]
    stages_ms: dict[Name, NonNegative]


class NodeHealth(Message, frozen=True, kw_only=True):
    """The node's own word on its health, with everything it counts."""

    t_ns: TimeNs
    state: HealthState
    reasons: Annotated[tuple[Text, ...], Meta(max_length=32)] = ()
    counters: dict[Name, Annotated[int, Meta(ge=0)]]
