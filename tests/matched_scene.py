"""Targets that move and are measured exactly as the filter believes, for tests of consistency; shares no code with it.

Many runs stand side by side: positions p (n, 3), velocities v (n, 3), one detection a run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.kernels import measurement as mm
from fusion.kernels import motion, update
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

    def geometry(self, t_s: float) -> F64:
        """Return what the kernels need to know of it at a time."""
        g, s, c = np.zeros(mm.G_SIZE), np.sin(self.yaw_rad), np.cos(self.yaw_rad)
        g[0:3] = np.array(self.position_m) + t_s * np.array(self.velocity_mps)
        g[3:6] = self.velocity_mps
        g[mm.G_AXES : mm.G_AXES + 9] = [s, c, 0.0, -c, s, 0.0, 0.0, 0.0, 1.0]
        g[mm.G_SPEED] = SOUND_MPS if self.hears else 0.0
        g[mm.G_PAIRED : mm.G_PAIRED + 3] = self.paired_m
        g[mm.G_TDOA_SPEED] = LIGHT_MPS
        return g

    def exact(self, p: F64, v: F64, t_s: float) -> F64:
        """Return the components (n, k) without noise, each from its definition; azimuths in [0, 2 pi)."""
        own_v = np.array(self.velocity_mps)
        own = np.array(self.position_m) + t_s * own_v
        seen = p if not self.hears else p - v * late(p - own, v)[:, None]
        d = seen - own
        r = np.linalg.norm(d, axis=1)
        far = np.linalg.norm(seen - np.array(self.paired_m), axis=1)
        every = {
            mm.RANGE: r,
            mm.AZIMUTH: (np.arctan2(d[:, 0], d[:, 1]) - self.yaw_rad) % (2.0 * np.pi),
            mm.ELEVATION: np.arcsin(d[:, 2] / r),
            mm.RANGE_RATE: np.sum(d * (v - own_v), axis=1) / r,
            mm.EAST: p[:, 0],
            mm.NORTH: p[:, 1],
            mm.UP: p[:, 2],
            mm.TDOA: (r - far) / LIGHT_MPS,
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


class Bank:
    """The compiled filter, one track a run, one motion model: x (n, 1, 6), P (n, 1, 6, 6)."""

    def __init__(self, x: F64, P: F64) -> None:
        self.x, self.P, self.mu = x, P, np.ones((len(x), 1))

    def predict(self, q: float, dt: float) -> None:
        """Move all tracks by dt [s]."""
        motion.predict_tracks(self.x, self.P, self.mu, len(self.x), np.array([q]), ONE_MODEL, SOJOURN_S, dt)

    def look(self, used: tuple[int, ...], g: F64) -> None:
        """Linearise what a sensor should measure: h (n, 1, k), H (n, 1, k, 6), PHt (n, 1, 6, k), S, R (n, 1, k, k)."""
        n, k = len(self.x), len(used)
        self.used, one = np.array(used, np.int64), np.ones(n)
        self.h, self.H, self.PHt = np.empty((n, 1, k)), np.empty((n, 1, k, 6)), np.empty((n, 1, 6, k))
        self.S, self.R = np.empty((n, 1, k, k)), np.empty((n, 1, k, k))
        mm.linearise(self.x, self.P, n, self.used, g, one, one, self.h, self.H, self.PHt, self.S, self.R)

    def innovations(self, z: F64) -> F64:
        """Return ``z - h`` (n, k), azimuths the short way round."""
        y = z - self.h[:, 0]
        for a in np.flatnonzero(self.used == mm.AZIMUTH):
            y[:, a] = (y[:, a] + np.pi) % (2.0 * np.pi) - np.pi
        return y

    def correct(self, z: F64, var: F64, like: F64 | None = None) -> int:
        """Update each track with its own row of z, var (n, k), NaN where missing; return how many were left alone."""
        n = len(self.x)
        pairs = np.arange(n + 1), np.arange(n), np.ones((n, 1)) if like is None else like, np.ones(n), np.zeros(n)
        looked = self.h, self.H, self.PHt, self.S, self.R
        return int(update.update_tracks(self.x, self.P, self.mu, n, *looked, z, var, self.used, *pairs))


def with_noise(S: F64, var: F64) -> F64:
    """Return S (n, 1, k, k) with the variances of the detections var (n, k) on its diagonal, (n, k, k)."""
    return np.asarray(S[:, 0] + var[:, :, None] * np.eye(var.shape[1]))


def distance2(e: F64, P: F64) -> F64:
    """Return ``e^T P^-1 e`` (n,) of e (n, k), P (n, k, k), over the components that are not NaN in the first row."""
    have = np.flatnonzero(~np.isnan(e[0]))
    part = e[:, have]
    solved = np.linalg.solve(P[:, have[:, None], have], part[:, :, None])[:, :, 0]
    return np.asarray(np.sum(part * solved, axis=1))
