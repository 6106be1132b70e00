"""Dryden gusts against the formulas' published values."""

from __future__ import annotations

import pytest

from sim.propagation.turbulence import FOOT_M, dryden


@pytest.mark.parametrize(
    ("height_ft", "length_ft", "ratio"), [(20.0, 144.0, 1.93), (100.0, 505.0, 1.716), (1000.0, 1000.0, 1.0)]
)
def test_lengths_and_intensities_are_the_published_ones(height_ft: float, length_ft: float, ratio: float) -> None:
    gust = dryden(height_ft * FOOT_M, 15.0)
    assert gust.length_u_m / FOOT_M == pytest.approx(length_ft, rel=0.01)
    assert gust.length_w_m / FOOT_M == pytest.approx(height_ft)
    assert gust.sigma_u_mps / gust.sigma_w_mps == pytest.approx(ratio, rel=0.01)
    assert gust.sigma_w_mps == pytest.approx(1.5)


def test_heights_beyond_the_model_take_its_ends() -> None:
    assert dryden(0.0, 10.0) == dryden(10.0 * FOOT_M, 10.0)
    assert dryden(900.0, 10.0) == dryden(1000.0 * FOOT_M, 10.0)
