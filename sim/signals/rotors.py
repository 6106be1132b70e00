"""How rotors turn in flight: the revolutions of every rotor over time, faster where the pilot pulls.

A rotor's thrust goes with the square of its speed, and a multirotor's thrust carries its weight and
every acceleration: ``n / n_hover = sqrt(|a + g| / g)``. The rotors of one drone differ by trim and
steering; wings of a bird and propellers of a fixed wing keep their rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from messages.frames import F64
from scenarios.types import TargetType
from sim.signals.motion import Track

RATE_HZ = 200.0  # of the history; manoeuvres are slower than 5 Hz
GRAVITY_MPS2 = 9.80665
FASTEST, SLOWEST = 1.6, 0.5  # of the hover speed: what motor and battery allow (estimate)
TRIM_SIGMA = 0.004  # constant difference between the rotors of one drone (estimate)
WANDER_SIGMA = 0.002  # steering on top (estimate): lines of real recordings are about 1 % wide
WANDER_TAU_S = 0.3


@dataclass(frozen=True)
class Turning:
    """``t_s`` (k,), revolutions (rotors, k) since an arbitrary one, and speed over that of hover (rotors, k)."""

    t_s: F64
    turns: F64
    speed: F64

    def at(self, t_s: F64) -> F64:
        """Return the revolutions (rotors, n) at times (n,) inside the history."""
        return np.stack([np.interp(t_s, self.t_s, turns) for turns in self.turns])


def manoeuvre_speed(acceleration_mps2: F64) -> F64:
    """Return rotor speed over that of hover (k,) for accelerations (k, 3), ENU: ``sqrt(|a + g| / g)``."""
    up = np.array([0.0, 0.0, GRAVITY_MPS2])
    thrust = np.sqrt(np.sum((acceleration_mps2 + up) ** 2, axis=1))
    return np.asarray(np.clip(np.sqrt(thrust / GRAVITY_MPS2), SLOWEST, FASTEST))


def turning(kind: TargetType, track: Track, from_s: float, to_s: float, rng: np.random.Generator) -> Turning:
    """Return how the rotors of a target turn between two times."""
    n = max(int(np.ceil((to_s - from_s) * RATE_HZ)), 4) + 1
    t_s = from_s + np.arange(n) / RATE_HZ
    rotors = kind.rotor.rotors
    common = np.ones(n)
    trim = np.zeros((rotors, n))
    if kind.kinematics.motion == "multirotor":
        _, velocity, _ = track(t_s)
        common = manoeuvre_speed(np.gradient(velocity, 1.0 / RATE_HZ, axis=0))
    if kind.kinematics.motion != "bird":  # the wings of a bird beat together
        trim = TRIM_SIGMA * rng.standard_normal((rotors, 1)) + WANDER_SIGMA * _wander(rng, rotors, n)
    speed = common * (1.0 + trim)
    rate_hz = kind.rotor.revolutions_per_minute / 60.0 * speed
    turns = np.cumsum(0.5 * (rate_hz[:, 1:] + rate_hz[:, :-1]), axis=1) / RATE_HZ
    start = rng.random((rotors, 1))
    return Turning(t_s, np.concatenate([start, start + turns], axis=1), speed)


def _wander(rng: np.random.Generator, rotors: int, n: int) -> F64:
    """Return first-order Gauss-Markov noise of unit variance (rotors, n)."""
    keep = float(np.exp(-1.0 / (RATE_HZ * WANDER_TAU_S)))
    noise = rng.standard_normal((rotors, n))
    out = np.empty_like(noise)
    out[:, 0] = noise[:, 0]
    for k in range(1, n):
        out[:, k] = keep * out[:, k - 1] + np.sqrt(1.0 - keep * keep) * noise[:, k]
    return out
