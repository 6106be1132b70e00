"""Terrain: heights from a seed or a file, with woods, treelines and ridges, and line of sight over it.

Heights are metres above the ground at the datum, counted from the curved surface of the earth. A straight ray is
sampled at half a cell, on a grid of half a cell; it is blocked where it passes below ground plus canopy plus the bulge
of the 4/3 earth. Vegetation is opaque.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from messages.frames import F64
from scenarios.schema import Barrier, TerrainPlan

EARTH_RADIUS_M = 4.0 / 3.0 * 6_371_000.0  # standard refraction bends rays as if the earth were 4/3 as large
FINE_SHARE = 0.12  # share of the relief in hummocks a quarter of the correlation length wide
MAX_SAMPLES = 600  # on one ray; beyond this the step grows (8 km rays: 13 m)
CHUNK_SAMPLES = 60_000  # rays are handled in blocks whose arrays stay inside the cache


class Terrain:
    """Height and canopy on a square grid around the datum; bilinear between cells, clamped outside."""

    def __init__(self, plan: TerrainPlan, keep_clear_m: F64 | None = None) -> None:
        """Make the terrain of a plan; ``keep_clear_m`` (k, 2) are points around which no random woods grow."""
        axis = plan.axis_m()
        n = len(axis)
        self.cell_m = plan.size_m / (n - 1)
        self.half_m = plan.size_m / 2.0
        rng = np.random.default_rng(plan.seed)
        east, north = np.meshgrid(axis, axis)  # row: north, column: east
        from_file = plan.file.elevation.heights_m(east, north) if plan.file else None
        height = _relief(rng, n, self.cell_m, plan) if from_file is None else from_file
        for ridge in plan.ridges:
            height += ridge.height_m * np.exp(-np.log(2.0) * (2.0 * _distance(ridge, east, north) / ridge.width_m) ** 2)
        centre = n // 2
        self.height_grid_m: F64 = height - height[centre, centre]
        self.canopy_grid_m: F64 = _woods(rng, n, self.cell_m, plan, keep_clear_m)
        for line in plan.treelines:
            inside = _distance(line, east, north) <= max(line.width_m / 2.0, 0.71 * self.cell_m)
            self.canopy_grid_m[inside] = np.maximum(self.canopy_grid_m[inside], line.height_m)
        self._surface = self.height_grid_m + self.canopy_grid_m
        self._top_m = float(self._surface.max())
        self._n = n
        self._fine_m = self.cell_m / 2.0
        self._fine_n = 2 * n - 1
        fine = np.linspace(-self.half_m, self.half_m, self._fine_n)
        self._fine = self.surface(*np.meshgrid(fine, fine)).ravel()
        both = np.stack([self.height_grid_m, self._surface], axis=-1)
        self._rows: list[list[list[float]]] = both.tolist()

    def height(self, east_m: ArrayLike, north_m: ArrayLike) -> F64:
        """Return the ground's height [m]; any shape."""
        return self._sample(self.height_grid_m, east_m, north_m)

    def canopy(self, east_m: ArrayLike, north_m: ArrayLike) -> F64:
        """Return the height of vegetation above the ground [m]; any shape."""
        return self._sample(self.canopy_grid_m, east_m, north_m)

    def surface(self, east_m: ArrayLike, north_m: ArrayLike) -> F64:
        """Return the height of ground plus vegetation [m]; any shape."""
        return self._sample(self._surface, east_m, north_m)

    def ground_at(self, east_m: float, north_m: float) -> float:
        """Return the ground's height at one point: the scalar twin of ``height``, for step-by-step motion."""
        return self.ground_and_surface_at(east_m, north_m)[0]

    def ground_and_surface_at(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Return ground, and ground plus vegetation, at one point: the scalar twin of ``height`` and ``surface``."""
        limit = self._n - 1.000001
        x = min(max((east_m + self.half_m) / self.cell_m, 0.0), limit)
        y = min(max((north_m + self.half_m) / self.cell_m, 0.0), limit)
        column, row = int(x), int(y)
        x, y = x - column, y - row
        a, b, c, d = (1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y
        low, high = self._rows[row], self._rows[row + 1]
        (g_a, s_a), (g_b, s_b), (g_c, s_c), (g_d, s_d) = low[column], low[column + 1], high[column], high[column + 1]
        return a * g_a + b * g_b + c * g_c + d * g_d, a * s_a + b * s_b + c * s_c + d * s_d

    def line_of_sight(self, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
        """Say which points (n, 3) are seen from ``origin_m`` (3,), over terrain and vegetation."""
        points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
        seen = np.ones(len(points), dtype=np.bool_)
        if not len(points):
            return seen
        origin = np.asarray(origin_m, dtype=np.float64)
        # Above the highest tree of the map nothing blocks: only the part of a ray below it is sampled.
        climb = points[:, 2] - origin[2]
        room = self._top_m + 1.0 - origin[2]
        with np.errstate(divide="ignore", invalid="ignore"):
            until = np.where(climb > 0.0, np.clip(room / climb, 0.0, 1.0), 1.0)
        ground_m = np.hypot(points[:, 0] - origin[0], points[:, 1] - origin[1])
        samples = np.clip(np.ceil(until * ground_m / self._fine_m), 2, MAX_SAMPLES).astype(np.int64)
        order = np.argsort(samples, kind="stable")
        first = 0
        while first < len(order):
            last = _chunk_end(samples[order], first)
            rays = order[first:last]
            seen[rays] = self._clear(origin, points[rays], until[rays], int(samples[rays].max()))
            first = last
        return seen

    def _clear(self, origin: F64, points: F64, until: F64, samples: int) -> NDArray[np.bool_]:
        # Fractions of the way; the ends are left out: a sensor stands on, and a target may touch, the ground.
        share = (np.arange(samples) + 0.5) / samples * until[:, None]
        offset = points - origin
        ground2_m2 = np.sum(offset[:, :2] ** 2, axis=1)[:, None]
        column = self._fine_index(origin[0], offset[:, 0:1], share)
        row = self._fine_index(origin[1], offset[:, 1:2], share)
        up = origin[2] + share * (offset[:, 2:3] - (1.0 - share) * ground2_m2 / (2.0 * EARTH_RADIUS_M))
        row *= self._fine_n
        row += column
        return np.asarray(np.all(self._fine.take(row) <= up, axis=1))

    def _fine_index(self, start_m: float, offset_m: F64, share: F64) -> NDArray[np.int64]:
        index = ((start_m + self.half_m) / self._fine_m + 0.5 + share * (offset_m / self._fine_m)).astype(np.int64)
        return np.clip(index, 0, self._fine_n - 1, out=index)

    def _sample(self, grid: F64, east_m: ArrayLike, north_m: ArrayLike) -> F64:
        limit = self._n - 1.000001
        x = np.clip((np.asarray(east_m, dtype=np.float64) + self.half_m) / self.cell_m, 0.0, limit)
        y = np.clip((np.asarray(north_m, dtype=np.float64) + self.half_m) / self.cell_m, 0.0, limit)
        column, row = x.astype(np.int64), y.astype(np.int64)
        x, y = x - column, y - row
        flat, corner = grid.ravel(), row * self._n + column
        low = flat[corner] * (1.0 - x) + flat[corner + 1] * x
        high = flat[corner + self._n] * (1.0 - x) + flat[corner + self._n + 1] * x
        return np.asarray(low * (1.0 - y) + high * y)


def _chunk_end(samples: NDArray[np.int64], first: int) -> int:
    """Return the end of a block of rays (sorted by samples) whose common array stays within CHUNK_SAMPLES."""
    count = np.arange(1, len(samples) - first + 1)
    return first + max(1, int(np.searchsorted(count * samples[first:], CHUNK_SAMPLES)))


def _field(rng: np.random.Generator, n: int, sigma_cells: float) -> F64:
    """Return smooth Gaussian noise of unit variance on an (n, n) grid."""
    noise = ndimage.gaussian_filter(rng.standard_normal((n, n)), sigma_cells, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def _relief(rng: np.random.Generator, n: int, cell_m: float, plan: TerrainPlan) -> F64:
    sigma = plan.correlation_m / cell_m / 2.0  # a Gaussian filter correlates over about twice its sigma
    coarse, fine = _field(rng, n, sigma), _field(rng, n, sigma / 4.0)
    return np.asarray(plan.relief_m * (np.sqrt(1.0 - FINE_SHARE**2) * coarse + FINE_SHARE * fine))


def _woods(rng: np.random.Generator, n: int, cell_m: float, plan: TerrainPlan, keep_clear_m: F64 | None) -> F64:
    density = _field(rng, n, plan.woods_correlation_m / cell_m / 2.0)
    tall = plan.tree_height_m * rng.uniform(0.8, 1.2, (n, n))
    wooded = density > np.quantile(density, 1.0 - plan.woods_fraction) if plan.woods_fraction > 0.0 else density > 1e9
    if keep_clear_m is not None and len(keep_clear_m):
        bare = np.ones((n, n), dtype=np.bool_)
        row_column = np.clip(np.rint((keep_clear_m[:, ::-1] + plan.size_m / 2.0) / cell_m), 0, n - 1).astype(np.int64)
        bare[row_column[:, 0], row_column[:, 1]] = False
        wooded &= ndimage.distance_transform_edt(bare) * cell_m > plan.clearing_m
    return np.where(wooded, tall, 0.0)


def _distance(barrier: Barrier, east: F64, north: F64) -> F64:
    """Return the distance of grid points from a barrier's centre line [m]."""
    a, b = np.array(barrier.from_m), np.array(barrier.to_m)
    along = b - a
    length2 = max(float(along @ along), 1e-9)
    share = np.clip(((east - a[0]) * along[0] + (north - a[1]) * along[1]) / length2, 0.0, 1.0)
    return np.asarray(np.hypot(east - a[0] - share * along[0], north - a[1] - share * along[1]))
