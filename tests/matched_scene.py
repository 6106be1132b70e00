"""Targets that move and are measured exactly as the filter believes, for tests of consistency; shares no code with it.

Many runs stand side by side: positions p (n, 3), velocities v (n, 3), one detection a run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fusion.kernels import linearising, motion, update
from fusion.kernels import measurement as mm
from fusion.kernels.measurement import AZIMUTH, EAST, ELEVATION, NORTH, RANGE, RANGE_RATE, TDOA, UP
from messages.frames import F64

SOUND_MPS, LIGHT_MPS = 340.3, 299_792_458.0
ONE_MODEL, SOJOURN_S = np.ones(1), 10.0


@dataclass(frozen=True)
class Instrument:
    """One sensor: what it measures, rising numbers of components, with the standard deviation of each."""

    used: tuple[int, ...]
    sigma: tuple[float, ...]  # in the units of the components
    position_m: tuple[float, float, float]
    velocity_mps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rad: float = 0.0  # of the axes of its angles, clockwise from north
    hears: bool = False
    paired_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    late_s: float = 0.0  # known to show targets where they were so long ago
    too_long_m: float = 0.0  # known to add so much to ranges

    def geometry(self, t_s: float) -> F64:
        """Return what the kernels need to know of it at a time."""
        g, s, c = np.zeros(mm.G_SIZE), np.sin(self.yaw_rad), np.cos(self.yaw_rad)
        g[0:3] = np.array(self.position_m) + t_s * np.array(self.velocity_mps)
        g[3:6] = self.velocity_mps
        g[mm.G_AXES : mm.G_AXES + 9] = [s, c, 0.0, -c, s, 0.0, 0.0, 0.0, 1.0]
        g[mm.G_SPEED] = SOUND_MPS if self.hears else 0.0
        g[mm.G_PAIRED : mm.G_PAIRED + 3] = self.paired_m
        g[mm.G_TDOA_SPEED] = LIGHT_MPS
        g[mm.G_CLOCK], g[mm.G_RANGE_OFFSET] = self.late_s, self.too_long_m
        return g

    def exact(self, p: F64, v: F64, t_s: float) -> F64:
        """Return the components (n, k) without noise, each from its definition; azimuths in [0, 2 pi)."""
        own_v = np.array(self.velocity_mps)
        own = np.array(self.position_m) + t_s * own_v
        there = p - v * self.late_s
        seen = there if not self.hears else there - v * late(there - own, v)[:, None]
        d = seen - own
        r = np.linalg.norm(d, axis=1)
        far = np.linalg.norm(seen - np.array(self.paired_m), axis=1)
        every = {
            RANGE: r + self.too_long_m,
            AZIMUTH: (np.arctan2(d[:, 0], d[:, 1]) - self.yaw_rad) % (2.0 * np.pi),
            ELEVATION: np.arcsin(d[:, 2] / r),
            RANGE_RATE: np.sum(d * (v - own_v), axis=1) / r,
            EAST: there[:, 0],
            NORTH: there[:, 1],
            UP: there[:, 2],
            TDOA: (r - far) / LIGHT_MPS,
        }
        return np.stack([every[c] for c in self.used], axis=1)

    def measure(self, p: F64, v: F64, t_s: float, rng: np.random.Generator) -> F64:
        """Return noisy components (n, k)."""
        z = self.exact(p, v, t_s)
        return z + rng.normal(size=z.shape) * self.sigma


def late(d: F64, v: F64) -> F64:
    """Return how old (n,) the sound is: ``|d - v tau| = c tau`` by repetition, each time closer by v / c."""
    tau = np.zeros(len(d))
    for _ in range(60):
        tau = np.linalg.norm(d - v * tau[:, None], axis=1) / SOUND_MPS
    return tau


def fly(p: F64, v: F64, q: float, dt: float, rng: np.random.Generator) -> tuple[F64, F64]:
    """Move targets by dt [s] under white acceleration of intensity q [m^2/s^3].

    The velocity gains a, the position what is left of it: the integral of a Brownian motion, given its end, is half
    of dt times that end, with variance ``q dt^3 / 12``.
    """
    a = np.sqrt(q * dt) * rng.normal(size=p.shape)
    more = np.sqrt(q * dt**3 / 12.0) * rng.normal(size=p.shape)
    return p + v * dt + a * dt / 2.0 + more, v + a


START = np.array([600.0, 900.0, 120.0, -14.0, 6.0, 1.0])  # [m, m/s]
START_SIGMA = np.array([10.0, 10.0, 10.0, 5.0, 5.0, 2.0])
MISSING = np.nan  # as the sigma of a component that this look does not measure

FULL = (RANGE, AZIMUTH, ELEVATION, RANGE_RATE)
radar = Instrument(FULL, (5.0, 0.008, 0.012, 0.5), (0.0, 0.0, 2.0), velocity_mps=(3.0, 6.0, 0.0), yaw_rad=0.6)
flat_radar = Instrument((RANGE, AZIMUTH, RANGE_RATE), (5.0, 0.008, 0.5), (-900.0, -1200.0, 2.0), yaw_rad=-2.5)
slow_radar = Instrument((RANGE, AZIMUTH, ELEVATION), (5.0, 0.008, 0.012), (-50.0, 20.0, 2.0))
left_eye = Instrument((AZIMUTH, ELEVATION), (0.001, 0.001), (-200.0, 100.0, 3.0), yaw_rad=0.59)
right_eye = Instrument((AZIMUTH, ELEVATION), (0.001, 0.001), (500.0, 0.0, 3.0), yaw_rad=3.2)
ears = [
    Instrument((AZIMUTH, ELEVATION), (0.02, 0.03), place, hears=True, velocity_mps=(0.0, 5.0, 0.0))
    for place in [(300.0, 500.0, 2.0), (900.0, 600.0, 2.0), (500.0, 1300.0, 2.0)]
]
antennas = [
    Instrument((AZIMUTH,), (0.03,), place, yaw_rad=1.0)
    for place in [(0.0, 0.0, 3.0), (900.0, 100.0, 3.0), (200.0, 1500.0, 3.0)]
]
pairs = [
    Instrument((TDOA,), (2e-8,), (0.0, 0.0, 3.0), paired_m=paired)
    for paired in [(1200.0, 0.0, 3.0), (0.0, 1500.0, 30.0), (1100.0, 1500.0, 3.0)]
]
claim = Instrument((EAST, NORTH, UP), (4.0, 4.0, 8.0), (0.0, 0.0, 0.0))

KINDS: dict[str, list[Instrument]] = {
    "radar": [radar],
    "radar_without_elevation": [flat_radar],
    "radar_without_range_rate": [slow_radar],
    "two_cameras": [left_eye, right_eye],
    "camera_and_radar": [radar, left_eye, left_eye],
    "acoustic": ears,
    "rf_azimuth": antennas,
    "rf_tdoa": pairs,
    "claimed_position": [claim],
    "all_in_turn": [radar, left_eye, ears[0], claim, antennas[1], pairs[1], flat_radar, ears[1], right_eye],
    "parts_missing": [
        replace(radar, sigma=(5.0, 0.008, MISSING, 0.5)),
        radar,
        replace(radar, sigma=(5.0, 0.008, 0.012, MISSING)),
    ],
    "wrong_clocks": [
        replace(radar, late_s=0.2, too_long_m=7.0),
        replace(claim, late_s=0.5),
        replace(ears[0], late_s=-0.1),
    ],
}


class Bank:
    """The compiled filter, one track a run: x (n, M, 6), P (n, M, 6, 6); one motion model unless told otherwise."""

    def __init__(self, x: F64, P: F64, stationary: F64 = ONE_MODEL) -> None:
        self.x, self.P, self.stationary, self.mu = x, P, stationary, np.tile(stationary, (len(x), 1))

    def predict(self, q: float | F64, dt: float) -> None:
        """Move all tracks by dt [s] under white acceleration of intensity q, one number or (M,)."""
        intensity = np.atleast_1d(np.asarray(q, float))
        models = intensity, np.zeros(len(intensity)), self.stationary
        motion.predict_tracks(self.x, self.P, self.mu, len(self.x), *models, SOJOURN_S, dt)

    def look(self, used: tuple[int, ...], g: F64) -> None:
        """Linearise what a sensor should measure: h (n, M, k), H (n, M, k, 6), PHt (n, M, 6, k), S, R (n, M, k, k)."""
        n, m, k = *self.x.shape[:2], len(used)
        self.used, one = np.array(used, np.int64), np.ones(n)
        self.h, self.H, self.PHt = np.empty((n, m, k)), np.empty((n, m, k, 6)), np.empty((n, m, 6, k))
        self.S, self.R = np.empty((n, m, k, k)), np.empty((n, m, k, k))
        linearising.linearise(self.x, self.P, n, self.used, g, one, one, self.h, self.H, self.PHt, self.S, self.R)

    def innovations(self, z: F64) -> F64:
        """Return ``z - h`` (n, k) of the first model, azimuths the short way round."""
        y = z - self.h[:, 0]
        for a in np.flatnonzero(self.used == AZIMUTH):
            y[:, a] = (y[:, a] + np.pi) % (2.0 * np.pi) - np.pi
        return y

    def correct(self, z: F64, var: F64, like: F64 | None = None) -> int:
        """Update each track with its own row of z, var (n, k), NaN where missing; return how many were left alone."""
        n = len(self.x)
        likely = np.ones(self.mu.shape) if like is None else like
        pairs = np.arange(n + 1), np.arange(n), likely, np.ones(n), np.zeros(n)
        looked = self.h, self.H, self.PHt, self.S, self.R
        return int(update.update_tracks(self.x, self.P, self.mu, n, *looked, z, var, self.used, *pairs))


def with_noise(S: F64, var: F64) -> F64:
    """Return S (n, M, k, k) of the first model with the detections' variances var (n, k) added, (n, k, k)."""
    return np.asarray(S[:, 0] + var[:, :, None] * np.eye(var.shape[1]))


def distance2(e: F64, P: F64) -> F64:
    """Return ``e^T P^-1 e`` (n,) of e (n, k), P (n, k, k), over the components that are not NaN in the first row."""
    have = np.flatnonzero(~np.isnan(e[0]))
    part = e[:, have]
    solved = np.linalg.solve(P[:, have[:, None], have], part[:, :, None])[:, :, 0]
    return np.asarray(np.sum(part * solved, axis=1))
