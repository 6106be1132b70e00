"""Is that a drone? One second of sound after the other through an ONNX model, with a memory of the seconds before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import yaml

from detectors.acoustic.features import BANDS, FRAMES, STATISTICS, band_power, statistics
from detectors.acoustic.folder import CLASSES
from detectors.acoustic.sound import F32, SAMPLE_RATE_HZ, Condition
from detectors.manifest import Model, ModelError, open_model
from detectors.scores import Calibration
from detectors.session import PROVIDERS, InferenceFault, Session
from messages.frames import F64

MEMORY = 0.5
"""Weight of what was believed a second ago: half-life of one second. A drone stays audible for many seconds, a knock, a
shout or a gust does not; a longer memory would score better on clips of one label and answer later in the field."""
INPUT, OUTPUT = "statistics", "probabilities"
CERTAIN = 1e-6  # probabilities are kept this far from 0 and 1, so that one second cannot outvote all others
THRESHOLD = 0.5  # of a calibrated probability


class Claim(NamedTuple):
    """What is said of one second: the class, its probability, and that of this second alone."""

    label: str
    drone: float
    drone_alone: float


def remembered(logit: F64, before: float | None = None) -> F64:
    """Return logits (n,) mixed with those before: ``m[k] = MEMORY m[k-1] + (1 - MEMORY) logit[k]``; m of the first is
    that itself unless ``before`` is given."""
    out = np.empty(len(logit))
    for k, now in enumerate(logit):
        before = float(now) if before is None else MEMORY * before + (1.0 - MEMORY) * float(now)
        out[k] = before
    return out


@dataclass(frozen=True)
class Card:
    """What the classifier reads of a model's card: the calibration of the remembered logit."""

    memory: Calibration

    @staticmethod
    def read(model: Model) -> Card:
        """Return the card of a model; ModelError where it is another detector's or damaged."""
        try:
            content: dict[str, Any] = yaml.safe_load(model.card)
            expected = {"sample_rate_hz": SAMPLE_RATE_HZ, "classes": list(CLASSES), "sha256": model.sha256}
            for key, value in expected.items():
                if content[key] != value:
                    raise ModelError(f"{model.source}: card: {key} = {content[key]}: must be {value}")
            memory = content["calibration"]["with_memory"]
            return Card(Calibration(float(memory["scale"]), float(memory["offset"])))
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{model.source}: its card cannot be read ({error!r})") from None


class AcousticClassifier:
    """Stateful detector of one microphone's stream: feed it every second in order, ``forget`` between streams."""

    def __init__(self, model: Model, threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> None:
        """Open the model and warm it up; ModelError where it is not an acoustic classifier."""
        self.card = Card.read(model)
        self.session = Session(model, threads, providers)
        shape = self.session.inputs[0].shape[1:] if self.session.inputs else ()
        if [t.name for t in self.session.inputs] != [INPUT] or shape != (len(STATISTICS), BANDS):
            raise ModelError(
                f"{model.source}: inputs {self.session.inputs}: must be {INPUT} (n, {len(STATISTICS)}, {BANDS})"
            )
        if [t.name for t in self.session.outputs] != [OUTPUT]:
            raise ModelError(f"{model.source}: outputs {self.session.outputs}: must be {OUTPUT} (n, {len(CLASSES)})")
        self.session.warm_up()
        self._logit: float | None = None

    def alone(self, sounds: F32) -> F64:
        """Return the probability of a drone in each second (k, SAMPLE_RATE_HZ) by itself."""
        powers = np.stack([band_power(sound) for sound in sounds])[:, :, :FRAMES]
        found = self.session.run({INPUT: statistics(powers)})[OUTPUT]
        if found.shape != (len(sounds), len(CLASSES)):
            raise InferenceFault(
                f"{self.session.model.name}: output {found.shape}: must be ({len(sounds)}, {len(CLASSES)})"
            )
        return np.asarray(found[:, 1], dtype=np.float64)

    def step(self, sound: F32, condition: Condition = "good") -> Claim:
        """Return the claim on the next second (SAMPLE_RATE_HZ,); a silent one is forgotten at once and says nothing."""
        if condition == "silent":
            self.forget()
            return Claim("silent", 0.0, 0.0)
        alone = float(self.alone(sound[None])[0])
        p = min(max(alone, CERTAIN), 1.0 - CERTAIN)
        self._logit = float(remembered(np.array([np.log(p / (1.0 - p))]), self._logit)[0])
        drone = float(self.card.memory.probability(np.array([self._logit]))[0])
        return Claim(CLASSES[drone >= THRESHOLD], drone, alone)

    def forget(self) -> None:
        """Start a new stream."""
        self._logit = None


def open_classifier(
    name: str = "acoustic", threads: int = 1, providers: tuple[str, ...] = PROVIDERS
) -> AcousticClassifier:
    """Open a model of the manifest or of a file, as ``detectors.manifest.open_model`` says."""
    return AcousticClassifier(open_model(name), threads, providers)
