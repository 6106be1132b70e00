"""What a pulse-Doppler radar receives from pulse to pulse in the range cell of a target: slow time, complex.

Body, rotor blades or wings, ground and noise. Blades are thin rods (the integral of Martin and
Mulgrew 1990, in the form of Chen, The Micro-Doppler Effect in Radar, 2011): they flash when they
stand across the line of sight. Noise has unit power in a pulse; the body's power is the SNR of the
plot-level ``Radar`` in one dwell over the pulses of a dwell. The cell follows the target, and the
radar keeps looking at it: dwells are pieces of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate

from messages.frames import F64
from scenarios.types import TargetType
from sim.propagation.radar import wavelength_m
from sim.sensors.base import View
from sim.sensors.jamming import floor_rise
from sim.sensors.radar import Radar
from sim.signals.motion import JammersAt, no_jammers, poses, track_of
from sim.signals.rotors import Turning, turning
from sim.signals.waveforms import C128

KNOT_HZ = 50.0  # of ranges and aspects; splines between
BLADE_DB = -10.0  # a blade's flash under the body's mean echo (estimate: -5 to -15 for plastic and carbon, X band)
ROOT_SHARE = 0.15  # of the radius without blade
WING_DB = -6.0  # both wings together, under the body (estimate)
WING_POINTS = 5
STROKE_RAD = float(np.radians(40.0))  # of the wings about the level (estimate)
FLUCTUATION_S = 0.1  # correlation time of the body's echo (estimate: a small turn of aspect)
CLUTTER_SPEED_MPS = 0.25  # spread of wind-blown ground (textbook: 0.1 to 0.3 for fields and woods)


@dataclass(frozen=True)
class Echo:
    """Slow time of one target's cell.

    ``iq`` (pulses,) from ``start_s`` on, ``prf_hz`` apart; ``range_m`` and ``range_rate_mps`` (pulses,) against the
    radar itself, positive receding; ``snr_db`` (pulses,) mean SNR of the body in one dwell.
    """

    target: int
    start_s: float
    prf_hz: float
    frequency_hz: float
    iq: NDArray[np.complex64]
    range_m: F64
    range_rate_mps: F64
    snr_db: F64


def pulse_rate_hz(sensor: Radar) -> float:
    """Return the rate that goes with the profile's unambiguous radial speed: ``4 v / lambda``."""
    return 4.0 * sensor.profile.range_rate_limit_mps / wavelength_m(sensor.profile.frequency_hz)


def blade_echo(turn: F64, blades: int, radius_m: float, wavelength: float, cos_elevation: F64 | float) -> C128:
    """Return the echo (n,) of one rotor whose blades have unit amplitude when they stand across the line of sight.

    ``sum_k exp(-j 4 pi / lambda m c_k) sinc(4 pi / lambda (l / 2) c_k)`` with ``c_k`` the cosine between blade and
    line of sight, m the middle and l the length of a blade; ``turn`` (n,) in revolutions.
    """
    middle, length = 0.5 * radius_m * (1.0 + ROOT_SHARE), radius_m * (1.0 - ROOT_SHARE)
    out = np.zeros(np.shape(turn), dtype=np.complex128)
    for k in range(blades):
        along = cos_elevation * np.cos(2.0 * np.pi * (turn + k / blades))
        wave = 4.0 * np.pi / wavelength * along
        out += np.exp(-1j * wave * middle) * np.sinc(wave * 0.5 * length / np.pi)
    return out


def wing_echo(beat: F64, span_m: float, wavelength: float, side: F64, up: F64) -> C128:
    """Return the echo (n,) of two beating wings of unit rms together; ``beat`` (n,) in strokes.

    Points along stiff wings that turn about the body's axis by ``40 deg sin``; ``side`` and ``up`` (n,) are the
    components of the line of sight across the flight and upwards.
    """
    angle = STROKE_RAD * np.sin(2.0 * np.pi * beat)
    out = np.zeros(len(beat), dtype=np.complex128)
    arm = 0.5 * span_m * (np.arange(WING_POINTS) + 0.5) / WING_POINTS
    for hand in (-1.0, 1.0):
        for r in arm:
            along = hand * r * np.cos(angle) * side + r * np.sin(angle) * up
            out += np.exp(-4j * np.pi / wavelength * along)
    return np.asarray(out / np.sqrt(2.0 * WING_POINTS))


class EchoMaker:
    """Makes the slow time of one radar's targets over one interval."""

    def __init__(
        self, sensor: Radar, world: Any, start_s: float, seconds: float, jammers: JammersAt = no_jammers
    ) -> None:
        """Follow the radar itself over the interval."""
        self.sensor, self.world, self.start_s = sensor, world, start_s
        self.prf_hz = pulse_rate_hz(sensor)
        self.t_s: F64 = np.asarray(start_s + np.arange(round(seconds * self.prf_hz)) / self.prf_hz, dtype=np.float64)
        knots = max(int(np.ceil(seconds * KNOT_HZ)), 4) + 1
        self._knot_s: F64 = np.linspace(start_s, float(self.t_s[-1]), knots)
        self._poses = poses(sensor, world, self._knot_s)
        here = np.array([sensor.profile.frequency_hz])
        self._noise_power: F64 = np.array([floor_rise(jammers(float(t)), here)[0] for t in self._knot_s])
        self.pulses_per_dwell = max(round(sensor.profile.dwell_s * self.prf_hz), 1)

    def in_view(self) -> list[int]:
        """Return the targets that fly inside the coverage and in line of sight in the middle of the interval."""
        k = len(self._knot_s) // 2
        t_s, pose = float(self._knot_s[k]), self._poses[k]
        view = self.sensor.view(self.world, t_s, pose)
        clear = self.sensor.unmasked(self.world, t_s, pose, view, np.ones(len(view.index)))
        return [int(i) for i in view.index[clear > 0.0]]

    def echo(self, i: int, kind: TargetType, rng: np.random.Generator) -> Echo:
        """Return everything in the cell of one target."""
        position, velocity, airborne = track_of(self.world, i)(self._knot_s)
        offset = position - np.array([p.origin_m for p in self._poses])
        distance = np.sqrt(np.sum(offset * offset, axis=1))
        view = View(np.full(len(distance), i), offset, velocity, distance, distance * 0.0, distance * 0.0, airborne)
        snr, clutter = self._powers(view)
        curve = interpolate.CubicSpline(self._knot_s, distance)
        range_m = curve(self.t_s)
        wavelength = wavelength_m(self.sensor.profile.frequency_hz)
        per_pulse = self._at(snr * airborne) / self.pulses_per_dwell
        swing, moving, noise, ground = rng.spawn(4)
        body = np.sqrt(per_pulse) * self._fluctuation(int(self.sensor.targets.swerling[i]), swing)
        parts = body + np.sqrt(per_pulse) * self._moving_parts(i, kind, offset, velocity, wavelength, moving)
        iq = parts * np.exp(-4j * np.pi / wavelength * range_m)
        iq = iq + np.sqrt(self._at(clutter) / self.pulses_per_dwell) * self._clutter(wavelength, ground)
        iq += np.sqrt(0.5 * self._at(self._noise_power)) * (
            noise.standard_normal(len(iq)) + 1j * noise.standard_normal(len(iq))
        )
        snr_db = 10.0 * np.log10(np.maximum(self._at(snr), 1e-12))
        frequency = self.sensor.profile.frequency_hz
        return Echo(
            i, self.start_s, self.prf_hz, frequency, iq.astype(np.complex64), range_m, curve(self.t_s, 1), snr_db
        )

    def _at(self, values: F64) -> F64:
        return np.interp(self.t_s, self._knot_s, values)

    def _powers(self, view: View) -> tuple[F64, F64]:
        """Return the body's SNR of one dwell with its aspect, and the ground's, both (knots,)."""
        heading = np.arctan2(view.velocity_mps[:, 1], view.velocity_mps[:, 0])
        aspect = heading - np.arctan2(view.offset_m[:, 1], view.offset_m[:, 0])
        snr = self.sensor.snr(view.range_m, self.sensor.targets.rcs_m2(view.index, aspect))
        middle = self._poses[len(self._poses) // 2]
        return snr, self.sensor.clutter_to_noise(self.world, middle, view)

    def _fluctuation(self, swerling: int, rng: np.random.Generator) -> F64:
        """Return the body's amplitude over its rms (pulses,): constant, or smoothed Rayleigh (1) or chi of four (3)."""
        if swerling == 0:
            return np.ones(len(self.t_s))
        parts = {1: 2, 3: 4}[swerling]
        knots = max(int(len(self.t_s) / self.prf_hz / FLUCTUATION_S), 1) + 4
        coarse = rng.standard_normal((parts, knots))
        place = np.linspace(0.0, (len(self.t_s) - 1) / self.prf_hz / FLUCTUATION_S, len(self.t_s))
        share = place % 1.0
        k = place.astype(np.int64)
        # A turn from one draw to the next keeps the variance at every time.
        between = np.cos(0.5 * np.pi * share) * coarse[:, k] + np.sin(0.5 * np.pi * share) * coarse[:, k + 1]
        return np.asarray(np.sqrt(np.mean(between**2, axis=0)))

    def _moving_parts(
        self, i: int, kind: TargetType, offset: F64, velocity: F64, wavelength: float, rng: np.random.Generator
    ) -> C128:
        """Return the echo of blades or wings (pulses,) over the body's rms."""
        end_s = float(self.t_s[-1]) + 1.0 / self.prf_hz
        turn = turning(kind, track_of(self.world, i), self.start_s, end_s, rng)
        level = np.maximum(np.sqrt(np.sum(offset[:, :2] ** 2, axis=1)), 1e-6)
        distance = np.sqrt(np.sum(offset * offset, axis=1))
        if kind.kinematics.motion == "bird":
            heading = velocity[:, :2] / np.maximum(np.sqrt(np.sum(velocity[:, :2] ** 2, axis=1)), 1e-6)[:, None]
            side = self._at((offset[:, 0] * heading[:, 1] - offset[:, 1] * heading[:, 0]) / distance)
            span = kind.wingspan_m or kind.size_m
            wings = wing_echo(turn.at(self.t_s)[0], span, wavelength, side, self._at(offset[:, 2] / distance))
            return np.asarray(10.0 ** (WING_DB / 20.0) * wings)
        return self._blades(kind, turn, self._at(level / distance), wavelength, rng)

    def _blades(
        self, kind: TargetType, turn: Turning, cos_elevation: F64, wavelength: float, rng: np.random.Generator
    ) -> C128:
        """Return all rotors; level ones on multirotors, and a propeller across the flight elsewhere seen from aside."""
        out = np.zeros(len(self.t_s), dtype=np.complex128)
        for turns in turn.at(self.t_s):
            place = np.exp(2j * np.pi * rng.random())  # where a rotor sits on the body, against the wavelength
            out += place * blade_echo(turns, kind.rotor.blades, kind.rotor.radius_m, wavelength, cos_elevation)
        return np.asarray(10.0 ** (BLADE_DB / 20.0) * out)

    def _clutter(self, wavelength: float, rng: np.random.Generator) -> C128:
        """Return the ground's echo (pulses,) of unit power: a Gaussian spectrum about standing still."""
        n = len(self.t_s)
        speed = 0.5 * wavelength * np.fft.fftfreq(n, 1.0 / self.prf_hz)
        shape = np.exp(-0.25 * (speed / CLUTTER_SPEED_MPS) ** 2)
        spectrum = shape * (rng.standard_normal(n) + 1j * rng.standard_normal(n))
        return np.asarray(np.fft.ifft(spectrum) * np.sqrt(0.5) * n / np.sqrt(np.sum(shape**2)))


def dwells(echo: Echo, pulses: int) -> tuple[F64, F64]:
    """Return range rates (pulses,) [m/s] and the power of every dwell in each Doppler cell (dwells, pulses).

    Noise has unit mean in each; a steady body in the middle of a cell has its SNR. No window: what lies between two
    cells loses up to 3.9 dB.
    """
    count = len(echo.iq) // pulses
    spectrum = np.fft.fft(echo.iq[: count * pulses].reshape(count, pulses), axis=1)
    rate: F64 = np.asarray(
        -0.5 * wavelength_m(echo.frequency_hz) * np.fft.fftfreq(pulses, 1.0 / echo.prf_hz), np.float64
    )
    order = np.argsort(rate)
    return rate[order], np.asarray(np.abs(spectrum[:, order]) ** 2 / pulses)


def echoes(
    sensor: Radar, world: Any, kinds: Sequence[TargetType], start_s: float, seconds: float, rng: np.random.Generator
) -> list[Echo]:
    """Return the slow time of every target in view; each draws from a generator of its own."""
    maker = EchoMaker(sensor, world, start_s, seconds)
    own = rng.spawn(len(kinds))
    return [maker.echo(i, kinds[i], own[i]) for i in maker.in_view()]
