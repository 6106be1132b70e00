"""What the retarded time is worth: a filter that takes sound for instantaneous trails a crossing drone."""

import numpy as np
import pytest
from matched_scene import SOUND_MPS, Bank, Instrument

from fusion.kernels.measurement import AZIMUTH, ELEVATION, G_SPEED

pytestmark = pytest.mark.jit  # 14,000 updates: a quarter of a minute without compiled code

SPEED_MPS, ABEAM_M, HEIGHT_M, STEP_S, RUNS = 50.0, 300.0, 40.0, 0.1, 200
SIGMA_RAD = 0.03
ARRAY = Instrument((AZIMUTH, ELEVATION), (SIGMA_RAD, SIGMA_RAD), (0.0, 0.0, 2.0), hears=True)
BEGIN_M, JUDGED_M = -250.0, 100.0  # along its way: where it is first heard; judged as far on either side of abeam


def bearing_errors_deg(believed_mps: float) -> np.ndarray:
    """Return filtered minus true bearing of where the drone is now, for each look (L,) near abeam, mean over the runs.

    It flies east, ``ABEAM_M`` north of the array. Each filter starts from what a radar may have said.
    """
    rng, x0 = np.random.default_rng(17), np.array([BEGIN_M, ABEAM_M, HEIGHT_M, SPEED_MPS, 0.0, 0.0])
    start_sigma = np.array([20.0, 10.0, 10.0, 3.0, 3.0, 1.0])
    bank = Bank(
        (x0 + rng.normal(size=(RUNS, 6)) * start_sigma)[:, None], np.tile(np.diag(start_sigma**2), (RUNS, 1, 1, 1))
    )
    v, errors = np.tile(x0[3:], (RUNS, 1)), []
    var = np.full((RUNS, 2), SIGMA_RAD**2)
    geometry = ARRAY.geometry(0.0)
    geometry[G_SPEED] = believed_mps
    for k in range(round((JUDGED_M - BEGIN_M) / SPEED_MPS / STEP_S)):
        p = x0[:3] + v * (k + 1) * STEP_S
        bank.predict(1.0, STEP_S)
        bank.look(ARRAY.used, geometry)
        assert bank.correct(ARRAY.measure(p, v, 0.0, rng), var) == 0
        if p[0, 0] >= -JUDGED_M:
            x = bank.x[:, 0]
            errors.append(np.mean(np.arctan2(x[:, 0], x[:, 1]) - np.arctan2(p[:, 0], p[:, 1])))
    return np.degrees(np.array(errors))


def lag_deg() -> float:
    """Return the lag of sound, averaged over the judged part.

    In the triangle of array, emission and present place, ``sin(lag) = v / c sin(angle of course and line of sight)``.
    """
    along = np.linspace(-JUDGED_M, JUDGED_M, 1001)
    sine = ABEAM_M / np.hypot(along, ABEAM_M)
    return float(np.degrees(np.mean(np.arcsin(SPEED_MPS / SOUND_MPS * sine))))


def test_sound_taken_for_instantaneous_trails_by_eight_degrees() -> None:
    bias = float(np.mean(bearing_errors_deg(0.0)))
    assert lag_deg() == pytest.approx(8.3, abs=0.1)
    assert abs(bias + 8.3) < 0.3
    assert abs(bias + lag_deg()) < 0.3


def test_retarded_time_takes_the_lag_off() -> None:
    errors = bearing_errors_deg(SOUND_MPS)
    assert abs(float(np.mean(errors))) < 1.0
    assert np.all(np.abs(errors) < 1.0)  # in every look, not only on average
