"""The targets of a world as arrays: what each sensor kind can get of each of them, constant over a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from scenarios.types import Emission, TargetType
from sim.randomness import generator

ASPECT_HARMONICS = 3  # cosines of the aspect that make up the slow trend of the radar cross-section


@dataclass(frozen=True)
class TargetTable:
    """Constants of n targets, in the order of ``World.target_ids``."""

    target_class: tuple[str, ...]
    size_m: F64
    height_m: F64
    rcs_dbsm: F64
    rcs_aspect_sigma_db: F64
    rcs_phase_rad: F64  # (n, ASPECT_HARMONICS)
    swerling: NDArray[np.int64]
    sound_dba: F64
    sound_hz: F64  # geometric middle of the band
    multirotor: NDArray[np.bool_]
    thermal_delta_k: F64
    visible_contrast: F64
    emissions: tuple[tuple[Emission, ...], ...]

    def __len__(self) -> int:
        return len(self.target_class)

    def rcs_m2(self, index: NDArray[np.int64], aspect_rad: F64) -> F64:
        """Return the radar cross-section of targets at an aspect (level angle of velocity against line of sight).

        The mean over aspect, in decibels, is the type's own; the trend about it is smooth in aspect,
        the same for every radar, and has the type's sigma.
        """
        order = np.arange(1, ASPECT_HARMONICS + 1)
        waves = np.cos(aspect_rad[:, None] * order + self.rcs_phase_rad[index]).sum(axis=1)
        trend_db = self.rcs_aspect_sigma_db[index] * np.sqrt(2.0 / ASPECT_HARMONICS) * waves
        return np.asarray(10.0 ** ((self.rcs_dbsm[index] + trend_db) / 10.0))


def target_table(target_ids: Sequence[str], types: Sequence[TargetType], seed: int) -> TargetTable:
    """Return the arrays of targets; each target's aspect trend is drawn from a generator of its own."""

    def column(name: str) -> F64:
        return np.array([float(getattr(t, name)) for t in types], dtype=np.float64)

    phases = [generator(seed, f"rcs/{i}").uniform(0.0, 2.0 * np.pi, ASPECT_HARMONICS) for i in target_ids]
    return TargetTable(
        target_class=tuple(t.target_class for t in types),
        size_m=column("size_m"),
        height_m=column("height_m"),
        rcs_dbsm=column("rcs_dbsm"),
        rcs_aspect_sigma_db=column("rcs_aspect_sigma_db"),
        rcs_phase_rad=np.array(phases, dtype=np.float64).reshape(len(types), ASPECT_HARMONICS),
        swerling=np.array([t.swerling for t in types], dtype=np.int64),
        sound_dba=column("sound_dba"),
        sound_hz=np.array([np.sqrt(t.sound_band_hz[0] * t.sound_band_hz[1]) for t in types], dtype=np.float64),
        multirotor=np.array([t.kinematics.motion == "multirotor" for t in types], dtype=np.bool_),
        thermal_delta_k=column("thermal_delta_k"),
        visible_contrast=column("visible_contrast"),
        emissions=tuple(t.emissions for t in types),
    )
