"""The heat-map network: cells of 4 px that say whether a target's centre is here, its box and its class.

An anchor-free detector of one level in the manner of CenterNet (Zhou 2019) and TTFNet (Liu 2020): focal loss on a heat
map with a Gaussian around each centre, boxes and class learned in the cells next to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from detectors.eoir.cells import BOX, CELL_PX, CHANNELS, CLASS, SIZE_PX, TARGET
from detectors.eoir.stack import F32, PLANES
from detectors.training.eoir_augment import Batch

STEM, FINE, MIDDLE, COARSE, NECK, HEAD = 16, 32, 56, 80, 32, 40  # channels at 1/2, 1/4, 1/8, 1/16, and above
RARE = 0.02  # chance of a target in a cell at the start, so that the empty ones do not drown the first steps
ALPHA, BETA = 2.0, 4.0  # of the focal loss, as in CornerNet
MIN_SIGMA_CELLS = 0.7
SIGMA_PER_SIDE = 0.15
BOX_WEIGHT, CLASS_WEIGHT = 2.0, 0.5
NEAR = 0.3  # of the heat: cells that learn box and class

Weights = dict[str, F32]
"""Arrays by name, as ``torch`` names them."""


def conv(before: int, after: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Return convolution, normalisation, rectifier."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x and what was found in it."""
        return x + self.second(self.first(x))


class Network(nn.Module):
    """Planes (n, PLANES, height, width) to cells (n, CHANNELS, height / 4, width / 4); sizes are multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(PLANES, STEM, 2)
        self.fine, self.fine_block = conv(STEM, FINE, 2), Residual(FINE)
        self.middle, self.middle_block = conv(FINE, MIDDLE, 2), Residual(MIDDLE)
        self.coarse, self.coarse_block = conv(MIDDLE, COARSE, 2), Residual(COARSE)
        self.from_coarse, self.from_middle = conv(COARSE, MIDDLE, kernel=1), conv(MIDDLE, NECK, kernel=1)
        self.merge, self.head = conv(NECK, NECK), conv(NECK, HEAD)
        self.judge = nn.Conv2d(HEAD, CHANNELS, 1)
        with torch.no_grad():
            self.judge.weight.mul_(0.3)
            self.judge.bias.zero_()
            self.judge.bias[TARGET] = float(np.log(RARE / (1.0 - RARE)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the cells."""
        fine = self.fine_block(self.fine(self.stem(x)))
        middle = self.middle_block(self.middle(fine))
        coarse = self.coarse_block(self.coarse(middle))
        middle = middle + functional.interpolate(self.from_coarse(coarse), scale_factor=2.0, mode="nearest")
        fine = fine + functional.interpolate(self.from_middle(middle), scale_factor=2.0, mode="nearest")
        return self.judge(self.head(self.merge(fine)))


@dataclass(frozen=True)
class Aim:
    """What the cells should say: ``heat`` (n, rows, columns), ``box`` (n, 4, rows, columns), ``label`` (n,)."""

    heat: torch.Tensor
    box: torch.Tensor
    label: torch.Tensor


def aim(batch: Batch) -> Aim:
    """Return the aim of a batch; one target a sample at most."""
    n, _, height, width = batch.planes.shape
    rows, columns = height // CELL_PX, width // CELL_PX
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64) + 0.5
    heat, box = np.zeros((n, rows, columns), np.float32), np.zeros((n, 4, rows, columns), np.float32)
    for k, (left, top, w, h) in enumerate(batch.boxes_px):
        if not np.isfinite(left):
            continue
        cx, cy = (left + 0.5 * w) / CELL_PX, (top + 0.5 * h) / CELL_PX
        sigma_x, sigma_y = (max(MIN_SIGMA_CELLS, SIGMA_PER_SIDE * side / CELL_PX) for side in (w, h))
        column, row = min(int(cx), columns - 1), min(int(cy), rows - 1)
        # Centred on the cell that holds the centre: one cell has the full heat.
        dx, dy = x - column - 0.5, y - row - 0.5
        heat[k] = np.exp(-0.5 * ((dx / sigma_x) ** 2 + (dy / sigma_y) ** 2))
        box[k, 0], box[k, 1] = cx - x, cy - y
        box[k, 2], box[k, 3] = np.log(w / SIZE_PX), np.log(h / SIZE_PX)
    return Aim(torch.from_numpy(heat), torch.from_numpy(box), torch.from_numpy(batch.label))


def loss(cells: torch.Tensor, wanted: Aim) -> torch.Tensor:
    """Return the loss of cells: focal on the heat, 1 - IoU and distance on the boxes, cross-entropy on the class."""
    targets = max(1.0, float((wanted.heat == 1.0).sum()))
    near = torch.where(wanted.heat >= NEAR, wanted.heat, torch.zeros(()))
    weight = near / near.sum().clamp(min=1.0)
    box = functional.smooth_l1_loss(cells[:, BOX], wanted.box, reduction="none", beta=0.1).sum(1)
    box = box + 2.0 * (1.0 - _overlap(cells[:, BOX], wanted.box))
    label = wanted.label[:, None, None].expand(wanted.heat.shape)
    which = functional.cross_entropy(cells[:, CLASS], label, reduction="none", label_smoothing=0.05)
    return _focal(cells[:, TARGET], wanted.heat) / targets + (weight * (BOX_WEIGHT * box + CLASS_WEIGHT * which)).sum()


def _focal(logit: torch.Tensor, heat: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(logit)
    here = (heat == 1.0).float()
    hit = -functional.logsigmoid(logit) * (1.0 - p) ** ALPHA * here
    miss = -functional.logsigmoid(-logit) * p**ALPHA * (1.0 - heat) ** BETA * (1.0 - here)
    return (hit + miss).sum()


def _overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the intersection over union of boxes (n, 4, rows, columns) that belong to the same cells."""
    half_a, half_b = (0.5 * SIZE_PX / CELL_PX * torch.exp(z[:, 2:].clamp(-3.0, 3.0)) for z in (a, b))
    low = torch.maximum(a[:, :2] - half_a, b[:, :2] - half_b)
    high = torch.minimum(a[:, :2] + half_a, b[:, :2] + half_b)
    common = (high - low).clamp(min=0.0).prod(1)
    return common / (4.0 * half_a.prod(1) + 4.0 * half_b.prod(1) - common).clamp(min=1e-6)
