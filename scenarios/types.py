"""Catalogue types of targets, platforms and layers of protection, one file each in ``catalogue/<section>``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from messages.types import Aspect
from scenarios.base import Decibel, Fraction, Interval, Model, Name, NonNegative, Point3, Positive, Text

TargetClass = Literal["fpv", "quadcopter", "fixed_wing", "loitering_munition", "bird"]
DRONE_CLASSES: tuple[TargetClass, ...] = ("fpv", "quadcopter", "fixed_wing", "loitering_munition")


EVERY_ASPECT: tuple[Aspect, ...] = ("front", "flank", "rear", "top")
MAX_NEEDS_S = 3600.0  # what takes an hour is no answer to a drone


def _some_once(aspects: tuple[Aspect, ...]) -> tuple[Aspect, ...]:
    if not aspects or len(set(aspects)) < len(aspects):
        raise ValueError(f"must name at least one of {', '.join(EVERY_ASPECT)}, each once")
    return aspects


Aspects = Annotated[tuple[Aspect, ...], AfterValidator(_some_once)]


class Emission(Model):
    """One radio emission of a target. Uplinks come from the operator and are not listed here."""

    kind: Literal["fhss", "analogue_video", "digital_video", "remote_id", "lte"]
    frequency_hz: Positive = Field(description="middle of the band it uses")
    bandwidth_hz: Positive = Field(description="occupied at one instant")
    hop_band_hz: Positive | None = Field(default=None, description="band over which it hops; none: it stays")
    hop_period_s: Positive | None = Field(default=None, description="stay on one hop frequency")
    eirp_dbm: Decibel
    duty: Fraction = Field(default=1.0, description="share of the time on air")
    period_s: Positive | None = Field(default=None, description="time between bursts of a beacon")


class Kinematics(Model):
    """How a type moves; manoeuvre noise is a Singer process of the pilot, its sigma drawn once a flight."""

    motion: Literal["multirotor", "fixed_wing", "bird"]
    speed_max_mps: Positive = Field(le=120.0)
    speed_min_mps: NonNegative = Field(default=0.0, description="stall speed; 0: it can hover")
    acceleration_max_mps2: Positive = Field(le=100.0)
    climb_max_mps: Positive = Field(le=60.0)
    descent_max_mps: Positive = Field(le=100.0)
    response_s: Positive = Field(le=10.0, description="time constant with which it follows a commanded velocity")
    manoeuvre_sigma_mps2: tuple[NonNegative, NonNegative] = Field(
        default=(0.0, 0.0), description="lowest and highest standard deviation of manoeuvre noise, horizontal"
    )
    manoeuvre_sigma_up_fraction: Fraction = Field(default=0.5, description="vertical part of that noise")
    manoeuvre_tau_s: Positive = Field(default=1.0, description="horizontal correlation time of manoeuvre noise")
    manoeuvre_tau_up_s: Positive = Field(default=0.45, description="vertical correlation time of manoeuvre noise")
    terminal_speed_mps: Positive | None = Field(default=None, description="speed of the final dive")
    gust_response_s: Positive = Field(
        default=2.0, le=60.0, description="time constant with which moving air takes it along"
    )


class Rotor(Model):
    """What makes the blade lines in sound and micro-Doppler. For a bird: wings, with the beat as revolutions."""

    blades: int = Field(ge=1, le=12)
    rotors: int = Field(default=1, ge=1, le=16)
    revolutions_per_minute: Positive
    radius_m: Positive


class TargetType(Model):
    """A kind of thing in the air: size, motion, and what each sensor kind can get of it."""

    name: Name
    title: Text
    source: Text
    target_class: TargetClass
    threat: bool = Field(description="default; a scenario's target may say otherwise")
    size_m: Positive = Field(le=50.0, description="largest extent seen from outside, for cameras")
    height_m: Positive = Field(le=20.0, description="vertical extent")
    wingspan_m: Positive | None = None
    kinematics: Kinematics
    rcs_dbsm: Decibel = Field(description="mean radar cross-section over aspect, X band")
    rcs_aspect_sigma_db: NonNegative = Field(
        default=3.0, description="slow trend with aspect, on top of the fluctuation"
    )
    swerling: Literal[0, 1, 3] = 1
    rotor: Rotor
    sound_dba: Decibel = Field(description="A-weighted sound pressure level at 1 m")
    sound_band_hz: Interval = Field(default=(200.0, 5000.0), description="where most of the sound energy is")
    thermal_delta_k: NonNegative = Field(description="area-averaged temperature difference to the background")
    visible_contrast: Fraction = Field(description="inherent contrast against sky by day")
    emissions: tuple[Emission, ...] = Field(default=(), max_length=8)


class Box(Model):
    """A box in a body's axes: forward, left, up intervals; it blocks the view of the vehicle's own sensors."""

    forward_m: Interval
    left_m: Interval
    up_m: Interval


class EngineNoise(Model):
    """Level at the vehicle's own microphones for each engine state."""

    off_dba: Decibel
    idle_dba: Decibel
    moving_dba: Decibel


class PlatformType(Model):
    """A vehicle that carries sensors: hull and turret with their own axes, boxes that mask, engine noise."""

    name: Name
    title: Text
    source: Text
    length_m: Positive
    width_m: Positive
    height_m: Positive
    turret_position_m: Point3 = Field(description="turret ring in hull axes (forward, left, up)")
    hull_boxes: tuple[Box, ...] = Field(max_length=16, description="hull axes")
    turret_boxes: tuple[Box, ...] = Field(default=(), max_length=16, description="turret axes")
    aim_height_m: Positive = Field(description="height above the ground that an attacker aims at")
    acceleration_mps2: Positive = 1.0
    turret_rate_max_dps: Positive = 30.0
    engine_noise: EngineNoise
    vibration_sigma_deg: NonNegative = Field(
        default=0.1, description="attitude jitter of the mount on the move, stabilised"
    )


class ProtectionType(Model):
    """A layer of protection as a need of time; whether it would have worked is not modelled."""

    name: Name
    title: Text
    source: Text
    needs_s: NonNegative = Field(le=MAX_NEEDS_S, description="from the WARNING until the layer is in place")
    aspects: Aspects = Field(default=EVERY_ASPECT, description="sides of the hull that the layer covers")
