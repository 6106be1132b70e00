"""What tracks are judged by after each scan: limits of confirmation, silence, doubt, and of being one target."""

from __future__ import annotations

import numpy as np

from fusion.config import TrackerConfig
from fusion.gates import chi_square_limit
from fusion.kernels import judging
from fusion.lifecycle import State
from fusion.step import Scan
from messages.frames import F64

MERGE_DISTANCE_M = 25.0  # further apart two tracks are two targets, whatever their covariances say
MERGE_D2 = chi_square_limit(0.5, 6)  # half of all pairs of estimates of one target are closer than this
MERGE_MIN_EXISTENCE = 0.05  # clutter's tentative tracks are not worth comparing
MERGE_LOOKS = {State.TENTATIVE: 3, State.CONFIRMED: 16, State.COASTING: 3}
"""Looks in a row in which only one of the two was fed: two real neighbours at Pd 0.7 pass 8 looks once in 250, and a
formation of twelve has 66 pairs; 16 looks once in 60 000."""
SECOND_HIT = 1.5  # sum of association probabilities from which a track has more than its first detection
RANGED_HITS = 1.5
"""Decaying sum of association probabilities: two plots within the support time. Two false plots on one track that far
apart are no evidence: while it is fed by coarse bearings alone its gate grows until it catches one."""
PLACE_SHARE = 0.9  # decaying count of looks from the second place: more than one chance hit
LONE_RMS_FACTOR = 10.0  # a lone camera never knows the range: its tracks may be so much less certain


UNRANGED_HITS = 0.5
"""Decaying sum of plots: less is a track whose range nobody measured."""
CONTESTED_LOOKS = 20
"""Looks of cameras in a row: four cameras at 10 Hz need half a second. Two targets in one line of sight give two
detections in half the looks at Pd 0.7."""
MERGE: F64 = np.array(
    [
        *(MERGE_MIN_EXISTENCE, MERGE_DISTANCE_M, MERGE_D2),
        *(MERGE_LOOKS[State(s)] for s in range(3)),
        *(RANGED_HITS, UNRANGED_HITS, CONTESTED_LOOKS),
    ]
)
"""As ``kernels.merging.merge_twins`` takes it."""


def limits(config: TrackerConfig, scan: Scan, ranged_pause_s: float) -> F64:
    """Return what ``kernels.judging`` judges by after a scan (L_SIZE,).

    ``ranged_pause_s``: a longer one without a detection by a ranging sensor is silence.
    """
    e = config.existence
    limit = np.empty(judging.L_SIZE)
    limit[judging.L_CONFIRM_EXISTENCE] = e.confirm_existence
    limit[judging.L_CONFIRM_HITS] = e.confirm_hits
    limit[judging.L_CONFIRM_AGE_S] = e.confirm_age_s
    # A slow sensor's own pause is no silence.
    limit[judging.L_COAST_AFTER_S] = max(e.coast_after_s, 2.5 * scan.sensor.description.scan_period_s)
    limit[judging.L_DELETE_EXISTENCE] = e.delete_existence
    limit[judging.L_DELETE_LONE_SHARE] = e.delete_lone_share
    limit[judging.L_DELETE_CONFIRMED] = e.delete_confirmed_existence
    limit[judging.L_DELETE_RMS_M] = e.delete_rms_m * (LONE_RMS_FACTOR if scan.lone else 1.0)
    # A slow radar needs as many looks as a fast one: its tracks live until it could have looked twice and again.
    limit[judging.L_DELETE_TENTATIVE_S] = max(e.delete_tentative_s, ranged_pause_s)
    limit[judging.L_REPORT_RMS_M] = config.report.max_rms_m
    limit[judging.L_SECOND_HIT] = SECOND_HIT
    limit[judging.L_RANGED_PAUSE_S] = ranged_pause_s
    limit[judging.L_SUPPORT_S] = max(e.support_s, ranged_pause_s)
    limit[judging.L_RANGED_HITS] = RANGED_HITS
    limit[judging.L_PLACE_SHARE] = PLACE_SHARE
    limit[judging.L_DELETE_UNPROVEN_S] = max(e.delete_unproven_s, 2.0 * ranged_pause_s)
    limit[judging.L_SPEED_MPS] = config.birth.max_speed_mps
    return limit
