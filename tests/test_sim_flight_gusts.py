"""Gusts: spectra and intensities of MIL-F-8785C, and what they do to flights: repeatably, to each its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import signal

from scenarios.catalogue import shipped
from scenarios.flightplan import Target
from scenarios.schema import Environment, Scenario, TerrainPlan
from sim.flight import Trajectory, fly
from sim.flight.gusts import Gusts
from sim.propagation.turbulence import KNOT_MPS, dryden, gust_wind_mps
from sim.terrain import Terrain

W20_MPS, HEIGHT_M, AIRSPEED_MPS, STEP_S = 15.0, 60.0, 25.0, 0.02
SAMPLES, SEGMENT = 2**18, 2**13
FLAT = Terrain(TerrainPlan(relief_m=0.0, woods_fraction=0.0, size_m=8000.0, cell_m=100.0))


def published_spectra(omega: np.ndarray) -> list[np.ndarray]:
    """Return Phi_u, Phi_v, Phi_w [m2/s2 per rad/s] as MIL-F-8785C, 3.7.2.2, has them in terms of spatial frequency."""
    d = dryden(HEIGHT_M, W20_MPS)
    wave = omega / AIRSPEED_MPS
    lu, lv, lw = (length * wave for length in (d.length_u_m, d.length_v_m, d.length_w_m))
    u = d.sigma_u_mps**2 * 2.0 * d.length_u_m / math.pi / (1.0 + lu**2)
    v = d.sigma_v_mps**2 * d.length_v_m / math.pi * (1.0 + 3.0 * lv**2) / (1.0 + lv**2) ** 2
    w = d.sigma_w_mps**2 * d.length_w_m / math.pi * (1.0 + 3.0 * lw**2) / (1.0 + lw**2) ** 2
    return [u / AIRSPEED_MPS, v / AIRSPEED_MPS, w / AIRSPEED_MPS]


def test_the_spectra_are_the_published_ones() -> None:
    """In bands of an octave. 64 half-overlapping segments and at least 8 bins a band: 6 % (1 sigma); 4 sigma."""
    gusts = Gusts(W20_MPS, (0.0, 5.0), STEP_S, np.random.default_rng(1))
    east_north_up = np.array([gusts.step(HEIGHT_M, AIRSPEED_MPS) for _ in range(SAMPLES)])
    hz, power = signal.welch(east_north_up, 1.0 / STEP_S, nperseg=SEGMENT, axis=0)  # one-sided, per Hz
    expected = published_spectra(2.0 * np.pi * hz[1:])
    for measured, phi in zip((power[1:, 1], power[1:, 0], power[1:, 2]), expected, strict=True):  # u is along the wind
        for low in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
            band = (hz[1:] >= low) & (hz[1:] < 2.0 * low)
            assert band.sum() >= 8
            ratio = measured[band].sum() / (2.0 * np.pi * phi[band]).sum()
            assert ratio == pytest.approx(1.0, abs=0.24), low


def test_the_intensity_is_right_from_the_first_step_on_while_height_and_speed_change() -> None:
    """4000 independent gusts: the deviation of a standard deviation is 1.1 %; 5 sigma."""
    rng = np.random.default_rng(2)
    all_gusts = [Gusts(W20_MPS, (3.0, 0.0), 0.1, r) for r in rng.spawn(4000)]
    for k in range(30):
        height_m, airspeed_mps = 10.0 + 6.0 * k, 40.0 - k
        found = np.array([g.step(height_m, airspeed_mps) for g in all_gusts])
        if k in (0, 14, 29):
            d = dryden(height_m, W20_MPS)
            sigma = np.array([d.sigma_u_mps, d.sigma_v_mps, d.sigma_w_mps])  # the wind blows to the east
            assert np.allclose(found.std(axis=0) / sigma, 1.0, atol=0.056)
            assert np.allclose(found.mean(axis=0) / sigma, 0.0, atol=5.0 / math.sqrt(4000))
            assert np.abs(np.corrcoef(found.T)[np.triu_indices(3, 1)]).max() < 5.0 / math.sqrt(4000)


def test_named_intensities_are_those_of_the_standard() -> None:
    """15, 30 and 45 knots at 20 ft; sigma_w is a tenth of it."""
    assert gust_wind_mps(Environment()) == 0.0
    for name, knots in (("light", 15.0), ("moderate", 30.0), ("severe", 45.0)):
        environment = Environment.model_validate({"gusts": name})
        assert gust_wind_mps(environment) == pytest.approx(knots * KNOT_MPS)
    assert dryden(30.0, gust_wind_mps(Environment(gust_sigma_mps=1.2))).sigma_w_mps == pytest.approx(1.2)
    assert gust_wind_mps(Environment(gusts="severe", gust_sigma_mps=0.0)) == 0.0


def flights(kinds: tuple[str, ...], seed: int = 3, **environment: Any) -> list[Trajectory]:
    targets = tuple(
        Target.model_validate(
            {
                "id": f"a_{i}",
                "type": kind,
                "start": {"position_m": [0, 100 * i], "height_m": 60},
                "legs": [
                    {"kind": "hover", "height_m": 60, "duration_s": 200}
                    if kind.endswith("quadcopter")
                    else {"kind": "transit", "to_m": [3000, 0], "height_m": 60, "speed_mps": 18}
                ],
            }
        )
        for i, kind in enumerate(kinds)
    )
    scenario = Scenario(
        name="gusty",
        title="gusty",
        description="gusty",
        duration_s=120.0,
        environment=Environment.model_validate({"wind_mps": 4.0, **environment}),
        targets=targets,
    )
    return list(fly(scenario, shipped(), FLAT, lambda name, t_s: (0.0,) * 5, np.random.default_rng(seed)))


def wander_m(flight: Trajectory) -> float:
    t = np.arange(20.0, 119.0, 0.1)
    return float(np.sqrt(np.mean(np.sum((flight.track(t)[0] - flight.track(t)[0].mean(axis=0)) ** 2, axis=1))))


def test_stronger_gusts_shake_a_hovering_quadcopter_more() -> None:
    spread = [
        wander_m(flights(("mini_quadcopter",), gusts=name)[0]) for name in ("none", "light", "moderate", "severe")
    ]
    assert spread == sorted(spread)
    assert spread[0] < 1.0
    assert 1.0 < spread[2] < 8.0
    assert spread[3] > 2.0 * spread[0]


def test_gusts_are_repeatable_and_to_each_its_own() -> None:
    kinds = ("mini_quadcopter", "civil_quadcopter", "bird_flapping")
    one, again = flights(kinds, gusts="moderate"), flights(kinds, gusts="moderate")
    fewer, other = flights(kinds[:2], gusts="moderate"), flights(kinds, seed=4, gusts="moderate")
    for k, flight in enumerate(one):
        assert np.array_equal(flight.position_m, again[k].position_m)
        assert not np.array_equal(flight.position_m, other[k].position_m)
    for k in range(2):
        assert np.array_equal(one[k].position_m, fewer[k].position_m)


def test_without_gusts_nothing_changes_and_with_them_the_pilot_draws_the_same() -> None:
    """A gust of almost nothing leaves a flight almost as it was: its random numbers are nobody else's."""
    kinds = ("fpv_fhss", "bird_flapping")
    calm, said, faint = flights(kinds), flights(kinds, gusts="none"), flights(kinds, gust_sigma_mps=1e-9)
    for k in range(2):
        assert np.array_equal(calm[k].position_m, said[k].position_m)
        assert not np.array_equal(calm[k].position_m, faint[k].position_m)
        assert np.abs(calm[k].position_m - faint[k].position_m).max() < 1e-3


def test_an_attack_in_gusts_still_hits() -> None:
    legs = [{"kind": "terminal", "platform": "tank_1"}]
    target = {"id": "a", "type": "fpv_fibre", "start": {"position_m": [0, 900], "height_m": 60}, "legs": legs}
    for seed in range(5):
        scenario = Scenario(
            name="gusty",
            title="gusty",
            description="gusty",
            duration_s=90.0,
            environment=Environment(gusts="moderate"),
            targets=(Target.model_validate(target),),
        )
        (flight,) = fly(
            scenario, shipped(), FLAT, lambda name, t: (0.0, 0.0, 1.8, 0.0, 0.0), np.random.default_rng(seed)
        )
        assert flight.end_s < 90.0
        assert np.linalg.norm(flight.at(flight.end_s)[0] - np.array([0.0, 0.0, 1.8])) < 4.0
