"""What turns, and how fast: the fundamental of a rotor's comb and the rate at which its blades pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.acoustic.sound import F32, SAMPLE_RATE_HZ
from detectors.rotor_comb import find_comb

SHAFT_DB = 6.0
"""Lines of the shaft's own rate come from unequal blades and are weaker by this much than those of the blades' passing;
in a comb of passing blades neighbouring lines differ by less (3 dB a line is typical)."""


class Rotor(NamedTuple):
    """Spacing of the lines, rate at which blades pass, and the mean height of the lines over the sound around them."""

    fundamental_hz: float
    blade_pass_hz: float
    height_db: float


def hear_rotor(sound: F32) -> Rotor:
    """Return the strongest comb of a second or more of sound (n,) at SAMPLE_RATE_HZ.

    Where every second line stands SHAFT_DB above those between, the comb is the shaft's of a two-bladed rotor and the
    blades pass at twice its rate; else the fundamental is the rate of the blades.
    """
    comb = find_comb(sound.astype(np.float64), SAMPLE_RATE_HZ)
    odd, even = float(np.mean(comb.heights_db[0::2])), float(np.mean(comb.heights_db[1::2]))
    return Rotor(comb.fundamental_hz, comb.fundamental_hz * (2.0 if even > odd + SHAFT_DB else 1.0), comb.height_db)
