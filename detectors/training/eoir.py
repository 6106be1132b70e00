"""``vedette train eo-ir``: from a folder of labelled clips to an ONNX model with its card, judged on held-out clips."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from detectors.eoir.cells import Boxes, decode
from detectors.eoir.detector import FAINTEST
from detectors.eoir.folder import Kind
from detectors.media import MediaError
from detectors.training.eoir_augment import Augmentation, made_batch, whole
from detectors.training.eoir_data import I64, Progress, Samples
from detectors.training.eoir_judge import best_threshold, f1_at
from detectors.training.eoir_network import Network, Weights, aim, loss
from detectors.training.files import write_whole

Budget = Callable[[int], float]
"""Steps done in this call -> share of the training that they are; 1 and more: done. By steps the same seed gives the
same weights; by the clock a training lasts as long as it may, wherever it runs."""


@dataclass(frozen=True)
class Settings:
    """How the network is trained."""

    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up_share: float = 0.03
    average: float = 0.995
    """Of the weights from step to step: what is judged and shipped is their running mean."""
    epoch_steps: int = 250
    judged: int = 300
    """Held-out samples looked at after each epoch; all of them at the end."""
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class Plan:
    """What is trained, from what, to where."""

    data: Path
    out: Path
    cache: Path
    kind: Kind = "thermal"
    seed: int = 0
    resume: bool = False
    threads: int = 1
    settings: Settings = field(default_factory=Settings)


@dataclass
class State:
    """Where a training stands; all of it is in the checkpoint."""

    network: Network
    average: Network
    optimiser: torch.optim.Optimizer
    rng: np.random.Generator
    steps: int = 0
    share: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)


def fit(plan: Plan, samples: Samples, budget: Budget, progress: Progress | None = None) -> State:
    """Train until the budget is spent, with a checkpoint after each epoch; return the state at the end."""
    torch.set_num_threads(plan.threads)
    checkpoint = Checkpoint(plan, samples)
    state = _begin(plan)
    checkpoint.read(state)
    settings, before, here = plan.settings, state.share, 0
    rows = samples.rows(held_out=False)
    odds = balanced(samples, rows)
    judged = spread(samples.rows(held_out=True), settings.judged)
    losses: list[float] = []
    while state.share < 1.0:
        for group in state.optimiser.param_groups:
            group["lr"] = settings.learning_rate * pace(state.share, settings.warm_up_share)
        batch = made_batch(samples, state.rng.choice(rows, settings.batch, p=odds), settings.augmentation, state.rng)
        losses.append(_step(state, settings, batch))
        here += 1
        state.share = before + (1.0 - before) * min(1.0, budget(here))
        if progress is not None:
            progress(round(1000 * state.share), 1000, f"step {state.steps}, {_last(state)}")
        if state.steps % settings.epoch_steps == 0 or state.share >= 1.0:
            state.curve.append(_judged(state, samples, judged, float(np.mean(losses))))
            checkpoint.write(state)
            losses.clear()
    return state


def pace(share: float, warm_up: float) -> float:
    """Return the learning rate over its greatest: a short rise, then half a cosine to a hundredth."""
    rise = min(1.0, (share + 1e-3) / max(warm_up, 1e-3))
    return float(rise * (0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * min(1.0, share)))))


def balanced(samples: Samples, rows: I64) -> np.typing.NDArray[np.float64]:
    """Return the odds of each row: every class as often as the square root of its share, every clip of it alike."""
    odds = np.zeros(len(rows))
    for label in np.unique(samples.label[rows]):
        of_class = samples.label[rows] == label
        _, clip, count = np.unique(samples.clip[rows][of_class], return_inverse=True, return_counts=True)
        odds[of_class] = np.sqrt(np.count_nonzero(of_class)) / count[clip] / len(count)
    return np.asarray(odds / odds.sum())


def spread(rows: I64, count: int) -> I64:
    """Return at most ``count`` rows, evenly spread."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]


def claims(network: Network, samples: Samples, rows: I64) -> list[Boxes]:
    """Return what a network claims of whole samples."""
    network.eval()
    found = []
    with torch.no_grad():
        for row in rows:
            cells = network(torch.from_numpy(whole(samples, int(row))[None]))[0].numpy()
            found.append(decode(cells, FAINTEST))
    return found


def weights_of(network: Network) -> Weights:
    """Return a copy of the weights as arrays."""
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def _begin(plan: Plan) -> State:
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(int(rng.integers(2**62)))
    network, average = Network(), Network()
    average.load_state_dict(network.state_dict())
    settings = plan.settings
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    return State(network, average, optimiser, rng)


def _step(state: State, settings: Settings, batch: Any) -> float:
    state.network.train()
    value = loss(state.network(torch.from_numpy(batch.planes)), aim(batch))
    state.optimiser.zero_grad()
    value.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), 10.0)
    state.optimiser.step()
    state.steps += 1
    keep = min(settings.average, state.steps / (state.steps + 10.0))  # young means follow faster
    with torch.no_grad():
        now = state.network.state_dict()
        for name, mean in state.average.state_dict().items():
            if mean.dtype.is_floating_point:
                mean.mul_(keep).add_(now[name], alpha=1.0 - keep)
    return float(value.detach())


def _judged(state: State, samples: Samples, rows: I64, mean_loss: float) -> dict[str, Any]:
    found = claims(state.average, samples, rows)
    boxes, label = samples.boxes_px[rows], samples.label[rows]
    threshold, _ = best_threshold(found, boxes, label)
    f1 = {name: round(value, 4) for name, value in f1_at(found, boxes, label, threshold).items()}
    return {
        "steps": state.steps,
        "share": round(state.share, 4),
        "loss": round(mean_loss, 3),
        "threshold": round(threshold, 2),
        "f1": f1,
    }


def _last(state: State) -> str:
    if not state.curve:
        return "not judged yet"
    return ", ".join(f"{name} {value:.2f}" for name, value in state.curve[-1]["f1"].items())


class Checkpoint:
    """A training on disk after its last epoch, so that an interrupted one goes on; of one plan and one data set."""

    def __init__(self, plan: Plan, samples: Samples) -> None:
        self.path = plan.out / "checkpoint.pt"
        text = json.dumps([plan.seed, plan.kind, asdict(plan.settings), samples.sha256], sort_keys=True)
        self.stamp = hashlib.sha256(text.encode()).hexdigest()
        self.resume = plan.resume and self.path.is_file()

    def read(self, state: State) -> None:
        """Bring a state to where it was; MediaError where the checkpoint is of other clips, seed or settings."""
        if not self.resume:
            return
        stored = torch.load(self.path, weights_only=True)
        if stored["stamp"] != self.stamp:
            raise MediaError(
                f"{self.path}: made with other clips, seed or settings: leave out --resume, or name another --out"
            )
        state.network.load_state_dict(stored["network"])
        state.average.load_state_dict(stored["average"])
        state.optimiser.load_state_dict(stored["optimiser"])
        state.rng.bit_generator.state = json.loads(stored["rng"])
        state.steps, state.share = stored["steps"], stored["share"]
        state.curve = json.loads(stored["curve"])

    def write(self, state: State) -> None:
        """Keep a state."""
        data = io.BytesIO()
        content = {
            "stamp": self.stamp,
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimiser": state.optimiser.state_dict(),
            "rng": json.dumps(state.rng.bit_generator.state),
            "steps": state.steps,
            "share": state.share,
            "curve": json.dumps(state.curve),
        }
        torch.save(content, data)
        write_whole(self.path, data.getvalue())
        write_whole(self.path.with_name("curve.json"), (json.dumps(state.curve, indent=1) + "\n").encode())
