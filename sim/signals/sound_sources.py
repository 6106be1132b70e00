"""What a source radiates, as pressure at 1 m over its own time: rotor combs with manoeuvre, engines, broadband noise.

The A-weighted level over a hovering second is the catalogue's. Tones are a comb of blade passings
and weak shaft lines, one comb a rotor; the rest is noise in the source's band.
"""

from __future__ import annotations

import numpy as np

from messages.frames import F64
from scenarios.types import TargetType
from sim.signals.rotors import Turning
from sim.signals.sound_levels import a_weighting, noise, pascals

TONAL_SHARE = 0.6  # of the A-weighted power of a rotor in lines; the rest is broadband (estimate)
HARMONIC_FALL_DB = 2.0  # of the comb's amplitudes, A-weighted or not, a harmonic (estimate: DRONE_001 falls about so)
SHAFT_DB = -20.0  # lines of unequal blades, under the blade passings (estimate)
SHAFT_LINES = 3  # first multiples of the shaft's rate that are not blade passings
SPEED_EXPONENT = 5.5  # level goes with 55 lg(rpm): between the 50 and 60 of physics
ENGINE_TONAL_SHARE = 0.5
FIRING_HZ = {"off": 0.0, "idle": 80.0, "moving": 200.0}  # 12 cylinders, four strokes, 800 and 2000 rpm
ENGINE_HARMONICS = 12
HIGHEST_SHARE = 0.45  # of the sample rate: no line is put nearer to its half


def rotor_sound(kind: TargetType, turn: Turning, t_s: F64, rng: np.random.Generator) -> F64:
    """Return the pressure [Pa] of a target at 1 m, mean over directions, at evenly spaced times (n,)."""
    rate_hz = 1.0 / (t_s[1] - t_s[0])
    tonal = TONAL_SHARE if kind.kinematics.motion != "bird" else 0.0  # a bird's wings make no tones
    share_db = 10.0 * np.log10(1.0 - tonal)
    low, high = kind.sound_band_hz
    out = noise(rng, 1, len(t_s), rate_hz, lambda f: _band(f, low, high), kind.sound_dba + share_db)[0]
    if tonal:
        comb = _comb(kind, turn, t_s, HIGHEST_SHARE * rate_hz / 2.0, rng)
        out += comb * pascals(kind.sound_dba) * np.sqrt(tonal)
    louder = np.interp(t_s, turn.t_s, turn.speed.mean(axis=0)) ** (SPEED_EXPONENT / 2.0)
    return np.asarray(out * louder)


def _comb(kind: TargetType, turn: Turning, t_s: F64, highest_hz: float, rng: np.random.Generator) -> F64:
    """Return the lines of all rotors (n,), of unit A-weighted rms at hover."""
    blades, shaft_hz = kind.rotor.blades, kind.rotor.revolutions_per_minute / 60.0
    top_hz = min(kind.sound_band_hz[1], highest_hz)
    multiple = [(k * blades, -HARMONIC_FALL_DB * (k - 1)) for k in range(1, int(top_hz / (blades * shaft_hz)) + 1)]
    multiple = multiple or [(blades, 0.0)]
    multiple += [(k, SHAFT_DB) for k in range(1, SHAFT_LINES + 1) if k % blades]
    order = np.array([m for m, _ in multiple], dtype=np.float64)
    amplitude = 10.0 ** (np.array([level for _, level in multiple]) / 20.0)
    weighted = np.sqrt(0.5 * kind.rotor.rotors * np.sum((amplitude * a_weighting(order * shaft_hz)) ** 2))
    phase = 2.0 * np.pi * rng.random((kind.rotor.rotors, len(order)))
    out = np.zeros(len(t_s))
    for turns, phases in zip(turn.at(t_s), phase, strict=True):
        for m, a, shift in zip(order, amplitude, phases, strict=True):
            out += a / weighted * np.sin(2.0 * np.pi * m * turns + shift)
    return out


def engine_sound(engine: str, t_s: F64, rng: np.random.Generator) -> F64:
    """Return the pressure (n,) of a vehicle's engine and tracks, of 0 dBA: firing lines and low noise."""
    rate_hz, firing_hz = 1.0 / (t_s[1] - t_s[0]), FIRING_HZ[engine]
    tonal = ENGINE_TONAL_SHARE if firing_hz else 0.0
    rumble = noise(rng, 1, len(t_s), rate_hz, lambda f: _band(f, 40.0, 1500.0), 10.0 * np.log10(1.0 - tonal))[0]
    if not tonal:
        return np.asarray(rumble)
    line_hz = firing_hz * np.arange(1, ENGINE_HARMONICS + 1)
    amplitude = 1.0 / np.arange(1, ENGINE_HARMONICS + 1)
    weighted = np.sqrt(0.5 * np.sum((amplitude * a_weighting(line_hz)) ** 2))
    phase = 2.0 * np.pi * rng.random(ENGINE_HARMONICS)
    tones = sum(a * np.sin(2.0 * np.pi * f * t_s + p) for a, f, p in zip(amplitude, line_hz, phase, strict=True))
    return np.asarray(rumble + tones * (float(pascals(0.0)) * np.sqrt(tonal) / weighted))


def _band(frequency_hz: F64, low_hz: float, high_hz: float) -> F64:
    """Return a flat spectrum between two frequencies with skirts of 12 and 24 dB an octave."""
    f = np.maximum(frequency_hz, 1.0)
    return np.asarray(1.0 / np.sqrt((1.0 + (low_hz / f) ** 4) * (1.0 + (f / high_hz) ** 8)))
