"""Camera propagation against published numbers and the field anchors."""

from __future__ import annotations

import numpy as np
import pytest

from sim.propagation import optics

RANGES_M = np.array([100.0, 300.0, 500.0, 1000.0, 2000.0, 3000.0])


@pytest.mark.parametrize(
    ("hfov_deg", "columns", "expected"),
    [
        (60.0, 3840, [11, 3.7, 2.2, 1.1, 0.55, 0.37]),
        (10.0, 1920, [33, 11, 6.6, 3.3, 1.7, 1.1]),
        (2.3, 1920, [143, 48, 29, 14, 7.2, 4.8]),
        (24.0, 640, [4.6, 1.5, 0.9, 0.5, 0.2, 0.15]),
    ],
)
def test_pixels_on_a_small_drone(hfov_deg, columns, expected):
    # physics page, section 2.3, 0.3 m, computed with HFOV / Nx; the tangent at the image centre is up to 10 % coarser
    ifov = optics.ifov_rad(np.radians(hfov_deg), columns)
    got = optics.pixels_on_target(0.3, RANGES_M, ifov)
    flat = 0.3 / (RANGES_M * np.radians(hfov_deg) / columns)
    assert np.max(np.abs(flat / np.array(expected) - 1.0)) <= 0.15  # printed with one or two digits
    assert np.all(got <= flat)
    assert np.all(got >= 0.90 * flat)


def test_visibility_is_koschmieders():
    got = optics.contrast_transmission(np.array([500.0, 1000.0, 2000.0]), 2000.0)
    assert np.max(np.abs(got - [0.376, 0.141, 0.020])) <= 0.001
    got = optics.contrast_transmission(np.array([500.0, 1000.0, 2000.0]), 10_000.0)
    assert np.max(np.abs(got - [0.822, 0.676, 0.457])) <= 0.001
    assert abs(optics.extinction_per_m(0.55e-6, 10_000.0) - 3.912e-4) <= 1e-9
    assert optics.extinction_per_m(10e-6, 15_000.0) < 0.05 * optics.extinction_per_m(0.55e-6, 15_000.0)
    assert optics.extinction_per_m(10e-6, 300.0) == optics.extinction_per_m(0.55e-6, 300.0)  # fog blinds both


def test_ttpf_table():
    # physics page, section 2.2: seven points to 0.03
    got = optics.ttpf(np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]))
    assert np.max(np.abs(got - [0.02, 0.10, 0.30, 0.50, 0.80, 0.95, 1.0])) <= 0.03
    assert optics.JOHNSON_CYCLES == {"detection": 1.0, "orientation": 1.4, "recognition": 4.0, "identification": 6.4}


def test_small_targets_in_day_clutter_are_not_found():
    # nightjar field rig: 0.0-0.5 % at about 2.9 px; gate: at most 2 %
    assert float(optics.pixel_probability(2.9, 6.0)) <= 0.02
    assert float(optics.pixel_probability(2.9, 8.0)) <= 0.005
    assert abs(float(optics.pixel_probability(8.0, 8.0)) - 0.5) <= 1e-12
    assert float(optics.pixel_probability(0.0, 3.0)) <= 1e-30


def test_pinhole_there_and_back():
    rng = np.random.default_rng(2)
    pixels = rng.uniform([0.0, 0.0], [1920.0, 1080.0], (500, 2))
    direction = optics.pinhole_direction(pixels, 1500.0, (960.0, 540.0))
    assert np.max(np.abs(np.linalg.norm(direction, axis=1) - 1.0)) <= 1e-12
    back = optics.pinhole_pixels(direction * 123.0, 1500.0, (960.0, 540.0))
    assert np.max(np.abs(back - pixels)) <= 1e-9
    assert np.isnan(optics.pinhole_pixels(np.array([-1.0, 0.0, 0.0]), 1500.0, (960.0, 540.0))).all()


def test_thermal_contrast():
    # a target that fills one pixel in clear air: dT / NETD; a quarter of a pixel: a quarter of it
    assert abs(float(optics.thermal_snr(5.0, 4.0, 0.0, 0.05, 0.0)) - 100.0) <= 1e-9
    assert abs(float(optics.thermal_snr(5.0, 0.25, 0.0, 0.05, 0.0)) - 25.0) <= 1e-9
    assert abs(float(optics.thermal_snr(5.0, 4.0, 1000.0, 0.05, 0.3e-3)) - 100.0 * np.exp(-0.3)) <= 1e-9
    assert abs(float(optics.thermal_probability(5.5, 5.5)) - 0.5) <= 1e-12
