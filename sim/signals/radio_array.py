"""Snapshots of complex samples at every antenna of a direction finder, scaled in root milliwatts.

Each emission has the power of the plot-level link budget (EIRP, gain, losses, path loss, trees) in
its own bandwidth over the receiver's noise; antennas see it with the delay of its direction, exact
over the band. One reflection off the own vehicle gives the bearings their error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, body_azimuth_elevation_range, body_direction
from scenarios.types import Emission
from sim.propagation import radio
from sim.propagation.radar import SPEED_OF_LIGHT_MPS, range_rate_mps
from sim.sensors.jamming import floor_rise
from sim.sensors.masking import over_bare_ground
from sim.sensors.rf import FOLIAGE_DB, RadioFinder
from sim.signals.motion import JammersAt, no_jammers
from sim.signals.waveforms import C128, on_air, waveform

ANTENNAS = 7  # on a circle of the profile's aperture (estimate); an odd number has fewer ambiguous directions
SNAPSHOT_S = 0.0005
REFLECTION_DB = (
    -5.0
)  # off the own vehicle, under the direct ray: MUSIC then errs by the 1.2 deg measured of a Mavic (B)
REFLECTION_M = 2.0  # longer path, at most
LEAST_SNR_DB = -40.0  # what is weaker changes nothing that can be measured in a snapshot


@dataclass(frozen=True)
class Burst:
    """One emission inside a snapshot: whose, its kind, the sensor's direction to it, SNR in its bandwidth, when."""

    target: int
    kind: str
    frequency_hz: float
    bandwidth_hz: float
    azimuth_rad: float
    elevation_rad: float
    snr_db: float
    first: int
    count: int


@dataclass(frozen=True)
class Snapshot:
    """``samples`` (antennas, n) [sqrt(mW)] from ``t_s`` on, around ``frequency_hz``."""

    t_s: float
    frequency_hz: float
    rate_hz: float
    samples: NDArray[np.complex64]
    bursts: tuple[Burst, ...]


def antenna_places(aperture_m: float) -> F64:
    """Return places (ANTENNAS, 3) in forward-left-up axes: a level circle whose first antenna is ahead."""
    angle = 2.0 * np.pi * np.arange(ANTENNAS) / ANTENNAS
    return 0.5 * aperture_m * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(ANTENNAS)])


def tunings(sensor: RadioFinder, emissions: Sequence[tuple[Emission, ...]]) -> list[float]:
    """Return the middle frequencies through which the receiver steps and on which any target can be heard."""
    p = sensor.profile
    out = []
    for band in p.bands:
        steps = int(np.ceil((band.high_hz - band.low_hz) / p.instantaneous_bandwidth_hz))
        width = (band.high_hz - band.low_hz) / steps
        out += [band.low_hz + (k + 0.5) * width for k in range(steps)]
    reach = 0.5 * p.instantaneous_bandwidth_hz
    used = [f for f in out if any(abs(e.frequency_hz - f) < reach + _half_width(e) for all_ in emissions for e in all_)]
    return used or out[:1]


def _half_width(emission: Emission) -> float:
    return 0.5 * (emission.hop_band_hz or emission.bandwidth_hz)


class ArrayReceiver:
    """Makes the snapshots of one direction finder."""

    def __init__(
        self, sensor: RadioFinder, world: Any, names: Sequence[str], seed: int, jammers: JammersAt = no_jammers
    ) -> None:
        """``names`` are the targets' ids, in the world's order; links hop by them and the scenario's seed."""
        self._jammers = jammers
        self.sensor, self.world, self.names, self.seed = sensor, world, tuple(names), seed
        self.rate_hz = sensor.profile.instantaneous_bandwidth_hz
        self.antennas_m = antenna_places(sensor.profile.aperture_m)
        self.tunings = tunings(sensor, sensor.targets.emissions)

    def looks(
        self, start_s: float, seconds: float, rng: np.random.Generator, snapshot_s: float = SNAPSHOT_S
    ) -> Iterator[Snapshot]:
        """Yield one snapshot a tuning and scan period, each at the begin of the receiver's dwell on it."""
        p = self.sensor.profile
        for k in range(max(int(seconds / p.scan_period_s), 1)):
            for j, frequency in enumerate(self.tunings):
                t_s = start_s + k * p.scan_period_s + j * p.dwell_s
                yield self.snapshot(t_s, frequency, round(snapshot_s * self.rate_hz), rng)

    def snapshot(self, t_s: float, frequency_hz: float, samples: int, rng: np.random.Generator) -> Snapshot:
        """Return the samples of all antennas during one snapshot."""
        total = self._noise(t_s, frequency_hz, samples, rng)
        bursts = []
        for i, e, level_db, offset_m, velocity in self._heard(t_s):
            stay = on_air(e, f"{self.names[i]}/{e.kind}", self.seed, t_s, samples, self.rate_hz)
            if not stay.on.any() or abs(stay.frequency_hz - frequency_hz) > 0.5 * (self.rate_hz + e.bandwidth_hz):
                continue
            width = min(e.bandwidth_hz, self.rate_hz)
            floor_dbm = radio.noise_floor_dbm(width, self.sensor.profile.noise_figure_db)
            amplitude = 10.0 ** ((level_db + floor_dbm) / 20.0)
            doppler_hz = -float(range_rate_mps(offset_m, velocity)) / SPEED_OF_LIGHT_MPS * stay.frequency_hz
            shape_ = np.where(stay.on, waveform(e, samples, self.rate_hz, rng), 0.0)
            total += amplitude * self._arriving(
                shape_, stay.frequency_hz + doppler_hz, frequency_hz, t_s, offset_m, rng
            )
            on = np.flatnonzero(stay.on)
            azimuth, elevation = self._direction(t_s, offset_m)
            where = (azimuth, elevation, level_db, int(on[0]), int(on[-1] - on[0]) + 1)
            bursts.append(Burst(i, e.kind, stay.frequency_hz, e.bandwidth_hz, *where))
        return Snapshot(t_s, frequency_hz, self.rate_hz, total.astype(np.complex64), tuple(bursts))

    def _noise(self, t_s: float, frequency_hz: float, samples: int, rng: np.random.Generator) -> C128:
        """Return noise (antennas, samples), independent between them, raised in the bands of jammers."""
        noise_mw = 10.0 ** (radio.noise_floor_dbm(self.rate_hz, self.sensor.profile.noise_figure_db) / 10.0)
        shape = (ANTENNAS, samples)
        noise = np.sqrt(0.5 * noise_mw) * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
        jammers = self._jammers(t_s)
        if not jammers:
            return np.asarray(noise)
        frequency: F64 = np.asarray(frequency_hz + np.fft.fftfreq(samples, 1.0 / self.rate_hz), dtype=np.float64)
        rise = floor_rise(jammers, frequency)
        return np.asarray(np.fft.ifft(np.fft.fft(noise, axis=1) * np.sqrt(rise), axis=1))

    def _direction(self, t_s: float, offset_m: F64) -> tuple[float, float]:
        pose = self.sensor.pose(self.world, t_s)
        azimuth, elevation, _ = body_azimuth_elevation_range(offset_m @ pose.enu_from_sensor)
        return float(azimuth), float(elevation)

    def _heard(self, t_s: float) -> Iterator[tuple[int, Emission, float, F64, F64]]:
        """Yield target, emission, SNR in its bandwidth [dB], offset and velocity of all that reaches the antenna."""
        pose = self.sensor.pose(self.world, t_s)
        view = self.sensor.view(self.world, t_s, pose)
        own = float(pose.origin_m[2]) - self.world.terrain.ground_at(float(pose.origin_m[0]), float(pose.origin_m[1]))
        for k in np.flatnonzero(view.emitting):
            point = pose.origin_m + view.offset_m[k]
            clear = self.world.visible(pose.origin_m, point[None])[0]
            clear &= self.world.own_vehicle_clear(self.sensor.mount.platform_id, t_s, pose.origin_m, point[None])[0]
            if not clear and not over_bare_ground(self.world.terrain, pose.origin_m, point[None])[0]:
                continue
            height = float(point[2] - self.world.terrain.height(point[:1], point[1:2])[0])
            for e in self.sensor.targets.emissions[int(view.index[k])]:
                level = self._snr_db(e, float(view.range_m[k]), max(own, 0.5), height) - (0.0 if clear else FOLIAGE_DB)
                if level > LEAST_SNR_DB:
                    yield int(view.index[k]), e, level, view.offset_m[k], view.velocity_mps[k]

    def _snr_db(self, e: Emission, range_m: float, own_m: float, height_m: float) -> float:
        p = self.sensor.profile
        floor = radio.noise_floor_dbm(min(e.bandwidth_hz, p.instantaneous_bandwidth_hz), p.noise_figure_db)
        heights = (np.array([own_m]), np.array([height_m]))
        args = (np.array([e.eirp_dbm]), np.array([e.frequency_hz]), np.array([floor]), np.array([range_m]), heights)
        return float(self.sensor.snr_db(*args)[0])

    def _arriving(
        self, base: C128, carrier_hz: float, tuned_hz: float, t_s: float, offset_m: F64, rng: np.random.Generator
    ) -> C128:
        """Return what every antenna receives (antennas, n): in its place in the band, delayed by its direction."""
        n = len(base)
        azimuth, elevation = self._direction(t_s, offset_m)
        shifted = _moved(np.fft.fft(base), (carrier_hz - tuned_hz) * n / self.rate_hz)
        frequency = tuned_hz + np.fft.fftfreq(n, 1.0 / self.rate_hz)
        out = np.zeros((ANTENNAS, n), dtype=np.complex128)
        turn = np.exp(2j * np.pi * rng.random(2))
        bounced = float(rng.uniform(-np.pi, np.pi))
        rays = ((azimuth, elevation, 0.0, 0.0), (bounced, 0.0, REFLECTION_DB, float(rng.uniform(0.3, REFLECTION_M))))
        for phase, (a, e, level_db, path_m) in zip(turn, rays, strict=True):
            lead_s = (self.antennas_m @ body_direction(a, e) - path_m) / SPEED_OF_LIGHT_MPS
            out += 10.0 ** (level_db / 20.0) * phase * np.exp(2j * np.pi * np.outer(lead_s, frequency))
        return np.asarray(np.fft.ifft(out * shifted, axis=1))


def _moved(spectrum: C128, bins: float) -> C128:
    """Return a spectrum moved up by bins, rounded; what leaves the band is lost, not folded in again."""
    n, step = len(spectrum), round(bins)
    ordered = np.fft.fftshift(spectrum)
    out = np.zeros_like(ordered)
    if abs(step) < n:
        out[max(step, 0) : n + min(step, 0)] = ordered[max(-step, 0) : n - max(step, 0)]
    return np.fft.ifftshift(out)
