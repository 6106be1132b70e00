"""An own drone as a platform: it flies like a target, and its gimbal keeps level and points along the course."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from messages.frames import F64, enu_from_body
from sim.flight import Trajectory
from sim.platforms import EngineState, PlatformState

COURSE_MPS = 2.0  # slower than this the course says nothing: the heading stays (E)
TURN_S = 0.4  # over which a heading follows a sudden turn of the course (E)
ROTORS_NEAR_DB = 10.0  # level at a microphone on the frame, 0.3 m from the rotors, over that at 1 m (A: 20 lg)


class OwnDrone:
    """The pose of one own drone at any time."""

    def __init__(self, flight: Trajectory) -> None:
        """Work out the heading over the whole flight."""
        self.flight = flight
        velocity = flight.velocity_mps
        moving = np.hypot(velocity[:, 0], velocity[:, 1]) >= COURSE_MPS
        course = np.arctan2(velocity[:, 0], velocity[:, 1])
        last = np.maximum.accumulate(np.where(moving, np.arange(len(course)), -1))
        first = int(np.argmax(moving)) if moving.any() else 0
        yaw = np.unwrap(course[np.where(last < 0, first, last)])
        self._yaw_rad: F64 = ndimage.gaussian_filter1d(yaw, TURN_S / flight.step_s, mode="nearest")

    def angles(self, t_s: float) -> F64:
        """Return yaw, pitch and roll [rad] of the gimbal."""
        k = min(max((t_s - self.flight.start_s) / self.flight.step_s, 0.0), len(self._yaw_rad) - 1.000001)
        j = int(k)
        yaw = self._yaw_rad[j] * (1.0 - (k - j)) + self._yaw_rad[j + 1] * (k - j)
        return np.array([yaw % (2.0 * np.pi), 0.0, 0.0])

    def state(self, t_s: float) -> PlatformState:
        """Return the truth at one time; before its start and after its end it lies on the ground, silent."""
        position, velocity = self.flight.at(t_s)
        yaw, pitch, roll = self.angles(t_s).tolist()
        airborne = self.airborne(t_s)
        noise_dba = self.flight.type.sound_dba + ROTORS_NEAR_DB if airborne else 0.0
        rotation = enu_from_body(yaw, pitch, roll)
        engine: EngineState = "moving" if airborne else "off"
        return PlatformState(self.flight.target_id, position, velocity, yaw, pitch, roll, rotation, engine, noise_dba)

    def airborne(self, t_s: float) -> bool:
        """Say whether it flies."""
        return self.flight.start_s <= t_s < self.flight.end_s
