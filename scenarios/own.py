"""A drone of one's own: a platform that flies, carries sensors, and says where it is."""

from __future__ import annotations

from pydantic import Field

from scenarios.base import Identifier, Model, Name, NonNegative, Orientation, Point3


class Navigation(Model):
    """Errors of a platform's own position and attitude: Gauss-Markov with these stationary sigmas."""

    position_sigma_m: NonNegative = Field(default=0.4, le=100.0, description="each axis")
    velocity_sigma_mps: NonNegative = Field(default=0.05, le=10.0, description="each axis")
    heading_sigma_deg: NonNegative = Field(default=0.12, le=20.0)
    level_sigma_deg: NonNegative = Field(default=0.05, le=20.0, description="pitch and roll")
    turret_sigma_deg: NonNegative = Field(default=0.03, le=5.0, description="turret angle against its hull")
    time_constant_s: float = Field(default=80.0, ge=1.0, le=3600.0)


# A single satellite receiver (E: 1.5 to 3 m), a compass, the levels of a small autopilot (E).
DRONE_NAVIGATION = Navigation(
    position_sigma_m=1.5, velocity_sigma_mps=0.1, heading_sigma_deg=1.0, level_sigma_deg=0.5, time_constant_s=60.0
)


class CarriedSensor(Model):
    """A sensor that an own drone carries, in a gimbal that keeps level and turns with the course."""

    id: Identifier
    profile: Name
    position_m: Point3 = Field(default=(0.0, 0.0, -0.1), description="forward, left, up of the drone")
    orientation_deg: Orientation = Orientation()


class OwnDrone(Model):
    """What makes a target one's own: it reports its pose to the node, which then raises no alarm about it."""

    sensors: tuple[CarriedSensor, ...] = Field(default=(), max_length=8)
    navigation: Navigation = Field(default=DRONE_NAVIGATION, description="errors of the pose that it reports")
