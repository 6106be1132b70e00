"""The network of the emitter classifier: a small one for the spectrogram, beside it one for the autocorrelation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from detectors.rf.classifier import CLASSES
from detectors.rf.features import CONTEXT, F32
from detectors.training.rf_data import I64, Examples
from messages.frames import F64

CHANNELS = (12, 24, 32)
KERNEL, STRIDE, PAD = 3, 2, 1
HIDDEN = 64


@dataclass(frozen=True)
class Settings:
    """How the network is trained."""

    epochs: int = 40
    batch: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 2e-2
    dropout: float = 0.2
    jitter: float = 0.05
    """Standard deviation added to features: the networks that saw none held on to single examples."""


Weights = dict[str, F32]
Progress = Callable[[int, int, str], None]


class Network(nn.Module):
    """Spectrograms (n, 1, BINS, COLUMNS) and contexts (n, CONTEXT) to logits (n, len(CLASSES))."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for channels in CHANNELS:
            layers += [
                nn.Conv2d(before, channels, KERNEL, STRIDE, PAD, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.layers = nn.Sequential(*layers)
        self.scale = nn.BatchNorm1d(CONTEXT)
        self.beside = nn.Sequential(nn.Linear(CONTEXT, HIDDEN), nn.ReLU())
        self.mixed = nn.Sequential(nn.Linear(2 * before + HIDDEN, HIDDEN), nn.ReLU())
        self.drop = nn.Dropout(dropout)
        self.judge = nn.Linear(HIDDEN, len(CLASSES))

    def forward(self, spectrogram: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        z = self.layers(spectrogram)
        seen = torch.cat([z.mean((2, 3)), z.amax((2, 3)), self.beside(self.scale(context))], dim=1)
        return self.judge(self.drop(self.mixed(self.drop(seen))))


def train_network(data: Examples, chosen: I64, settings: Settings, seed: int, progress: Progress | None) -> Weights:
    """Train on the ``chosen`` examples and return the weights; the same seed gives the same weights."""
    torch.set_num_threads(1)  # sums in another order with two
    rng = np.random.default_rng(seed)
    torch.manual_seed(int(rng.integers(2**62)))
    network = Network(settings.dropout)
    steps = max(len(chosen) // settings.batch, 1)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps * settings.epochs
    )
    for epoch in range(settings.epochs):
        order = rng.permutation(chosen)
        for k in range(steps):
            batch = order[k * settings.batch : (k + 1) * settings.batch]
            inputs = [_jittered(part[batch], settings.jitter, rng) for part in (data.spectrogram, data.context)]
            loss = nn.functional.cross_entropy(network(*inputs), torch.from_numpy(data.label[batch]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if progress is not None:
            progress(epoch + 1, settings.epochs, "training")
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def _jittered(x: F32, sigma: float, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(x + np.float32(sigma) * rng.standard_normal(x.shape, dtype=np.float32))


def logits(weights: Weights, data: Examples, chosen: I64) -> F64:
    """Return the logits (n, len(CLASSES)) of the chosen examples."""
    network = Network(0.0)
    network.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()})
    network.eval()
    with torch.no_grad():
        said = network(torch.from_numpy(data.spectrogram[chosen]), torch.from_numpy(data.context[chosen]))
    return np.asarray(said.numpy(), dtype=np.float64)
