"""Simulated emitters through the radio detector's front end: what its classifier is trained and judged on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectors.rf.classifier import CLASSES, Prepared, prepare
from detectors.rf.features import BINS, COLUMNS, CONTEXT
from detectors.training.rf_data import Examples
from sim.randomness import generator
from sim.signals.emitters import EmitterSnapshot, Family, snapshot

TRAINING_SNR_DB = (-3.0, 30.0)
HELD_OUT_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 20.0)
RATES_HZ = (40e6, 80e6, 80e6, 160e6)

Progress = Callable[[int, int, str], None]


def the_emitter(shot: EmitterSnapshot, found: list[Prepared]) -> Prepared | None:
    """Return the found signal that shares most of the band with the emitter; None where none does."""
    middle, half = shot.frequency_hz - shot.tuned_hz, 0.5 * shot.emitter.bandwidth_hz

    def shared_hz(p: Prepared) -> float:
        return min(p.signal.high_hz, middle + half) - max(p.signal.low_hz, middle - half)

    best = max(found, key=shared_hz, default=None)
    return best if best is not None and shared_hz(best) > 0.0 else None


def examples(family: Family, count: int, seed: int, progress: Progress | None = None) -> Examples:
    """Return ``count`` emitters of a family, the classes in turn; the same seed gives the same bytes."""
    made = Examples(
        np.zeros((count, 1, BINS, COLUMNS), dtype=np.float32),
        np.zeros((count, CONTEXT), dtype=np.float32),
        np.arange(count, dtype=np.int64) % len(CLASSES),
        np.zeros(count),
        np.zeros(count, dtype=np.bool_),
    )
    for k in range(count):
        rng = generator(seed, f"emitters/{family}/{k}")
        snr_db = float(rng.uniform(*TRAINING_SNR_DB))
        if family == "held_out":
            snr_db = HELD_OUT_SNR_DB[k // len(CLASSES) % len(HELD_OUT_SNR_DB)]
        shot = snapshot(CLASSES[int(made.label[k])], family, snr_db, rng, float(rng.choice(RATES_HZ)))
        best = the_emitter(shot, prepare(shot.samples, shot.rate_hz, shot.tuned_hz, None))
        made.snr_db[k], made.found[k] = snr_db, best is not None
        if best is not None:
            made.spectrogram[k], made.context[k] = best.spectrogram, best.context
        if progress is not None:
            progress(k + 1, count, f"{family.replace('_', '-')} emitters")
    return made
