"""Radio propagation against published link budgets and record flights."""

from __future__ import annotations

import numpy as np
import pytest

from sim.propagation import radio


def test_free_space_loss():
    # physics page, section 4.2: 2.44 GHz at 1, 2, 5, 10 km; 5.8 GHz 7.5 dB more; 915 MHz 8.5 dB less
    got = radio.free_space_loss_db(np.array([1e3, 2e3, 5e3, 10e3]), 2.44e9)
    assert np.max(np.abs(got - [100.2, 106.2, 114.2, 120.2])) <= 0.06
    assert abs(float(radio.free_space_loss_db(1e3, 5.8e9)) - 107.7) <= 0.06
    assert abs(float(radio.free_space_loss_db(1e3, 915e6)) - 91.7) <= 0.06


@pytest.mark.parametrize(
    ("range_km", "power_mw", "sensitivity_dbm", "margin_db"),
    [(35.0, 100, -108, -3.1), (40.6, 25, -115, -3.4), (43.7, 250, -112, 3.0), (101.3, 2000, -115, 7.7)],
)
def test_record_flights_close(range_km, power_mw, sensitivity_dbm, margin_db):
    # ExpressLRS long-range.md, 2.4 GHz, 0 dBi in all; the Friis margin of a link that was flown: -5 .. +10 dB
    received = 10.0 * np.log10(power_mw) - radio.free_space_loss_db(range_km * 1000.0, 2.44e9)
    margin = float(received) - sensitivity_dbm
    assert -5.0 <= margin <= 10.0
    assert abs(margin - margin_db) <= 0.1


def test_noise_floors():
    # physics page: NF 6, 1 MHz, 812 kHz, 20 MHz
    got = [radio.noise_floor_dbm(b, 6.0) for b in (1e6, 812e3, 20e6)]
    assert np.max(np.abs(np.array(got) - [-108.0, -108.9, -95.0])) <= 0.06


def test_hop_interception():
    # 20 MHz receiver on the 80 MHz hop set: after 5, 10, 15 and 31 hops
    got = [radio.hop_intercept_probability(20e6, 80e6, n) for n in (5, 10, 15, 31)]
    assert np.max(np.abs(np.array(got) - [0.76, 0.94, 0.99, 0.9999])) <= 0.005
    assert radio.hop_intercept_probability(80e6, 80e6, 1) == 1.0
    assert radio.hop_intercept_probability(20e6, 80e6, 0.0) == 0.0


def test_plane_earth_beyond_the_breakpoint():
    # 3 m and 2 m at 5.8 GHz: breakpoint 4 pi h1 h2 / lambda = 1.46 km; 40 dB a decade beyond it, 20 before
    r = np.array([100.0, 1000.0, 10_000.0, 100_000.0])
    loss = radio.path_loss_db(r, 5.8e9, 3.0, 2.0)
    assert abs(float(loss[1] - loss[0]) - 20.0) <= 1e-9
    assert abs(float(loss[3] - loss[2]) - 40.0) <= 1e-9
    assert np.all(loss >= radio.free_space_loss_db(r, 5.8e9))


def test_bearing_accuracy_is_the_bound_and_its_floor():
    strong = float(radio.bearing_sigma_rad(60.0, 2.44e9, 0.4, 100, np.radians(2.5)))
    assert abs(np.degrees(strong) - 2.5) <= 1e-3
    weak = float(radio.bearing_sigma_rad(0.0, 2.44e9, 0.4, 1, 0.0))
    assert abs(weak - 299_792_458.0 / 2.44e9 / (2.0 * np.pi * 0.4 * np.sqrt(2.0))) <= 1e-12


def test_hop_sets_have_their_published_channels():
    # ExpressLRS FHSS.cpp: 80 channels at 2400.4-2479.4 MHz, 40 at 903.5-926.9, 13 at 863.275-869.575
    assert {name: hops.channels for name, hops in radio.HOP_SETS.items()} == {"2.4": 80, "FCC915": 40, "EU868": 13}
    assert abs(radio.HOP_SETS["2.4"].centre_hz - 2439.9e6) <= 1.0
