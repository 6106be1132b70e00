"""The direction of a sound from a small array: steered response power, refined, with the sigma that the sound allows.

Far field; the array's axes are forward, left and up, azimuth clockwise from forward, elevation up. The phase of every
pair's cross-spectrum is weighted as in the maximum-likelihood (Hannan-Thomson) processor, which is PHAT times
``g2 / (1 - g2)`` with the coherence squared g2 of the pair: PHAT where the coherence is flat, and deaf to bands that
hold noise alone. The sigma is the Cramer-Rao bound of that sound at that coherence (Knapp and Carter 1976).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64

C128 = NDArray[np.complex128]

SPEED_OF_SOUND_MPS = (
    343.0  # at 20 C; 1 % off moves a bearing within a planar array by nothing, elevation by 0.5 deg at 45
)
FRAME = 1024  # 46 ms at 22.05 kHz: longer than any delay across a vehicle, shorter than a rotor holds its speed
BAND_HZ = (150.0, 5000.0)  # below it wind is loudest, above it foliage takes most
UPSAMPLING = 8  # of the correlation functions on the coarse grid
GRID_DEG = 5.0
ELEVATIONS_DEG = (0.0, 85.0)  # a flat array cannot tell above from below: drones are above
REFINEMENTS = 8
MAX_SIGMA_RAD = float(np.radians(30.0))  # a wider bearing says no more than that something was heard
MAX_COHERENCE2 = 0.9999
SMOOTHING = 5  # bins (108 Hz) over which the coherence is averaged: two thirds of the way from line to line of a rotor
CHANCE_SIGMAS = 3.0  # a band of noise passes for coherent once in 700, and then with the least weight
INDEPENDENT_FRAMES = 0.95  # of Hann frames that overlap by half: their powers correlate by 1/36 (Welch 1967)
MAX_EXTENT_M = 20.0
MIN_RESPONSE = 8.0  # sigmas; the best of 1300 directions in noise reaches 4, and 6 where chance made a band coherent


@dataclass(frozen=True)
class Bearing:
    """Direction of the loudest coherent sound and its standard deviations; ``snr_db`` of one microphone in the band."""

    azimuth_rad: float
    elevation_rad: float
    azimuth_sigma_rad: float
    elevation_sigma_rad: float
    snr_db: float


class ArrayError(ValueError):
    """The description of an array cannot be used; the text says what is wrong."""


class MicrophoneArray:
    """Microphones at ``positions_m`` (m, 3), forward, left and up; at least three that are not in one line."""

    def __init__(self, positions_m: F64, speed_of_sound_mps: float = SPEED_OF_SOUND_MPS) -> None:
        """Prepare pairs and the coarse grid; ArrayError where the places cannot tell a direction."""
        p = np.asarray(positions_m, dtype=np.float64)
        if p.ndim != 2 or p.shape[1] != 3 or len(p) < 3 or not np.isfinite(p).all():
            raise ArrayError(f"positions of shape {p.shape}: must be (m, 3) finite metres with m >= 3")
        spread = np.linalg.svd(p - p.mean(axis=0), compute_uv=False)
        if spread[1] < 0.1 * spread[0] or float(np.abs(p).max()) > MAX_EXTENT_M:
            raise ArrayError(f"positions must lie within {MAX_EXTENT_M:g} m and not in one line")
        self.positions_m = p
        self.speed_of_sound_mps = speed_of_sound_mps
        self.pairs = np.array(list(combinations(range(len(p)), 2)))
        azimuths = np.radians(np.arange(0.0, 360.0, GRID_DEG))
        elevations = np.radians(np.arange(ELEVATIONS_DEG[0], ELEVATIONS_DEG[1] + 0.1, GRID_DEG))
        self._grid = np.stack(np.meshgrid(azimuths, elevations, indexing="ij"), axis=-1).reshape(-1, 2)
        self._grid_lags_s = self._lags_s(self._arrivals_s(self._grid))

    def _arrivals_s(self, directions_rad: F64) -> F64:
        """Return when plane waves from (n, 2) azimuth, elevation reach each microphone, (n, m), against the origin."""
        azimuth, elevation = directions_rad.T
        along = np.cos(elevation)
        unit = np.stack([along * np.cos(azimuth), -along * np.sin(azimuth), np.sin(elevation)], axis=-1)
        return np.asarray(-unit @ self.positions_m.T / self.speed_of_sound_mps)

    def _lags_s(self, arrivals_s: F64) -> F64:
        return np.asarray(arrivals_s[..., self.pairs[:, 0]] - arrivals_s[..., self.pairs[:, 1]])

    def _slopes_s(self, direction_rad: F64) -> F64:
        """Return the derivatives (m, 2) of the arrival times with azimuth and elevation."""
        azimuth, elevation = direction_rad
        by_azimuth = np.cos(elevation) * np.array([-np.sin(azimuth), -np.cos(azimuth), 0.0])
        by_elevation = np.array(
            [-np.sin(elevation) * np.cos(azimuth), np.sin(elevation) * np.sin(azimuth), np.cos(elevation)]
        )
        return np.asarray(-self.positions_m @ np.stack([by_azimuth, by_elevation], axis=-1) / self.speed_of_sound_mps)

    def locate(self, sound: F64, rate_hz: float, band_hz: tuple[float, float] = BAND_HZ) -> Bearing | None:
        """Return the bearing of the loudest coherent sound in (n, m) samples, or None where there is none.

        Raises ArrayError where the channels are not the array's or the sound is shorter than two frames.
        """
        if sound.ndim != 2 or sound.shape[1] != len(self.positions_m) or len(sound) < 2 * FRAME:
            raise ArrayError(f"sound {sound.shape}: must be (n >= {2 * FRAME}, {len(self.positions_m)})")
        cross, coherence2, hz = self._cross_spectra(sound, rate_hz, band_hz)
        weight = coherence2 / (1.0 - coherence2)
        if not weight.any():
            return None
        steered = weight[:, None] * np.exp(1j * np.angle(cross))
        direction = self._refined(self._coarse(steered, hz, rate_hz), steered, hz)
        if self._response(direction, steered, hz) < MIN_RESPONSE:
            return None
        return self._bearing(direction, coherence2, weight, hz, len(sound) / rate_hz)

    def _cross_spectra(self, sound: F64, rate_hz: float, band_hz: tuple[float, float]) -> tuple[C128, F64, F64]:
        """Return cross-spectra (bins, pairs), the coherence squared of a mean pair (bins,), frequencies (bins,)."""
        frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME, axis=0)[:: FRAME // 2]
        spectra = np.fft.rfft(frames * np.hanning(FRAME), axis=-1)
        hz = np.fft.rfftfreq(FRAME, 1.0 / rate_hz)
        inside = (hz >= band_hz[0]) & (hz <= band_hz[1])
        spectra = spectra[..., inside]
        first, second = self.pairs.T
        cross = np.mean(spectra[:, first] * spectra[:, second].conj(), axis=0).T
        power = np.mean(np.abs(spectra) ** 2, axis=0).T + 1e-30
        measured = np.mean(np.abs(cross) ** 2 / (power[:, first] * power[:, second]), axis=1)
        measured = np.convolve(measured, np.ones(SMOOTHING) / SMOOTHING, "same")
        # What independent noises reach in so many frames: exponential with this mean in every pair and bin.
        by_chance = 1.0 / (INDEPENDENT_FRAMES * len(frames))
        significant = CHANCE_SIGMAS * by_chance / np.sqrt(SMOOTHING * len(self.pairs))
        excess = (measured - by_chance) / (1.0 - by_chance)
        coherence2 = np.where(excess > significant, np.minimum(excess, MAX_COHERENCE2), 0.0)
        return cross, coherence2, np.asarray(hz[inside], dtype=np.float64)

    def _coarse(self, steered: C128, hz: F64, rate_hz: float) -> F64:
        """Return the best direction of the grid, from the correlation functions in the time domain."""
        n = FRAME * UPSAMPLING
        whole = np.zeros((n // 2 + 1, steered.shape[1]), dtype=np.complex128)
        whole[np.round(hz * FRAME / rate_hz).astype(np.int64)] = steered
        correlation = np.fft.irfft(whole, n, axis=0)
        at = np.round(-self._grid_lags_s * rate_hz * UPSAMPLING).astype(np.int64) % n
        # X_i X_j* turns by -2 pi f (t_i - t_j): the peak of its transform lies at minus the lag.
        power = correlation[-at % n, np.arange(steered.shape[1])].sum(axis=1)
        return np.asarray(self._grid[int(np.argmax(power))])

    def _refined(self, direction: F64, steered: C128, hz: F64) -> F64:
        """Gauss-Newton on the phases that the direction leaves over, at most one step of the grid a time."""
        turn, step = 2.0 * np.pi * hz[:, None], np.radians(GRID_DEG)
        weight = np.abs(steered) * turn**2
        for _ in range(REFINEMENTS):
            lags = self._lags_s(self._arrivals_s(direction[None]))[0]
            slopes = self._slopes_s(direction)
            slopes = slopes[self.pairs[:, 0]] - slopes[self.pairs[:, 1]]
            left_s = -np.imag(steered * np.exp(1j * turn * lags)) / np.maximum(np.abs(steered), 1e-30) / turn
            normal = np.einsum("fp,pi,pj->ij", weight, slopes, slopes)
            right = np.einsum("fp,pi->i", weight * left_s, slopes)
            # A flat array cannot see small elevations to first order: the damping keeps such a step at nought.
            change = np.linalg.solve(normal + 1e-6 * np.trace(normal) * np.eye(2), right)
            direction = direction + np.clip(change, -step, step)
            direction[1] = np.clip(direction[1], *np.radians([ELEVATIONS_DEG[0], 89.9]))
        return direction

    def _response(self, direction: F64, steered: C128, hz: F64) -> float:
        """Return the steered response over its standard deviation were all phases independent and uniform."""
        lags = self._lags_s(self._arrivals_s(direction[None]))[0]
        response = np.sum(np.real(steered * np.exp(2j * np.pi * hz[:, None] * lags)))
        return float(response / np.sqrt(0.5 * np.sum(np.abs(steered) ** 2)))

    def _bearing(self, direction: F64, coherence2: F64, weight: F64, hz: F64, seconds: float) -> Bearing | None:
        """Attach the Cramer-Rao bound; None where it is too wide to be of use.

        Fisher information of the arrival times of one Gaussian source in m independent noises of per-microphone
        signal-to-noise ratio r(f), over T seconds: ``2 T df (2 pi f)^2 m r^2 / (1 + m r)`` times the spread of the
        slopes; for two microphones it is Knapp and Carter's ``2 T df (2 pi f)^2 g2 / (1 - g2)``.
        """
        m = len(self.positions_m)
        coherence = np.sqrt(np.where(weight > 0.0, coherence2, 0.0))
        ratio = coherence / (1.0 - coherence)
        information = (
            np.sum((2.0 * np.pi * hz) ** 2 * m * ratio**2 / (1.0 + m * ratio)) * 2.0 * seconds * (hz[1] - hz[0])
        )
        slopes = self._slopes_s(direction)
        slopes = slopes - slopes.mean(axis=0)
        fisher = information * slopes.T @ slopes
        # Elevation that cannot be seen must not spoil azimuth: it is known to lie within a quarter turn anyway.
        covariance = np.linalg.inv(fisher + np.diag([0.0, (4.0 / np.pi) ** 2]) + 1e-12 * np.eye(2))
        sigma = np.sqrt(np.diag(covariance))
        if not sigma[0] <= MAX_SIGMA_RAD:
            return None
        snr_db = 10.0 * float(np.log10(np.mean(ratio) + 1e-12))
        azimuth = float(direction[0] % (2.0 * np.pi))
        return Bearing(azimuth, float(direction[1]), float(sigma[0]), float(sigma[1]), snr_db)
