"""Wind gusts at low altitude: the Dryden model's lengths and intensities (MIL-F-8785C, section 3.7.3.4)."""

from __future__ import annotations

from typing import NamedTuple

from scenarios.schema import Environment

FOOT_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
WIND_20FT_KT = {"none": 0.0, "light": 15.0, "moderate": 30.0, "severe": 45.0}  # MIL-F-8785C, section 3.7.3.4
LOWEST_FT, HIGHEST_FT = 10.0, 1000.0
VERTICAL_SHARE = 0.1  # sigma_w of the wind at 20 ft


class Dryden(NamedTuple):
    """Scale lengths [m] and intensities [m/s] along the wind (u), across it (v) and up (w)."""

    length_u_m: float
    length_v_m: float
    length_w_m: float
    sigma_u_mps: float
    sigma_v_mps: float
    sigma_w_mps: float


def dryden(height_m: float, wind_20ft_mps: float) -> Dryden:
    """Return the gusts at a height of 3 to 305 m (clipped), from the mean wind at 20 ft (6 m).

    ``Lw = h``, ``Lu = Lv = h / (0.177 + 0.000823 h)^1.2``, ``sigma_w = 0.1 W20``,
    ``sigma_u = sigma_v = sigma_w / (0.177 + 0.000823 h)^0.4``, h in feet.
    """
    h = min(max(height_m / FOOT_M, LOWEST_FT), HIGHEST_FT)
    shape = 0.177 + 0.000823 * h
    length, sigma = h / shape**1.2 * FOOT_M, VERTICAL_SHARE * wind_20ft_mps
    across = sigma / shape**0.4
    return Dryden(length, length, h * FOOT_M, across, across, sigma)


def gust_wind_mps(environment: Environment) -> float:
    """Return the wind at 20 ft that stands for a scenario's gusts; 0 where it has none."""
    if environment.gust_sigma_mps is not None:
        return environment.gust_sigma_mps / VERTICAL_SHARE
    return WIND_20FT_KT[environment.gusts] * KNOT_MPS
