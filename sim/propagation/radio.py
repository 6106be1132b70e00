"""Radio links and their interception: path loss, noise floor, hop interception, angle of arrival."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from messages.frames import F64
from sim.propagation.radar import wavelength_m

THERMAL_NOISE_DBM_PER_HZ = -174.0  # k T0 at 290 K


class HopSet(NamedTuple):
    """Channels of a frequency-hopping link, evenly spaced."""

    first_hz: float
    last_hz: float
    spacing_hz: float

    @property
    def channels(self) -> int:
        """How many there are."""
        return round((self.last_hz - self.first_hz) / self.spacing_hz) + 1

    @property
    def centre_hz(self) -> float:
        """The middle of the set."""
        return 0.5 * (self.first_hz + self.last_hz)


HOP_SETS: dict[str, HopSet] = {
    "2.4": HopSet(2400.4e6, 2479.4e6, 1.0e6),
    "FCC915": HopSet(903.5e6, 926.9e6, 0.6e6),
    "EU868": HopSet(863.275e6, 869.575e6, 0.525e6),
}
"""Of ExpressLRS (FHSS.cpp, domain tables); spacing from the ends and the count."""


def free_space_loss_db(range_m: ArrayLike, frequency_hz: ArrayLike) -> F64:
    """Return Friis' loss between isotropic antennas: ``20 lg R + 20 lg f - 147.55``."""
    r = np.maximum(np.asarray(range_m, dtype=np.float64), 1.0)
    return np.asarray(20.0 * np.log10(r) + 20.0 * np.log10(np.asarray(frequency_hz, dtype=np.float64)) - 147.55)


def path_loss_db(range_m: ArrayLike, frequency_hz: ArrayLike, height_1_m: ArrayLike, height_2_m: ArrayLike) -> F64:
    """Return the loss over flat ground: free space up to ``4 pi h1 h2 f / c``, 40 dB a decade beyond it.

    Beyond the breakpoint the direct and the reflected ray cancel: ``40 lg R - 20 lg(h1 h2)``. The
    larger of the two is taken, so that the curve has no step upwards.
    """
    free = free_space_loss_db(range_m, frequency_hz)
    h1, h2 = np.maximum(np.asarray(height_1_m), 0.5), np.maximum(np.asarray(height_2_m), 0.5)
    plane = 40.0 * np.log10(np.maximum(np.asarray(range_m, dtype=np.float64), 1.0)) - 20.0 * np.log10(h1 * h2)
    return np.asarray(np.maximum(free, plane))


def noise_floor_dbm(bandwidth_hz: float, noise_figure_db: float) -> float:
    """Return ``-174 + 10 lg B + NF``."""
    return float(THERMAL_NOISE_DBM_PER_HZ + 10.0 * np.log10(bandwidth_hz) + noise_figure_db)


def hop_intercept_probability(receiver_hz: float, hop_set_hz: float, hops_per_dwell: float = 1.0) -> float:
    """Return the probability that a dwell hears at least one hop: ``1 - (1 - B / B_hop)^n``."""
    share = min(receiver_hz / hop_set_hz, 1.0)
    return float(1.0 - (1.0 - share) ** max(hops_per_dwell, 0.0))


def detection_probability(snr_db: ArrayLike, threshold_db: float, width_db: float = 1.0) -> F64:
    """Return Pd of an energy detector, logistic in SNR with 50 % at the threshold (estimate for the width)."""
    return np.asarray(1.0 / (1.0 + np.exp(-(np.asarray(snr_db, dtype=np.float64) - threshold_db) / width_db)))


def bearing_sigma_rad(
    snr_db: ArrayLike, frequency_hz: ArrayLike, aperture_m: float, snapshots: int, floor_rad: float
) -> F64:
    """Return the accuracy of a bearing: ``lambda / (2 pi D sqrt(2 SNR K))`` with a floor in quadrature.

    The floor (1-3 degrees) stands for multipath and the vehicle's own body, and rules in practice.
    """
    snr = 10.0 ** (np.asarray(snr_db, dtype=np.float64) / 10.0)
    wavelength = wavelength_m(1.0) / np.asarray(frequency_hz, dtype=np.float64)
    bound = wavelength / (2.0 * np.pi * aperture_m) / np.sqrt(2.0 * snr * snapshots)
    return np.asarray(np.sqrt(bound**2 + floor_rad**2))
