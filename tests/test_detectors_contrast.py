"""Local contrast and outlines, against the direct sums they stand for and against known spots."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.contrast import GUARD_PX, INNER_PX, OUTER_PX, Peak, contrast_map, outline, peaks


def _spot(x: float, y: float, size: float, contrast: float, shape: tuple[int, int] = (128, 160)) -> np.ndarray:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    noise = np.random.default_rng(0).normal(0.0, 1.0, shape)
    image = 100.0 + noise + contrast * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / size**2)
    return image.astype(np.float32)


def _contrast_by_sums(image: np.ndarray, x: int, y: int, floor: float) -> float:
    def square(side: int) -> np.ndarray:
        half = side // 2
        return image[y - half : y + half + 1, x - half : x + half + 1].astype(np.float64)

    in_ring = np.ones((OUTER_PX, OUTER_PX), bool)
    margin = (OUTER_PX - GUARD_PX) // 2
    in_ring[margin:-margin, margin:-margin] = False
    ring = square(OUTER_PX)[in_ring]
    return float((square(INNER_PX).mean() - ring.mean()) / np.sqrt(ring.var() + floor**2))


def test_the_contrast_map_is_the_ring_test() -> None:
    image = _spot(80.0, 60.0, 2.0, 50.0)
    found = contrast_map(image, 1.5)
    for x, y in ((80, 60), (30, 30), (100, 90), (85, 64)):
        # Single precision sums of 289 squares of about 1e4 leave 1e-7 * 3e6 / 208 of variance.
        assert found[y, x] == pytest.approx(_contrast_by_sums(image, x, y, 1.5), abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [1.0, 2.0, 4.0, 8.0])
def test_a_spot_of_any_size_and_polarity_is_the_strongest_peak(size: float, sign: int) -> None:
    image = _spot(90.3, 61.8, size, 60.0 * sign)
    best = peaks(image, 4.0, 4, 1.5)[0]
    assert best.sign == sign
    assert np.hypot(best.x + 0.5 - 90.3, best.y + 0.5 - 61.8) < max(1.5, size)
    spot = outline(image, best)
    assert spot is not None
    # The centroid of a Gaussian above 0.4 of its peak, noise 1 of 60 on 5 pixels or more: 0.1 px; its rim: 0.3.
    assert [spot.centre_x, spot.centre_y] == pytest.approx([90.3, 61.8], abs=0.3)
    # Above 0.4 of the peak a Gaussian is 2 * 1.35 sigma wide.
    assert spot.width == pytest.approx(2.7 * size, abs=2.0)


def test_noise_alone_gives_few_peaks() -> None:
    image = np.random.default_rng(2).normal(100.0, 3.0, (256, 320)).astype(np.float32)
    # The mean of 9 independent pixels exceeds 4 ring sigmas at 12 sigmas of its own: never; coarser levels likewise.
    assert peaks(image, 4.0, 4, 1.5) == []


def test_a_horizon_has_no_outline() -> None:
    image = np.where(np.arange(128)[:, None] > 70, 180.0, 60.0).repeat(160, axis=1).astype(np.float32)
    image[66:72, 75:85] = 180.0  # a tree top on the horizon
    assert outline(image, Peak(79.5, 67.0, 5.0, 1, 6)) is None


def test_a_spot_at_the_edge_of_the_image_is_outlined() -> None:
    image = _spot(2.0, 60.0, 2.0, 60.0)
    spot = outline(image, peaks(image, 4.0, 3, 1.5)[0])
    assert spot is not None
    assert spot.x == 0.0
    assert spot.centre_y == pytest.approx(60.0, abs=0.3)


def test_an_image_smaller_than_the_ring_has_no_peaks() -> None:
    assert peaks(np.zeros((8, 8), np.float32), 4.0, 3, 1.5) == []
