"""What kind of emitter is that? A signal's spectrogram and autocorrelation through an ONNX model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import yaml

from detectors.manifest import Model, ModelError, open_model
from detectors.rf.bearing import Bearing, locate, principal
from detectors.rf.energy import Signal, covariance, find_signals, tiles
from detectors.rf.features import BINS, COLUMNS, CONTEXT, F32, features
from detectors.rf.recording import C64
from detectors.session import PROVIDERS, InferenceFault, Session
from messages.frames import F64

CLASSES = ("fhss_control", "ofdm_video", "analogue_video", "wifi", "other")
"""In the order of the model's output."""
INPUTS, OUTPUT = ("spectrogram", "context"), "probabilities"
SHAPES = {"spectrogram": (1, BINS, COLUMNS), "context": (CONTEXT,)}


class Claim(NamedTuple):
    """A signal, the probabilities (len(CLASSES),) of what it is, and where it comes from where that can be told."""

    signal: Signal
    probabilities: F64
    bearing: Bearing | None

    @property
    def label(self) -> str:
        """Return the most probable class."""
        return CLASSES[int(np.argmax(self.probabilities))]


@dataclass(frozen=True)
class Prepared:
    """A signal with what the model wants of it."""

    signal: Signal
    bearing: Bearing | None
    spectrogram: F32
    context: F32


def prepare(samples: C64, rate_hz: float, frequency_hz: float, antennas_m: F64 | None) -> list[Prepared]:
    """Return every signal in samples (antennas, n), seen through the beam that its own covariance forms.

    The beam takes the antennas together with the principal eigenvector, which needs no calibration; bearings are given
    where the antennas' places (antennas, 3) are known.
    """
    found = tiles(samples, rate_hz)
    out = []
    for signal in find_signals(found):
        matrix, independent = covariance(found, signal)
        beam = samples[0] if len(samples) == 1 else principal(matrix)[1].conj().astype(np.complex64) @ samples
        at_hz = frequency_hz + signal.middle_hz
        bearing = None if antennas_m is None else locate(matrix, independent, antennas_m, at_hz)
        out.append(Prepared(signal, bearing, *features(beam, signal, rate_hz)))
    return out


class EmitterClassifier:
    """Judges the signals of one snapshot after the other; it keeps nothing between them."""

    def __init__(self, model: Model, threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> None:
        """Open the model and warm it up; ModelError where it is not a classifier of emitters."""
        _check_card(model)
        self.session = Session(model, threads, providers)
        shapes = {t.name: t.shape[1:] for t in self.session.inputs}
        if shapes != SHAPES or [t.name for t in self.session.outputs] != [OUTPUT]:
            raise ModelError(f"{model.source}: inputs {shapes}: must be {SHAPES}, and the output {OUTPUT}")
        self.session.warm_up()

    def judge(self, samples: C64, rate_hz: float, frequency_hz: float, antennas_m: F64 | None = None) -> list[Claim]:
        """Return the claims on one snapshot (antennas, n) around ``frequency_hz``, by frequency."""
        prepared = prepare(samples, rate_hz, frequency_hz, antennas_m)
        if not prepared:
            return []
        said = self.probabilities(np.stack([p.spectrogram for p in prepared]), np.stack([p.context for p in prepared]))
        return [Claim(p.signal, row, p.bearing) for p, row in zip(prepared, said, strict=True)]

    def probabilities(self, spectrograms: F32, contexts: F32) -> F64:
        """Return the probabilities (n, len(CLASSES)) of n signals."""
        found = self.session.run({"spectrogram": spectrograms, "context": contexts})[OUTPUT]
        if found.shape != (len(contexts), len(CLASSES)):
            raise InferenceFault(
                f"{self.session.model.name}: output {found.shape}: must be ({len(contexts)}, {len(CLASSES)})"
            )
        return np.asarray(found, dtype=np.float64)


def _check_card(model: Model) -> None:
    try:
        content: dict[str, Any] = yaml.safe_load(model.card)
        for key, value in {"classes": list(CLASSES), "sha256": model.sha256}.items():
            if content[key] != value:
                raise ModelError(f"{model.source}: card: {key} = {content[key]}: must be {value}")
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ModelError(f"{model.source}: its card cannot be read ({error!r})") from None


def open_classifier(name: str = "rf", threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> EmitterClassifier:
    """Open a model of the manifest or of a file, as ``detectors.manifest.open_model`` says."""
    return EmitterClassifier(open_model(name), threads, providers)
