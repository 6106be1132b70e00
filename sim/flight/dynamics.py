"""How a body follows a commanded velocity: point mass with limited acceleration, plus a pilot's Singer noise.

Plain floats, one step at a time: a flight is a few thousand steps of feedback, which arrays would not speed up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scenarios.types import Kinematics

ACTUATOR_S = 0.10  # time in which thrust and attitude of a small drone follow the command (E)
SPEED_SHARE = 0.4  # share of the acceleration limit that a wing has for its speed; the rest banks
NOISE_BLOCK = 4096  # random numbers are drawn in blocks of this many steps


@dataclass
class Body:
    """A moving point: position, velocity, acceleration (east, north, up)."""

    x: float
    y: float
    z: float
    vx: float = 0.0
    vy: float = 0.0
    vz: float = 0.0
    ax: float = 0.0
    ay: float = 0.0
    az: float = 0.0

    def speed_over_ground(self) -> float:
        """Return the horizontal speed [m/s]."""
        return math.hypot(self.vx, self.vy)


class Command(NamedTuple):
    """What guidance asks for: a velocity, how firmly (time constant), how much manoeuvre noise, and whether in 3-D."""

    vx: float
    vy: float
    vz: float
    response_s: float
    noise_share: float = 1.0
    pursuit: bool = False


class Singer:
    """Correlated acceleration on three axes: ``n' = exp(-dt/tau) n + sigma sqrt(1 - exp(-2dt/tau)) w``."""

    def __init__(self, kinematics: Kinematics, step_s: float, rng: np.random.Generator) -> None:
        """Draw this flight's sigma from the type's interval."""
        self.sigma_mps2 = float(rng.uniform(*kinematics.manoeuvre_sigma_mps2))
        self._rng = rng
        self._keep = math.exp(-step_s / kinematics.manoeuvre_tau_s)
        self._keep_up = math.exp(-step_s / kinematics.manoeuvre_tau_up_s)
        self._drive = self.sigma_mps2 * math.sqrt(1.0 - self._keep**2)
        self._drive_up = self.sigma_mps2 * kinematics.manoeuvre_sigma_up_fraction * math.sqrt(1.0 - self._keep_up**2)
        self._normals: list[list[float]] = []
        self._next = 0
        self._n = [0.0, 0.0, 0.0]

    def step(self) -> list[float]:
        """Return the next noise acceleration (3) [m/s2]."""
        if self._next >= len(self._normals):
            self._normals = self._rng.standard_normal((NOISE_BLOCK, 3)).tolist()
            self._next = 0
        w = self._normals[self._next]
        self._next += 1
        n = self._n
        n[0] = self._keep * n[0] + self._drive * w[0]
        n[1] = self._keep * n[1] + self._drive * w[1]
        n[2] = self._keep_up * n[2] + self._drive_up * w[2]
        return n


def step_body(body: Body, command: Command, noise: list[float], k: Kinematics, dt: float) -> None:
    """Move a body by one step: rotors thrust any way, wings bank; a dive is flown as a vector by both."""
    if k.motion == "multirotor" or command.pursuit:
        _thrust(body, command, noise, k, dt)
    else:
        _bank(body, command, noise, k, dt)
    body.x += body.vx * dt
    body.y += body.vy * dt
    body.z += body.vz * dt


def _thrust(body: Body, command: Command, noise: list[float], k: Kinematics, dt: float) -> None:
    share, tau = command.noise_share, command.response_s
    ax = (command.vx - body.vx) / tau + share * noise[0]
    ay = (command.vy - body.vy) / tau + share * noise[1]
    az = (command.vz - body.vz) / tau + share * noise[2]
    limit = k.acceleration_max_mps2
    scale = limit / max(limit, math.sqrt(ax * ax + ay * ay + az * az))
    lag = min(1.0, dt / ACTUATOR_S)
    body.ax += lag * (ax * scale - body.ax)
    body.ay += lag * (ay * scale - body.ay)
    body.az += lag * (az * scale - body.az)
    body.vx += body.ax * dt
    body.vy += body.ay * dt
    body.vz += body.az * dt
    _limit_speed(body, k)


def _bank(body: Body, command: Command, noise: list[float], k: Kinematics, dt: float) -> None:
    speed = max(body.speed_over_ground(), 0.5)
    heading = math.atan2(body.vx, body.vy)
    wanted = math.atan2(command.vx, command.vy)
    error = math.remainder(wanted - heading, 2.0 * math.pi)
    limit, share, tau = k.acceleration_max_mps2, command.noise_share, command.response_s
    sideways = min(max(error / tau * speed, -limit), limit) + share * noise[0]
    along = (max(math.hypot(command.vx, command.vy), k.speed_min_mps) - speed) / tau
    along = min(max(along, -SPEED_SHARE * limit), SPEED_SHARE * limit) + SPEED_SHARE * share * noise[1]
    upward = min(max((command.vz - body.vz) / tau, -limit), limit) + share * noise[2]
    speed = min(max(speed + along * dt, k.speed_min_mps), k.speed_max_mps)
    heading += sideways / max(speed, 1.0) * dt
    body.vx, body.vy = speed * math.sin(heading), speed * math.cos(heading)
    body.vz += upward * dt


def _limit_speed(body: Body, k: Kinematics) -> None:
    speed = math.sqrt(body.vx**2 + body.vy**2 + body.vz**2)
    limit = max(k.speed_max_mps, k.terminal_speed_mps or 0.0)
    if speed > limit:
        body.vx, body.vy, body.vz = (v * limit / speed for v in (body.vx, body.vy, body.vz))
