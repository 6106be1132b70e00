"""From truth to detections: geometry, field of view, noise, misses and clutter of one look.

A look is (n, 4): range [m], azimuth [rad], elevation [rad], range rate [m/s, positive when receding, over ground].
What a sensor does not measure becomes NaN in the end. Azimuth and elevation are in ENU, or in the sensor's
axes where ``enu_from_sensor`` is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from messages.detections import empty_rows
from messages.frames import F64, azimuth_elevation_range, body_azimuth_elevation_range, inside_sector, wrap_2pi, wrap_pi
from messages.types import FieldOfView, SensorDescription

COORDINATES = ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
RANGE, AZIMUTH, ELEVATION, RANGE_RATE = range(4)


def look_at(position_m: F64, velocity_mps: F64, origin_m: F64, enu_from_sensor: F64 | None = None) -> F64:
    """Return the true (n, 4) look at targets (n, 3); the velocity is over ground, so the range rate is too."""
    offset = position_m - origin_m
    if enu_from_sensor is None:
        azimuth, elevation, range_m = azimuth_elevation_range(offset)
    else:
        azimuth, elevation, range_m = body_azimuth_elevation_range(offset @ enu_from_sensor)
    rate = np.sum(offset * velocity_mps, axis=-1) / range_m
    return np.stack([range_m, azimuth, elevation, rate], axis=-1)


def in_view(look: F64, view: FieldOfView, notch_mps: float = 0.0) -> NDArray[np.bool_]:
    """Say which targets of a look (n, 4) lie in the field of view and outside the Doppler notch."""
    seen = np.abs(look[:, RANGE_RATE]) >= notch_mps
    for i, name in enumerate(COORDINATES):
        interval = getattr(view, name)
        if interval is None:
            continue
        if i == AZIMUTH:
            seen &= inside_sector(look[:, i], *interval)
        else:
            seen &= (look[:, i] >= interval[0]) & (look[:, i] <= interval[1])
    return seen


def detected(sensor: SensorDescription, look: F64, rng: np.random.Generator) -> F64:
    """Return the noisy looks (d, 4) of the targets that are in view and not missed."""
    hit = in_view(look, sensor.field_of_view, sensor.doppler_notch_mps)
    hit &= rng.random(len(look)) < sensor.detection_probability
    sigma = np.array([getattr(sensor.sigma, name) or 0.0 for name in COORDINATES])
    return look[hit] + sigma * rng.standard_normal((int(hit.sum()), 4))


def uniform_clutter(sensor: SensorDescription, mean: float, rng: np.random.Generator) -> F64:
    """Return a Poisson number of false looks (c, 4), uniform in the measured coordinates over the field of view."""
    out = np.zeros((int(rng.poisson(mean)), 4))
    for i, name in enumerate(COORDINATES):
        low, high = getattr(sensor.field_of_view, name) or (0.0, 0.0)
        out[:, i] = rng.uniform(low, high, len(out))
    return out


def rows_of(sensor: SensorDescription, looks: F64, rng: np.random.Generator) -> F64:
    """Return the detection block of looks (n, 4) in random order: nothing tells a target from clutter."""
    rows = empty_rows(len(looks))
    rows[:, :4] = looks[rng.permutation(len(looks))]
    wrap = wrap_2pi if sensor.angles == "enu" else wrap_pi
    rows[:, AZIMUTH] = wrap(rows[:, AZIMUTH])
    for i, name in enumerate(COORDINATES):
        if getattr(sensor.sigma, name) is None:
            rows[:, i] = np.nan
    return rows
