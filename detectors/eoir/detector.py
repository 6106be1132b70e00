"""The network at work on a stream: frames in, boxes with class probabilities out; it remembers each target's class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from detectors.eoir.cells import CHANNELS, CLASSES, COLUMNS, ROWS, Boxes, decode
from detectors.eoir.folder import Kind
from detectors.eoir.stack import F32, HEIGHT_PX, PLANES, WIDTH_PX, Stack, planes
from detectors.manifest import Model, ModelError, open_model
from detectors.media import U8, VideoClip
from detectors.session import PROVIDERS, InferenceFault, Session
from detectors.thermal import Progress
from messages.frames import F64

NAMES = ("eo-ir-thermal", "eo-ir-visible")
INPUT, OUTPUT = "planes", "cells"
MEMORY = 0.9
"""Weight of what a target was taken for a frame ago: half-life of seven frames, a quarter of a second. One frame of a
dozen pixels says little of what it shows; a longer memory would keep a wrong first guess."""
FAINTEST = 0.05  # score from which a box is remembered, told or not: a target that fades keeps its class
NEAR_PX = 12.0  # a target is the one remembered within this distance or half its size, in pixels of the network's input
FORGOTTEN_AFTER = 15  # frames without it: half a second


class Seen(NamedTuple):
    """What is claimed in one frame, strongest first, in pixels of the frame as it came.

    ``boxes_px`` (n, 4): left, top, width, height; ``score`` (n,): that a target is there; ``classes``
    (n, len(CLASSES)): probability of each class if it is one, of this frame and those before.
    """

    frame: int
    t_ns: int
    boxes_px: F64
    score: F64
    classes: F64

    @property
    def labels(self) -> list[str]:
        """Return the likeliest class of each box."""
        return [CLASSES[k] for k in self.classes.argmax(axis=1)]


@dataclass(frozen=True)
class Card:
    """What is read of a model's card: its kind of clips, threshold and temperature, and the classes it knows."""

    kind: Kind
    threshold: float
    temperature: float
    trained: tuple[str, ...]

    @staticmethod
    def read(model: Model) -> Card:
        """Return the card of a model; ModelError where it is another detector's or damaged."""
        try:
            content: dict[str, Any] = yaml.safe_load(model.card)
            if model.sha256 not in (content["sha256"], content["int8"]["sha256"]):
                raise ModelError(f"{model.source}: sha256 = {model.sha256}: not one of its card's")
            trained = tuple(str(name) for name in content["classes_trained"])
            threshold, temperature = float(content["threshold"]), float(content["temperature"])
            if content["name"] not in NAMES:
                raise ModelError(f"{model.source}: card: name = {content['name']}: must be of {', '.join(NAMES)}")
            if content["classes"] != list(CLASSES) or not trained or not set(trained) <= set(CLASSES):
                raise ModelError(f"{model.source}: card: classes = {content['classes']}: must be {list(CLASSES)}")
            if not (0.0 < threshold < 1.0 and temperature > 0.0):
                raise ValueError(f"threshold = {threshold}, temperature = {temperature}")
            kind = str(content["name"]).removeprefix("eo-ir-")
            return Card("thermal" if kind == "thermal" else "visible", threshold, temperature, trained)
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{model.source}: its card cannot be read ({error!r})") from None


class EoirDetector:
    """Stateful detector of one camera's stream: feed it every frame in order, ``forget`` between streams."""

    def __init__(self, model: Model, threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> None:
        """Open the model and warm it up; ModelError where it is not an EO/IR detector."""
        self.card = Card.read(model)
        self.threshold = self.card.threshold
        self.session = Session(model, threads, providers)
        for found, name, shape in (
            (self.session.inputs, INPUT, (1, PLANES, HEIGHT_PX, WIDTH_PX)),
            (self.session.outputs, OUTPUT, (1, CHANNELS, ROWS, COLUMNS)),
        ):
            if [(t.name, t.shape) for t in found] != [(name, shape)]:
                raise ModelError(f"{model.source}: has {found}: must be {name} {shape}")
        self.session.warm_up()
        self._memory = Memory(self.card)
        self._stack = Stack()

    def step(self, frame: int, t_ns: int, grey: U8) -> Seen:
        """Return what is claimed of the next frame (height, width); it may have any size."""
        self._stack.push(grey)
        aligned = self._stack.aligned()
        boxes = decode(self._cells(planes(aligned, float(aligned[..., 0].mean()))), FAINTEST)
        classes = self._memory.step(boxes)
        told = boxes.score >= self.threshold
        scale = np.array([grey.shape[1] / WIDTH_PX, grey.shape[0] / HEIGHT_PX] * 2)
        return Seen(frame, t_ns, boxes.boxes_px[told] * scale, boxes.score[told], classes[told])

    def forget(self) -> None:
        """Start a new stream."""
        self._memory, self._stack = Memory(self.card), Stack()

    def _cells(self, image: F32) -> F32:
        cells = self.session.run({INPUT: image[None]})[OUTPUT]
        if cells.shape != (1, CHANNELS, ROWS, COLUMNS):
            raise InferenceFault(f"{self.session.model.name}: output {cells.shape}: must be 1 x {CHANNELS} cells")
        return np.asarray(cells[0], dtype=np.float32)


class Remembered(NamedTuple):
    """A target of earlier frames: its centre, its class logits so far, and how long ago it was seen."""

    centre_px: F64
    logits: F64
    age: int


class Memory:
    """What the targets of a stream were taken for; who is who is told by distance alone."""

    def __init__(self, card: Card) -> None:
        self._temperature = card.temperature
        self._never = np.array([name not in card.trained for name in CLASSES])
        self._known: list[Remembered] = []

    def step(self, boxes: Boxes) -> F64:
        """Return the class probabilities (n, classes) of the boxes of the next frame."""
        left, now = list(self._known), []
        for box, logits in zip(boxes.boxes_px, boxes.logits, strict=True):
            centre = box[:2] + 0.5 * box[2:]
            reach = max(NEAR_PX, 0.5 * float(box[2:].max()))
            away = [float(np.hypot(*(known.centre_px - centre))) / (1 + known.age) for known in left]
            nearest = int(np.argmin(away)) if away else -1
            if nearest >= 0 and away[nearest] <= reach:
                logits = MEMORY * left.pop(nearest).logits + (1.0 - MEMORY) * logits
            now.append(Remembered(centre, np.asarray(logits), 0))
        older = [known._replace(age=known.age + 1) for known in left if known.age < FORGOTTEN_AFTER]
        self._known = now + older
        return self._probabilities(np.array([known.logits for known in now]).reshape(-1, len(CLASSES)))

    def _probabilities(self, logits: F64) -> F64:
        z = np.where(self._never, -np.inf, logits / self._temperature)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / np.maximum(e.sum(axis=1, keepdims=True), 1e-300))


def detect_clip(path: Path | str, detector: EoirDetector, progress: Progress | None = None) -> Iterator[Seen]:
    """Yield what a detector claims of every frame of a clip in order, empty ones too.

    Raises MediaError (detectors.media) where the file is missing or cannot be decoded.
    """
    detector.forget()
    with VideoClip(path) as clip:
        for frame in clip.frames():
            yield detector.step(frame.number, frame.t_ns, frame.grey)
            if progress is not None:
                progress(frame.number + 1, clip.info.frame_count)


def open_detector(name: str, threads: int = 1, providers: tuple[str, ...] = PROVIDERS) -> EoirDetector:
    """Open a model by its name or path (``detectors.manifest.open_model``). Raises ModelError where it may not be."""
    return EoirDetector(open_model(name), threads, providers)
