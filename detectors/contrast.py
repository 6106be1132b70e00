"""Small bright or dark spots in an image: local contrast on several scales, and their outlines.

The contrast of a place is the mean of an inner square minus the mean of the ring around it, over the
standard deviation of that ring: the two-dimensional form of a radar's constant-false-alarm-rate test.
Tree lines, horizons and textured ground raise the deviation of their ring and so lower their contrast.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

INNER_PX, GUARD_PX, OUTER_PX = 3, 9, 17
"""Sides of the squares at each pyramid level. The ring begins at three inner sides: a drone seen from the
side is about three times as wide as it is high and must not fill its own ring."""
PEAK_WINDOW_PX = 5
"""A peak is the largest value within this square: nearer peaks belong to one object."""
OUTLINE_LEVEL = 0.4
"""The outline runs at this part of the peak's contrast: half, less an allowance for the blur of the optics."""
MAX_OUTLINE_HALF_PX = 48
"""Objects that reach out of a window of this half side are no small targets."""


class Peak(NamedTuple):
    """One local maximum: place [px, pixel centres at whole numbers], contrast in ring sigmas, inner side."""

    x: float
    y: float
    contrast: float
    sign: int
    inner_px: int


class Outline(NamedTuple):
    """One segmented object: box and centroid [px, image edges at whole numbers], contrast in grey levels."""

    x: float
    y: float
    width: float
    height: float
    centre_x: float
    centre_y: float
    peak_grey: float


def contrast_map(image: F32, noise_floor: float) -> F32:
    """Return inner mean minus ring mean over ring deviation, (height, width); the floor is added in quadrature."""
    squared = np.asarray(cv2.multiply(image, image), dtype=np.float32)
    per_pixel = np.float32(1.0 / (OUTER_PX**2 - GUARD_PX**2))
    ring = _ring_sum(image)
    ring *= per_pixel
    variance = _ring_sum(squared)
    variance *= per_pixel
    variance -= ring * ring
    # Rounding of the two sums can make a flat ring's variance slightly negative.
    np.maximum(variance, np.float32(0.0), out=variance)
    variance += np.float32(noise_floor**2)
    mean = np.asarray(cv2.blur(image, (INNER_PX, INNER_PX), borderType=cv2.BORDER_REFLECT_101), dtype=np.float32)
    mean -= ring
    mean /= np.sqrt(variance, out=variance)
    return mean


def peaks(image: F32, threshold: float, levels: int, noise_floor: float) -> list[Peak]:
    """Return the peaks of absolute contrast above the threshold in ``levels`` octaves of size, strongest first."""
    found: list[Peak] = []
    for level in range(levels):
        if level:
            image = np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.float32)
        if min(image.shape) < OUTER_PX:
            break
        contrast = contrast_map(image, noise_floor)
        strength = np.abs(contrast)
        highest = cv2.dilate(strength, np.ones((PEAK_WINDOW_PX, PEAK_WINDOW_PX), np.uint8))
        places = np.flatnonzero((strength >= highest) & (strength > threshold))
        rows, columns = np.divmod(places, strength.shape[1])
        scale = 2**level
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
            value = float(contrast[y, x])
            place = ((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5)
            found.append(Peak(*place, abs(value), 1 if value > 0 else -1, INNER_PX * scale))
    # The place breaks ties, so that the order never depends on the level loop.
    return sorted(found, key=lambda p: (-p.contrast, p.y, p.x))


def outline(image: F32, peak: Peak) -> Outline | None:
    """Return the object around a peak, or None where it has no closed outline of a small target's size.

    The window doubles until the object lies inside it: what still touches the border at the largest
    window (and is not cut by the image's own edge) is a horizon, a tree or a cloud.
    """
    half = max(6, 2 * peak.inner_px)
    while True:
        found, is_open = _outline_in_window(image, peak, half)
        if not is_open:
            return found
        if half >= MAX_OUTLINE_HALF_PX:
            return None
        half = min(2 * half, MAX_OUTLINE_HALF_PX)


def _outline_in_window(image: F32, peak: Peak, half: int) -> tuple[Outline | None, bool]:
    """Segment in one window; the second value says that the object reaches the window's border."""
    x0, x1 = _span(peak.x, half, image.shape[1])
    y0, y1 = _span(peak.y, half, image.shape[0])
    patch = image[y0:y1, x0:x1]
    frame = np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])
    raised = (patch - np.float32(np.median(frame))) * np.float32(peak.sign)
    row, column = _brightest(raised, peak, x0, y0)
    level = OUTLINE_LEVEL * float(raised[row, column])
    if level <= 0.0:
        return None, False
    _, labels, stats, _ = cv2.connectedComponentsWithStats((raised > level).astype(np.uint8), connectivity=8)
    label = int(labels[row, column])
    left, top, width, height = (int(v) for v in stats[label, :4])
    cut_by_window = (
        (left == 0 and x0 > 0)
        or (top == 0 and y0 > 0)
        or (left + width == x1 - x0 and x1 < image.shape[1])
        or (top + height == y1 - y0 and y1 < image.shape[0])
    )
    if cut_by_window:
        return None, True
    weights = np.where(labels[top : top + height, left : left + width] == label, 1.0, 0.0)
    weights = weights * np.clip(raised[top : top + height, left : left + width], 0.0, None)
    total = float(weights.sum())
    centre_x = float(weights.sum(axis=0) @ (np.arange(width) + 0.5)) / total
    centre_y = float(weights.sum(axis=1) @ (np.arange(height) + 0.5)) / total
    x, y = float(x0 + left), float(y0 + top)
    return Outline(x, y, width, height, x + centre_x, y + centre_y, float(raised[row, column])), False


def _brightest(raised: F32, peak: Peak, x0: int, y0: int) -> tuple[int, int]:
    """Return row and column of the strongest pixel within the peak's inner square."""
    reach = max(1, peak.inner_px // 2)
    a, b = _span(peak.x - x0, reach, raised.shape[1])
    c, d = _span(peak.y - y0, reach, raised.shape[0])
    inner = raised[c:d, a:b]
    row, column = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return c + int(row), a + int(column)


def _span(centre: float, half: int, limit: int) -> tuple[int, int]:
    """Return the half-open pixel interval of a window around a centre, cut to the image, never empty."""
    middle = min(max(int(np.floor(centre + 0.5)), 0), limit - 1)
    return max(0, middle - half), min(limit, middle + half + 1)


def _ring_sum(image: F32) -> F32:
    total = _box_sum(image, OUTER_PX)
    total -= _box_sum(image, GUARD_PX)
    return total


def _box_sum(image: F32, side_px: int) -> F32:
    return np.asarray(
        cv2.boxFilter(image, -1, (side_px, side_px), normalize=False, borderType=cv2.BORDER_REFLECT_101),
        dtype=np.float32,
    )
