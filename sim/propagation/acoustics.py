"""Sound: absorption by air (ISO 9613-1), levels, the noise on the microphones, and bearings from arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from messages.frames import F64

REFERENCE_PRESSURE_KPA = 101.325
REFERENCE_TEMPERATURE_K = 293.15
TRIPLE_POINT_K = 273.16
SPHERE_DB = 11.0  # 10 lg(4 pi): sound power level to pressure level at 1 m, free field
ROTOR_MEAN_DB = 5.22  # 10 lg of the mean of 10^(sin 2x) below and 1 above the rotor plane, over the sphere
EMISSION_TOLERANCE_S = 1e-7  # 5 um at 50 m/s
EMISSION_ITERATIONS = 12  # Newton needs 2 or 3 on a smooth path; corners of a path may cost a few more


def speed_of_sound_mps(temperature_c: float) -> float:
    """Return ``331.3 sqrt(1 + T / 273.15)``."""
    return float(331.3 * np.sqrt(1.0 + temperature_c / 273.15))


def absorption_db_per_m(
    frequency_hz: ArrayLike,
    temperature_c: float = 15.0,
    relative_humidity_pct: float = 70.0,
    pressure_kpa: float = REFERENCE_PRESSURE_KPA,
) -> F64:
    """Return the attenuation by air of pure tones; any shape. ISO 9613-1:1993, eq. 3-5, B.2, B.3."""
    f = np.asarray(frequency_hz, dtype=np.float64)
    t = temperature_c + 273.15
    ratio, p = t / REFERENCE_TEMPERATURE_K, pressure_kpa / REFERENCE_PRESSURE_KPA
    saturation = 10.0 ** (-6.8346 * (TRIPLE_POINT_K / t) ** 1.261 + 4.6151)
    h = relative_humidity_pct * saturation / p
    oxygen = p * (24.0 + 4.04e4 * h * (0.02 + h) / (0.391 + h))
    nitrogen = p * ratio**-0.5 * (9.0 + 280.0 * h * np.exp(-4.17 * (ratio ** (-1.0 / 3.0) - 1.0)))
    relaxation = 0.01275 * np.exp(-2239.1 / t) / (oxygen + f**2 / oxygen)
    relaxation = relaxation + 0.1068 * np.exp(-3352.0 / t) / (nitrogen + f**2 / nitrogen)
    return np.asarray(8.686 * f**2 * (1.84e-11 / p * np.sqrt(ratio) + ratio**-2.5 * relaxation))


def received_level_db(level_at_1m_db: ArrayLike, range_m: ArrayLike, absorption: ArrayLike) -> F64:
    """Return the level at a range: spherical spreading from 1 m, absorption [dB/m] along the path."""
    r = np.maximum(np.asarray(range_m, dtype=np.float64), 1.0)
    return np.asarray(np.asarray(level_at_1m_db) - 20.0 * np.log10(r) - np.asarray(absorption) * r)


def sound_power_limit_dba(eu_class: str, mass_kg: float, years: int = 0) -> float:
    """Return the most A-weighted sound power [dB] that an EU drone class allows, ``years`` after its introduction.

    C1 (up to 0.9 kg): 85, after two years 83, after four 81. C2 (0.9 to 4 kg): the same plus ``18.5 lg(m / 900 g)``.
    Delegated Regulation (EU) 2019/945, annex part 15.
    """
    step = 85.0 if years < 2 else 83.0 if years < 4 else 81.0
    if eu_class == "C1" and 0.0 < mass_kg <= 0.9:
        return step
    if eu_class == "C2" and 0.9 <= mass_kg <= 4.0:
        return step + 18.5 * float(np.log10(mass_kg / 0.9))
    raise ValueError(f"class {eu_class}, mass {mass_kg:g} kg: the limits are for C1 up to 0.9 kg and C2 up to 4 kg")


def rotor_directivity_db(elevation_below_rad: ArrayLike) -> F64:
    """Return the gain of a multirotor's sound over its mean on the sphere.

    +10 dB at 45 degrees below the rotor plane, flat in and above it (Kloet 2017, 2.1 kg multirotor):
    ``10 sin(2 x)`` through the published points. Straight below is not published and takes the
    in-plane level. The mean of that over the sphere is taken off.
    """
    below = np.clip(np.asarray(elevation_below_rad, dtype=np.float64), 0.0, np.pi / 2.0)
    return np.asarray(10.0 * np.sin(2.0 * below) - ROTOR_MEAN_DB)


def level_sum_db(levels_db: ArrayLike) -> float:
    """Return the energy sum of uncorrelated levels."""
    return float(10.0 * np.log10(np.sum(10.0 ** (np.asarray(levels_db, dtype=np.float64) / 10.0))))


def array_snr_db(level_db: ArrayLike, noise_db: float, microphones: int) -> F64:
    """Return the SNR after summing ``microphones`` with uncorrelated noise: ``L - N + 10 lg M``."""
    return np.asarray(np.asarray(level_db, dtype=np.float64) - noise_db + 10.0 * np.log10(microphones))


def detection_probability(snr_db: ArrayLike, threshold_db: float, width_db: float = 1.5) -> F64:
    """Return Pd, logistic in SNR: 50 % at the threshold, 78 % two dB above it (estimate for the width)."""
    return np.asarray(1.0 / (1.0 + np.exp(-(np.asarray(snr_db, dtype=np.float64) - threshold_db) / width_db)))


def bearing_sigma_rad(
    snr_db: ArrayLike, frequency_hz: ArrayLike, array_rms_m: float, speed_mps: float, snapshots: int, floor_rad: float
) -> F64:
    """Return the accuracy of an array's bearing: ``c / (2 pi f d_rms) / sqrt(2 SNR K)`` with a floor in quadrature.

    ``snr_db`` is that of the whole array (the M of the bound is inside it), ``array_rms_m`` the rms
    distance of the microphones from their centre. The floor stands for turbulence and reflections.
    """
    snr = 10.0 ** (np.asarray(snr_db, dtype=np.float64) / 10.0)
    bound = speed_mps / (2.0 * np.pi * np.asarray(frequency_hz) * array_rms_m) / np.sqrt(2.0 * snr * snapshots)
    return np.asarray(np.sqrt(bound**2 + floor_rad**2))


def emission_time_s(
    motion_at: Callable[[float], tuple[F64, F64]], receiver_m: ArrayLike, arrival_s: float, speed_mps: float
) -> float:
    """Return when the sound that arrives at ``arrival_s`` left its source: ``|p(t_e) - s| = c (t_a - t_e)``.

    ``motion_at(t)`` returns the source's position (3,) and velocity (3,). A subsonic source has
    exactly one solution; Newton's method on ``R(t) - c (t_a - t)``, whose slope is at least c - v.
    """
    receiver = np.asarray(receiver_m, dtype=np.float64)
    emission = arrival_s
    for _ in range(EMISSION_ITERATIONS):
        position, velocity = motion_at(emission)
        d = position - receiver
        distance = float(np.sqrt(d @ d))
        excess = distance - speed_mps * (arrival_s - emission)
        step = excess / (speed_mps + float(d @ velocity) / max(distance, 1e-9))
        emission -= step
        if abs(step) < EMISSION_TOLERANCE_S:
            break
    return emission


def lag_angle_rad(crossing_speed_mps: float, speed_of_sound: float) -> float:
    """Return by how much a crossing target's sound trails it: ``atan(v / c)``, whatever the range."""
    return float(np.arctan2(crossing_speed_mps, speed_of_sound))


def doppler_factor(closing_speed_mps: float, speed_of_sound: float) -> float:
    """Return ``f' / f = 1 / (1 - v / c)`` of a moving source and a receiver at rest."""
    return 1.0 / (1.0 - closing_speed_mps / speed_of_sound)


def blade_passing_hz(blades: int, rpm: float) -> float:
    """Return the fundamental of a rotor: blades times revolutions a second."""
    return blades * rpm / 60.0
