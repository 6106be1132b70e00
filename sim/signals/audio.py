"""The sound at every microphone of an array, in pascals: targets, engines, wind, surroundings.

A source's pressure at 1 m is made on its own time, damped by ISO 9613-1 at every frequency over the
path, and read at the emission time that belongs to each sample of each microphone: that gives delay,
Doppler and the lag of a crossing target at once. Levels are those of ``MicrophoneArray``: noise of
surroundings, wind and microphones is independent between them (as its ``10 lg M`` assumes), engines
are coherent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import interpolate, ndimage, signal

from messages.frames import F64
from scenarios.types import TargetType
from sim.propagation import acoustics
from sim.sensors.acoustic import CALM_WIND_MPS, FOLIAGE_DB, NEIGHBOUR_REFERENCE_M, MicrophoneArray
from sim.sensors.masking import over_bare_ground
from sim.signals import sound_levels
from sim.signals.motion import Track, Truth, emission_times, poses, track_of
from sim.signals.rotors import turning
from sim.signals.sound_sources import engine_sound, rotor_sound

RATE_HZ = 22_050.0  # of the public recordings
OVERSAMPLING = 2  # of a source's own time: a cubic spline reads 5 kHz at 44.1 kHz to 0.01 dB
MOTION_HZ = 50.0  # delays are solved this often and joined by splines: 25 m/s2 over 20 ms bend a path by 1 mm
COVER_HZ = 5.0  # line of sight is looked at this often
MARGIN_S = 0.1
BLOCK = 2048  # samples of a source's time with one absorption, 46 ms at 44.1 kHz
GOLDEN_RAD = float(np.pi * (3.0 - np.sqrt(5.0)))
ENGINE_PLACE_M = (-2.5, 0.0, 1.2)  # in hull axes: under the rear deck
INAUDIBLE_DB = -20.0  # a target this far under the noise of one microphone is left out


@dataclass(frozen=True)
class Sound:
    """``pressure_pa`` (microphones, n) from ``start_s`` on; ``microphones_m`` (microphones, 3) in the array's axes."""

    pressure_pa: F64
    rate_hz: float
    start_s: float
    microphones_m: F64


def microphone_places(count: int, diameter_m: float) -> F64:
    """Return places (count, 3) in forward-left-up axes: a sunflower over a disc, whose rms radius is D / sqrt 8."""
    i = np.arange(count)
    radius = diameter_m / 2.0 * np.sqrt((i + 0.5) / count)
    return np.column_stack([radius * np.cos(GOLDEN_RAD * i), radius * np.sin(GOLDEN_RAD * i), np.zeros(count)])


class ArraySound:
    """Synthesises one array's sound over one interval."""

    def __init__(
        self, sensor: MicrophoneArray, world: Truth, start_s: float, seconds: float, rate_hz: float = RATE_HZ
    ) -> None:
        """Place the microphones over the interval, as the vehicle carries them."""
        self.sensor, self.world, self.rate_hz, self.start_s = sensor, world, rate_hz, start_s
        self.t_s: F64 = start_s + np.arange(round(seconds * rate_hz)) / rate_hz
        knots = max(int(np.ceil(seconds * MOTION_HZ)), 4) + 1
        self._knot_s: F64 = np.linspace(start_s, float(self.t_s[-1]), knots)
        p = sensor.profile
        self.microphones_m = microphone_places(p.microphones, p.array_diameter_m)
        held = poses(sensor, world, self._knot_s)
        self.centre_m: F64 = np.array([pose.origin_m for pose in held])  # (knots, 3)
        arms = np.array([self.microphones_m @ pose.enu_from_sensor.T for pose in held])
        self.places_m: F64 = np.swapaxes(self.centre_m[:, None, :] + arms, 0, 1)  # (microphones, knots, 3)

    def target(self, i: int, kind: TargetType, rng: np.random.Generator) -> F64:
        """Return the sound (microphones, n) of one target alone."""
        c, track = self.sensor.speed_of_sound_mps, track_of(self.world, i)
        emitted_s = np.stack([emission_times(track, m, self._knot_s, c) for m in self.places_m])
        from_s, to_s = float(emitted_s.min()) - MARGIN_S, float(emitted_s.max()) + MARGIN_S
        source_hz = OVERSAMPLING * self.rate_hz
        own_s = from_s + np.arange(int((to_s - from_s) * source_hz) + 2) / source_hz
        pressure = rotor_sound(kind, turning(kind, track, from_s, to_s, rng), own_s, rng)
        coarse_s = np.arange(from_s, to_s + 1.0 / MOTION_HZ, 1.0 / MOTION_HZ)
        position, _, airborne = track(coarse_s)
        offset = position - self._centre_at(coarse_s)
        distance = np.sqrt(np.sum(offset * offset, axis=1))
        gain = np.where(airborne, self._directivity(kind, offset, distance), 0.0)
        pressure *= np.interp(own_s, coarse_s, gain)
        pressure = self._absorbed(pressure, source_hz, np.interp(own_s, coarse_s, distance))
        heard = self._read(pressure, from_s, source_hz, emitted_s)
        cover_s, cover = self._cover(track, emitted_s[0])
        return np.asarray(heard * np.interp(self.t_s, cover_s, cover))

    def engine(self, hull_id: str, rng: np.random.Generator) -> F64:
        """Return the sound (microphones, n) of a vehicle's engine and tracks, one coherent source at its rear."""
        states = [self.world.platform(hull_id, float(t)) for t in self._knot_s]
        place = np.array([s.position_m + s.enu_from_body @ np.array(ENGINE_PLACE_M) for s in states])
        own = hull_id == self.sensor.mount.hull_id
        to_centre = np.maximum(np.sqrt(np.sum((place - self.centre_m) ** 2, axis=1)), 1e-3)
        # The catalogue's level is that at the vehicle's own microphones; for others it is that at 3 m.
        reference_m = to_centre if own else np.full(len(place), NEIGHBOUR_REFERENCE_M)
        distance = np.sqrt(np.sum((place - self.places_m) ** 2, axis=2))
        emitted_s = self._knot_s - distance / self.sensor.speed_of_sound_mps
        from_s, to_s = float(emitted_s.min()) - MARGIN_S, float(emitted_s.max()) + MARGIN_S
        source_hz = OVERSAMPLING * self.rate_hz
        own_s = from_s + np.arange(int((to_s - from_s) * source_hz) + 2) / source_hz
        pressure = engine_sound(states[len(states) // 2].engine, own_s, rng)
        level = 10.0 ** (np.array([s.noise_dba for s in states]) / 20.0) * reference_m
        pressure *= np.interp(own_s, self._knot_s, level)
        return self._read(pressure, from_s, source_hz, emitted_s)

    def noise(self, rng: np.random.Generator) -> F64:
        """Return surroundings, wind and the microphones' own noise (microphones, n), independent between them."""
        p, e = self.sensor.profile, self.sensor.environment
        m, n = p.microphones, len(self.t_s)
        out = sound_levels.noise(rng, m, n, self.rate_hz, sound_levels.surroundings, e.ambient_noise_dba)
        out += sound_levels.noise(rng, m, n, self.rate_hz, sound_levels.white, p.self_noise_dba)
        rise_db = p.wind_noise_db_per_mps * max(e.wind_mps - CALM_WIND_MPS, 0.0)
        if rise_db > 0.0:  # the wind's share of a level that it raises by so much
            level = e.ambient_noise_dba + 10.0 * float(np.log10(10.0 ** (rise_db / 10.0) - 1.0))
            out += sound_levels.noise(rng, m, n, self.rate_hz, sound_levels.wind, level)
        return out

    def audible(self, i: int, kind: TargetType) -> bool:
        """Say whether a target comes within 20 dB of one microphone's noise, at its best direction, at any time."""
        position, _, airborne = track_of(self.world, i)(self._knot_s)
        distance = np.sqrt(np.sum((position - self.centre_m) ** 2, axis=1))
        loudest = kind.sound_dba + acoustics.rotor_directivity_db(np.pi / 4.0)
        level = acoustics.received_level_db(loudest, 0.7 * distance, 0.0)  # it may have been nearer when it spoke
        e = self.sensor.environment
        floor = acoustics.level_sum_db([e.ambient_noise_dba, self.sensor.profile.self_noise_dba])
        return bool(np.any((level - floor > INAUDIBLE_DB) & airborne))

    def _centre_at(self, t_s: F64) -> F64:
        return np.stack([np.interp(t_s, self._knot_s, axis) for axis in self.centre_m.T], axis=1)

    def _directivity(self, kind: TargetType, offset: F64, distance: F64) -> F64:
        if kind.kinematics.motion != "multirotor":
            return np.ones(len(distance))
        below = np.arcsin(np.clip(offset[:, 2] / np.maximum(distance, 1e-6), -1.0, 1.0))
        return np.asarray(10.0 ** (acoustics.rotor_directivity_db(below) / 20.0))

    def _absorbed(self, pressure: F64, rate_hz: float, distance_m: F64) -> F64:
        """Return the pressure (n,), still at 1 m, with what the air takes of each frequency over the path."""
        frequency, block_s, spectrum = signal.stft(pressure, rate_hz, nperseg=BLOCK)
        e = self.sensor.environment
        args = (e.temperature_c, e.relative_humidity, e.pressure_kpa)
        loss_db = acoustics.absorption_db_per_m(frequency, *args)[:, None]
        along = np.interp(block_s, np.arange(len(distance_m)) / rate_hz, distance_m)
        _, damped = signal.istft(spectrum * 10.0 ** (-loss_db * along / 20.0), rate_hz, nperseg=BLOCK)
        return np.asarray(damped[: len(pressure)])

    def _read(self, pressure: F64, from_s: float, rate_hz: float, emitted_s: F64) -> F64:
        """Return what arrives (microphones, n): the source's pressure at the times of emission, spread over 1/R."""
        out = np.empty((len(emitted_s), len(self.t_s)))
        coefficients = ndimage.spline_filter1d(pressure, order=3)
        c = self.sensor.speed_of_sound_mps
        for row, knots in zip(out, emitted_s, strict=True):
            emitted = interpolate.CubicSpline(self._knot_s, knots)(self.t_s)
            index = (emitted - from_s) * rate_hz
            row[:] = ndimage.map_coordinates(coefficients, index[None], order=3, prefilter=False)
            row /= np.maximum(c * (self.t_s - emitted), 1.0)
        return out

    def _cover(self, track: Track, emitted_s: F64) -> tuple[F64, F64]:
        """Return times and amplitude factors: trees weaken, ground stops."""
        knots = np.unique(
            np.linspace(0, len(emitted_s) - 1, max(int(len(emitted_s) * COVER_HZ / MOTION_HZ), 2)).astype(int)
        )
        position, _, _ = track(emitted_s[knots])
        gain = np.ones(len(knots))
        for j, (k, point) in enumerate(zip(knots, position, strict=True)):
            if not self.world.visible(self.centre_m[k], point[None])[0]:
                reach = over_bare_ground(self.world.terrain, self.centre_m[k], point[None])[0]
                gain[j] = 10.0 ** (-FOLIAGE_DB / 20.0) if reach else 0.0
        return self._knot_s[knots], gain


def array_sound(
    sensor: MicrophoneArray,
    world: Truth,
    kinds: Sequence[TargetType],
    start_s: float,
    seconds: float,
    rng: np.random.Generator,
    rate_hz: float = RATE_HZ,
    progress: Callable[[int, int], None] | None = None,
) -> Sound:
    """Return everything an array hears over an interval; each source draws from a generator of its own.

    ``kinds`` are the types of all targets in the world's order; ``progress`` is told (sources done, all).
    """
    made = ArraySound(sensor, world, start_s, seconds, rate_hz)
    noise_rng, *own = rng.spawn(1 + len(kinds) + len(world.hull_ids))
    out = made.noise(noise_rng)
    parts = len(own)
    for i, kind in enumerate(kinds):
        if made.audible(i, kind):
            out += made.target(i, kind, own[i])
        if progress is not None:
            progress(i + 1, parts)
    for j, hull in enumerate(world.hull_ids):
        out += made.engine(hull, own[len(kinds) + j])
        if progress is not None:
            progress(len(kinds) + j + 1, parts)
    return Sound(out, rate_hz, start_s, made.microphones_m)
