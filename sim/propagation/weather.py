"""What rain and clear air take from a microwave path: ITU-R P.838-3 and a short table for gases."""

from __future__ import annotations

import numpy as np

from messages.frames import F64

# ITU-R P.838-3, tables 1-4: rows a, b, c of the Gaussian terms, then slope m and offset c.
_K_H = (
    np.array([-5.33980, -0.35351, -0.23789, -0.94158]),
    np.array([-0.10008, 1.26970, 0.86036, 0.64552]),
    np.array([1.13098, 0.45400, 0.15354, 0.16817]),
    (-0.18961, 0.71147),
)
_K_V = (
    np.array([-3.80595, -3.44965, -0.39902, 0.50167]),
    np.array([0.56934, -0.22911, 0.73042, 1.07319]),
    np.array([0.81061, 0.51059, 0.11899, 0.27195]),
    (-0.16398, 0.63297),
)
_ALPHA_H = (
    np.array([-0.14318, 0.29591, 0.32177, -5.37610, 16.1721]),
    np.array([1.82442, 0.77564, 0.63773, -0.96230, -3.29980]),
    np.array([-0.55187, 0.19822, 0.13164, 1.47828, 3.43990]),
    (0.67849, -1.95537),
)
_ALPHA_V = (
    np.array([-0.07771, 0.56727, -0.20238, -48.2991, 48.5833]),
    np.array([2.33840, 0.95545, 1.14520, 0.791669, 0.791459]),
    np.array([-0.76284, 0.54039, 0.26809, 0.116226, 0.116479]),
    (-0.053739, 0.83433),
)
_Coefficients = tuple[F64, F64, F64, tuple[float, float]]

# Clear air at sea level, 7.5 g/m3 of water vapour: 9.5, 24 and 60 GHz from the project's physics page
# (recomputed from ITU-R P.676), the others textbook values between them. [GHz], [dB/km]
_GAS_GHZ = np.array([1.0, 3.0, 9.5, 16.0, 24.0, 35.0, 60.0, 94.0])
_GAS_DB_PER_KM = np.array([0.0055, 0.0075, 0.013, 0.036, 0.17, 0.10, 14.8, 0.40])


def _regression(frequency_ghz: float, coefficients: _Coefficients) -> float:
    a, b, c, (slope, offset) = coefficients
    x = np.log10(frequency_ghz)
    return float(np.sum(a * np.exp(-(((x - b) / c) ** 2))) + slope * x + offset)


def rain_coefficients(frequency_hz: float, elevation_rad: float, tilt_rad: float) -> tuple[float, float]:
    """Return k and alpha of ``gamma_R = k R^alpha`` [dB/km, R in mm/h] for a path elevation and polarisation tilt.

    Tilt 0 is horizontal, pi/2 vertical, pi/4 circular polarisation (ITU-R P.838-3, equations 2-5).
    """
    ghz = frequency_hz / 1e9
    k_h, k_v = 10.0 ** _regression(ghz, _K_H), 10.0 ** _regression(ghz, _K_V)
    alpha_h, alpha_v = _regression(ghz, _ALPHA_H), _regression(ghz, _ALPHA_V)
    mix = float(np.cos(elevation_rad) ** 2 * np.cos(2.0 * tilt_rad))
    k = (k_h + k_v + (k_h - k_v) * mix) / 2.0
    alpha = (k_h * alpha_h + k_v * alpha_v + (k_h * alpha_h - k_v * alpha_v) * mix) / (2.0 * k)
    return k, alpha


def rain_attenuation_db_per_km(
    rain_mmph: float, frequency_hz: float, elevation_rad: float = 0.0, tilt_rad: float = np.pi / 2.0
) -> float:
    """Return the one-way specific attenuation by rain; vertical polarisation along the horizon by default."""
    if rain_mmph <= 0.0:
        return 0.0
    k, alpha = rain_coefficients(frequency_hz, elevation_rad, tilt_rad)
    return float(k * rain_mmph**alpha)


def gas_attenuation_db_per_km(frequency_hz: float) -> float:
    """Return the one-way specific attenuation of clear air, interpolated in the logarithms of the table."""
    ghz = np.log(frequency_hz / 1e9)
    return float(np.exp(np.interp(ghz, np.log(_GAS_GHZ), np.log(_GAS_DB_PER_KM))))
