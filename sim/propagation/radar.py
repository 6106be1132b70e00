"""The radar equation, accuracies from SNR, Doppler, surface clutter, multipath and the horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from messages.frames import F64

SPEED_OF_LIGHT_MPS = 299_792_458.0
BOLTZMANN_JPK = 1.380649e-23
REFERENCE_TEMPERATURE_K = 290.0
MONOPULSE_SLOPE = 1.6  # km of Barton and Skolnik: sigma = beamwidth / (km sqrt(2 SNR)); textbook value
EFFECTIVE_EARTH_RADIUS_M = 4.0 / 3.0 * 6_371_000.0

GAMMA_10GHZ_DB: dict[str, float] = {
    "flatland": -20.0,
    "farmland": -15.0,
    "woods": -15.0,
    "wooded_hill": -10.0,
    "rugged_mountain": 0.0,
    "metropolitan": 0.0,
    "sea_state_3": -40.0,
    "sea_state_5": -30.0,
}
"""Constant-gamma surface reflectivity at 10 GHz; Long 2001, Nathanson 1999."""


def wavelength_m(frequency_hz: float) -> float:
    """Return the free-space wavelength."""
    return SPEED_OF_LIGHT_MPS / frequency_hz


def snr(
    range_m: ArrayLike,
    rcs_m2: ArrayLike,
    *,
    average_power_w: float,
    dwell_s: float,
    gain_db: float,
    frequency_hz: float,
    noise_figure_db: float,
    losses_db: float,
    attenuation_db_per_km: float = 0.0,
) -> F64:
    """Return the linear SNR after coherent integration over one dwell; arrays broadcast.

    ``SNR = P T G^2 lambda^2 sigma 10^(-2 gamma R/10) / ((4 pi)^3 R^4 k T0 NF L)``: the same gain both
    ways, attenuation two-way over the path. Average power times dwell is the energy on the target.
    """
    r = np.asarray(range_m, dtype=np.float64)
    sigma = np.asarray(rcs_m2, dtype=np.float64)
    constant_db = 20.0 * np.log10(wavelength_m(frequency_hz)) + 2.0 * gain_db - noise_figure_db - losses_db
    energy_ratio = average_power_w * dwell_s / ((4.0 * np.pi) ** 3 * BOLTZMANN_JPK * REFERENCE_TEMPERATURE_K)
    constant = energy_ratio * 10.0 ** (constant_db / 10.0)
    two_way_db = 2.0 * attenuation_db_per_km * r / 1000.0
    return np.asarray(constant * sigma * 10.0 ** (-two_way_db / 10.0) / r**4)


def range_resolution_m(bandwidth_hz: float) -> float:
    """Return ``c / 2B``."""
    return SPEED_OF_LIGHT_MPS / (2.0 * bandwidth_hz)


def velocity_resolution_mps(frequency_hz: float, dwell_s: float) -> float:
    """Return ``lambda / 2T``: the width of one Doppler cell of a coherent dwell."""
    return wavelength_m(frequency_hz) / (2.0 * dwell_s)


def resolution_sigma(resolution: float, snr_linear: ArrayLike, floor: float = 0.0) -> F64:
    """Return ``resolution / sqrt(2 SNR)`` with a floor in quadrature: range and radial speed alike."""
    s = np.asarray(snr_linear, dtype=np.float64)
    return np.asarray(np.sqrt(resolution**2 / (2.0 * s) + floor**2))


def angle_sigma_rad(beamwidth_rad: float, snr_linear: ArrayLike, floor_rad: float = 0.0) -> F64:
    """Return the monopulse accuracy ``beamwidth / (1.6 sqrt(2 SNR))`` with a floor in quadrature."""
    return resolution_sigma(beamwidth_rad / MONOPULSE_SLOPE, snr_linear, floor_rad)


def blind_speed_mps(frequency_hz: float, pulse_rate_hz: float, order: int = 1) -> float:
    """Return the n-th radial speed that aliases onto standing clutter: ``n lambda PRF / 2``."""
    return order * wavelength_m(frequency_hz) * pulse_rate_hz / 2.0


def unambiguous_range_m(pulse_rate_hz: float) -> float:
    """Return ``c / 2 PRF``."""
    return SPEED_OF_LIGHT_MPS / (2.0 * pulse_rate_hz)


def range_rate_mps(offset_m: ArrayLike, velocity_mps: ArrayLike) -> F64:
    """Return the speed at which offsets (..., 3) grow, positive receding; pass the target's velocity over ground
    for a range rate with own motion removed, the relative velocity for the raw one."""
    d = np.asarray(offset_m, dtype=np.float64)
    v = np.asarray(velocity_mps, dtype=np.float64)
    return np.asarray(np.sum(d * v, axis=-1) / np.sqrt(np.sum(d * d, axis=-1)))


def gamma_db(surface: str, frequency_hz: float) -> float:
    """Return the surface's constant gamma at a frequency: ``gamma(10 GHz) + 5 lg(f / 10 GHz)``."""
    return GAMMA_10GHZ_DB[surface] + 5.0 * float(np.log10(frequency_hz / 10e9))


def surface_clutter_rcs_m2(
    range_m: ArrayLike,
    antenna_height_m: float,
    gamma: float,
    azimuth_beamwidth_rad: float,
    range_resolution: float,
) -> F64:
    """Return the RCS of the ground in one resolution cell: ``gamma sin(psi) R theta dR / cos(psi)``.

    ``psi`` is the grazing angle of an antenna ``antenna_height_m`` over flat ground; ``gamma`` linear.
    """
    r = np.asarray(range_m, dtype=np.float64)
    grazing = np.arcsin(np.clip(antenna_height_m / r, 0.0, 1.0))
    return np.asarray(gamma * np.tan(grazing) * r * azimuth_beamwidth_rad * range_resolution)


def lobing_factor(range_m: ArrayLike, radar_height_m: float, target_height_m: ArrayLike, frequency_hz: float) -> F64:
    """Return the one-way factor ``F = 2 |sin(2 pi h_r h_t / (lambda R))|`` over flat, smooth ground."""
    phase = (
        2.0 * np.pi * radar_height_m * np.asarray(target_height_m) / (wavelength_m(frequency_hz) * np.asarray(range_m))
    )
    return np.asarray(2.0 * np.abs(np.sin(phase)))


def horizon_m(radar_height_m: float, target_height_m: float) -> float:
    """Return the radio horizon over a 4/3 earth, ``sqrt(2 R h)`` for each end."""
    return float(np.sqrt(2.0 * EFFECTIVE_EARTH_RADIUS_M) * (np.sqrt(radar_height_m) + np.sqrt(target_height_m)))
