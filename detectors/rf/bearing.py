"""The direction of a signal from an array of antennas, and the sigma that the signal allows.

Far field; the array's axes are forward, left and up, azimuth clockwise from forward, elevation up. For one source in
white noise MUSIC, the beam scan and maximum likelihood have their peak in one place: where the steering vector is most
like the principal eigenvector of the covariance. The sigma is the stochastic Cramer-Rao bound of one source (Stoica
and Nehorai 1990): ``F = 2 N rho m rho / (1 + m rho) Re(D^H P D)`` with N samples, SNR rho of one antenna, m antennas,
the derivatives D of the steering vector and P the projector off it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, body_direction

C128 = NDArray[np.complex128]

SPEED_OF_LIGHT_MPS = 299_792_458.0
ELEVATIONS_RAD = np.arccos(
    np.linspace(0.998, 0.2, 30)
)  # a level circle sees the cosine, and cannot tell above from below
STEP_BEAMWIDTHS = 0.2  # of lambda / aperture, between directions of the coarse grid
LEAST_STEP_RAD = float(np.radians(0.5))
REFINEMENTS = 6
CANDIDATES = 3
FREQUENCY_STEP = 0.005  # of frequency, from one cached grid to the next: a tenth of a radian at the array's edge
MAX_STEP_RAD = 0.03  # a quarter of a beam at the highest frequencies
ELEVATION_LIMITS_RAD = (0.03, 1.55)  # level, a step in elevation changes nothing, and the search would stay there
APART_BEAMWIDTHS = 0.75
MAX_SIGMA_RAD = float(np.radians(30.0))
MIN_EXCESS = 1.1  # the principal eigenvalue of noise alone, of hundreds of samples, lies within a tenth of 1


@dataclass(frozen=True)
class Bearing:
    """Direction of the strongest ray of a signal and what the noise leaves open, one sigma."""

    azimuth_rad: float
    elevation_rad: float
    azimuth_sigma_rad: float
    elevation_sigma_rad: float


def steering(antennas_m: F64, frequency_hz: float, directions_rad: F64) -> C128:
    """Return the unit answers (n, m) of antennas (m, 3) to waves from directions (n, 2) azimuth, elevation."""
    lead_s = body_direction(directions_rad[:, 0], directions_rad[:, 1]) @ antennas_m.T / SPEED_OF_LIGHT_MPS
    return np.asarray(np.exp(2j * np.pi * frequency_hz * lead_s))


def _slopes(antennas_m: F64, frequency_hz: float, direction_rad: F64) -> tuple[C128, C128]:
    """Return the steering vector (m,) of a direction and its derivatives (m, 2) with azimuth and elevation."""
    a = steering(antennas_m, frequency_hz, direction_rad[None])[0]
    step = 1e-6
    sides = direction_rad + step * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    ends = steering(antennas_m, frequency_hz, sides)
    return a, np.asarray(np.stack([ends[0] - ends[1], ends[2] - ends[3]], axis=1) / (2.0 * step))


def cramer_rao(antennas_m: F64, frequency_hz: float, direction_rad: F64, snr: float, samples: float) -> F64:
    """Return the least covariance (2, 2) of azimuth and elevation [rad^2]; elevation is known to a quarter turn."""
    a, d = _slopes(antennas_m, frequency_hz, direction_rad)
    m = len(a)
    off = d - np.outer(a, a.conj() @ d) / m
    fisher = 2.0 * samples * snr * (m * snr / (1.0 + m * snr)) * np.real(off.conj().T @ off)
    return np.asarray(np.linalg.inv(fisher + np.diag([1e-12, (4.0 / np.pi) ** 2])))


def principal(covariance: C128) -> tuple[float, C128]:
    """Return the largest eigenvalue and its vector of unit length."""
    values, vectors = np.linalg.eigh(covariance)
    return float(values[-1]), np.asarray(vectors[:, -1])


def locate(covariance: C128, samples: float, antennas_m: F64, frequency_hz: float) -> Bearing | None:
    """Return the bearing of the strongest source of a covariance (m, m) over noise of unit power.

    None where the array has fewer than three antennas, or nothing but noise, or the direction stays open.
    """
    if len(antennas_m) < 3:
        return None
    value, vector = principal(covariance)
    if value < MIN_EXCESS:
        return None
    direction = _best(vector, antennas_m, frequency_hz)
    bound = cramer_rao(antennas_m, frequency_hz, direction, (value - 1.0) / len(antennas_m), samples)
    sigma = np.sqrt(np.diag(bound))
    if not sigma[0] <= MAX_SIGMA_RAD:
        return None
    azimuth = float(direction[0] % (2.0 * np.pi))
    return Bearing(azimuth, float(direction[1]), float(sigma[0]), float(sigma[1]))


@lru_cache(maxsize=32)
def _grid(places: bytes, frequency_hz: float) -> tuple[F64, NDArray[np.complex64], float]:
    """Return the grid's directions (n, 2), the conjugates of their answers (n, m), and the width of a beam."""
    antennas_m = np.frombuffer(places).reshape(-1, 3)
    aperture = 2.0 * float(np.linalg.norm(antennas_m - antennas_m.mean(axis=0), axis=1).max())
    beam = SPEED_OF_LIGHT_MPS / frequency_hz / max(aperture, 1e-3)
    step = max(min(STEP_BEAMWIDTHS * beam, np.radians(5.0)), LEAST_STEP_RAD)
    azimuths = np.arange(0.0, 2.0 * np.pi, step)
    grid = np.stack(np.meshgrid(azimuths, ELEVATIONS_RAD, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid, steering(antennas_m, frequency_hz, grid).conj().astype(np.complex64), beam


def _coarse(vector: C128, antennas_m: F64, frequency_hz: float) -> F64:
    """Return the best CANDIDATES directions (n, 2) of the grid, more than APART_BEAMWIDTHS apart in azimuth."""
    near_hz = float(np.exp(FREQUENCY_STEP * np.round(np.log(frequency_hz) / FREQUENCY_STEP)))
    grid, answers, beam = _grid(np.ascontiguousarray(antennas_m, dtype=np.float64).tobytes(), near_hz)
    like = np.abs(answers @ vector.astype(np.complex64))
    chosen = []
    for _ in range(CANDIDATES):
        best = grid[int(np.argmax(like))]
        chosen.append(best)
        like[np.abs((grid[:, 0] - best[0] + np.pi) % (2.0 * np.pi) - np.pi) <= APART_BEAMWIDTHS * beam] = -1.0
    return np.array(chosen)


def _best(vector: C128, antennas_m: F64, frequency_hz: float) -> F64:
    """Return the direction whose steering vector is most like the eigenvector, of the candidates once refined.

    A sparse circle's side lobes come near its main lobe, and the grid's best may be one of them.
    """
    refined = np.array(
        [_refined(d, vector, antennas_m, frequency_hz) for d in _coarse(vector, antennas_m, frequency_hz)]
    )
    return np.asarray(refined[int(np.argmax(np.abs(steering(antennas_m, frequency_hz, refined) @ vector.conj())))])


def _refined(direction: F64, vector: C128, antennas_m: F64, frequency_hz: float) -> F64:
    """Gauss-Newton on the part of the eigenvector that the steering vector leaves over, damped."""
    for _ in range(REFINEMENTS):
        a, d = _slopes(antennas_m, frequency_hz, direction)
        gain = (a.conj() @ vector) / len(a)
        left, slope = vector - gain * a, gain * (d - np.outer(a, a.conj() @ d) / len(a))
        normal = np.real(slope.conj().T @ slope)
        change = np.linalg.solve(normal + 1e-4 * np.trace(normal) * np.eye(2), np.real(slope.conj().T @ left))
        direction = direction + np.clip(change, -MAX_STEP_RAD, MAX_STEP_RAD)
        direction[1] = np.clip(direction[1], *ELEVATION_LIMITS_RAD)
        if float(np.abs(change).max()) < 1e-7:
            break
    return direction
