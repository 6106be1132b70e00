"""What the classifier of emitters is trained and judged on: features with their true class and SNR."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.rf.features import F32
from messages.frames import F64

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """``spectrogram`` (n, 1, BINS, COLUMNS), ``context`` (n, CONTEXT), ``label`` (n,) in CLASSES, ``snr_db`` (n,).

    ``found`` (n,) says whether the energy detector found the emitter at all; where not, the features are nought.
    """

    spectrogram: F32
    context: F32
    label: I64
    snr_db: F64
    found: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.label)

    def digest(self) -> str:
        """Return a hash of all of it: what a model was trained on."""
        state = hashlib.sha256()
        for part in (self.spectrogram, self.context, self.label, self.snr_db, self.found):
            state.update(np.ascontiguousarray(part).tobytes())
        return state.hexdigest()
