"""The network of the acoustic classifier: three convolutions along the bands, trained on made windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from detectors.acoustic.features import F32, STATISTICS
from detectors.training.acoustic_augment import Augmentation, made_batch
from detectors.training.acoustic_data import I64, TrainingData
from messages.frames import F64

CHANNELS = (32, 48, 64)
KERNELS = (7, 5, 5)
STRIDE = 2


@dataclass(frozen=True)
class Settings:
    """How a member of the ensemble is trained; the numbers were settled on the folds with seeds 0 to 2."""

    steps: int = 500
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 2e-2
    dropout: float = 0.3
    smoothing: float = 0.04
    """Of the labels: a recording of a drone has seconds in which nobody hears it."""
    augmentation: Augmentation = field(default_factory=Augmentation)


Weights = dict[str, F32]
"""Arrays by name, as ``torch`` names them."""
Progress = Callable[[int], None]
"""Called with each step that is done."""


class Network(nn.Module):
    """Statistics (n, STATISTICS, BANDS) to one logit (n,); mean and maximum over the bands are what is judged."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(len(STATISTICS))
        layers: list[nn.Module] = []
        before = len(STATISTICS)
        for channels, kernel in zip(CHANNELS, KERNELS, strict=True):
            layers.append(nn.Conv1d(before, channels, kernel, stride=STRIDE, padding=kernel // 2, bias=False))
            layers += [nn.BatchNorm1d(channels), nn.ReLU()]
            before = channels
        self.layers = nn.Sequential(*layers)
        self.judge = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logit of each window."""
        z = self.layers(self.scale(x))
        return self.judge(torch.cat([z.mean(2), z.amax(2)], dim=1))[:, 0]


def train_member(
    data: TrainingData, clips: I64, settings: Settings, seed: tuple[int, ...], progress: Progress | None = None
) -> Weights:
    """Train one network on ``clips`` and return its weights; the same seed gives the same weights."""
    torch.set_num_threads(1)  # the network is too small for two, and sums in another order
    rng = np.random.default_rng(seed)
    torch.manual_seed(int(rng.integers(2**62)))
    network = Network(settings.dropout)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=settings.steps)
    drones, backgrounds = clips[data.drone[clips]], clips[~data.drone[clips]]
    half = settings.batch // 2
    for step in range(settings.steps):
        chosen = np.concatenate([rng.choice(drones, half), rng.choice(backgrounds, half)])
        x, label = made_batch(data, chosen, backgrounds, settings.augmentation, rng)
        target = torch.from_numpy(label) * (1.0 - settings.smoothing) + 0.5 * settings.smoothing
        loss = nn.functional.binary_cross_entropy_with_logits(network(torch.from_numpy(x)), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1)
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def logits(weights: Weights, x: F32) -> F64:
    """Return the logits (n,) of statistics (n, STATISTICS, BANDS)."""
    network = Network(0.0)
    network.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()})
    network.eval()
    with torch.no_grad():
        return np.asarray(network(torch.from_numpy(x)).numpy(), dtype=np.float64)
