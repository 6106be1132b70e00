"""A grid of heights on the earth, in degrees or in metres of a UTM zone, with bilinear heights between its posts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from scenarios.elevation.geodesy import geodetic_deg, utm_m

LOWEST_M, HIGHEST_M = -500.0, 9000.0  # the shore of the Dead Sea, Mount Everest
MAX_POSTS = 40_000_000  # 6000 x 6000 and a little: a degree at one arc second has 13 million


class ElevationError(ValueError):
    """An elevation file that cannot be used; the text says what must be (``must ...``)."""


@dataclass(frozen=True)
class UtmZone:
    """A UTM zone on WGS 84."""

    number: int  # 1 to 60
    south: bool


@dataclass(frozen=True)
class ElevationGrid:
    """Heights (rows, columns) above mean sea level [m]; NaN where the file has none (a void).

    Post ``[0, 0]`` lies at ``first`` (x, y), the next one a ``step`` further: degrees east and north, or metres of a
    UTM zone.
    """

    heights_m: F64
    first: tuple[float, float]
    step: tuple[float, float]
    zone: UtmZone | None

    def post(self, latitude_deg: F64, longitude_deg: F64) -> tuple[F64, F64]:
        """Return row and column, with fractions, of places (any shape)."""
        if self.zone is not None:
            x, y = utm_m(latitude_deg, longitude_deg, self.zone.number, south=self.zone.south)
        else:
            middle = self.first[0] + 0.5 * self.step[0] * (self.heights_m.shape[1] - 1)
            x, y = middle + (longitude_deg - middle + 180.0) % 360.0 - 180.0, latitude_deg
        return (y - self.first[1]) / self.step[1], (x - self.first[0]) / self.step[0]

    def inside(self, row: F64, column: F64) -> NDArray[np.bool_]:
        """Say which posts lie on the grid; a millionth of a step beyond its edge counts as on it."""
        rows, columns = self.heights_m.shape
        on = (row >= -1e-6) & (row <= rows - 1 + 1e-6) & (column >= -1e-6) & (column <= columns - 1 + 1e-6)
        return np.asarray(on, dtype=np.bool_)

    def between(self, row: F64, column: F64) -> F64:
        """Return bilinear heights at posts with fractions; NaN where a post that counts is void."""
        rows, columns = self.heights_m.shape
        r, c = np.clip(row, 0.0, rows - 1.0), np.clip(column, 0.0, columns - 1.0)
        i, j = np.minimum(r.astype(np.int64), rows - 2), np.minimum(c.astype(np.int64), columns - 2)
        r, c = r - i, c - j
        total = np.zeros(r.shape)
        for di, wi in ((0, 1.0 - r), (1, r)):
            for dj, wj in ((0, 1.0 - c), (1, c)):
                weight = wi * wj
                total += np.where(weight > 1e-9, weight * self.heights_m[i + di, j + dj], 0.0)
        return total


@dataclass(frozen=True)
class Elevation:
    """A grid seen from a datum: heights by places east and north of it, above the ground at the datum."""

    grid: ElevationGrid
    latitude_deg: float
    longitude_deg: float
    altitude_m: float

    def heights_m(self, east_m: F64, north_m: F64) -> F64:
        """Return heights over the ground at the datum [m]. Raises ElevationError off the grid and at voids."""
        shape = np.broadcast(east_m, north_m).shape
        east, north = (np.append(np.broadcast_to(x, shape).ravel(), 0.0) for x in (east_m, north_m))
        place = geodetic_deg(east, north, self.latitude_deg, self.longitude_deg, self.altitude_m)
        row, column = self.grid.post(*place)
        self._require(self.grid.inside(row, column), east, north, "lie beyond the file's edge")
        heights = self.grid.between(row, column)
        self._require(np.isfinite(heights), east, north, "are void in the file")
        return np.asarray((heights[:-1] - heights[-1]).reshape(shape))

    def _require(self, good: NDArray[np.bool_], east_m: F64, north_m: F64, what: str) -> None:
        if good.all():
            return
        k = int(np.argmin(good))
        where = f"first at {east_m[k]:.0f} m east, {north_m[k]:.0f} m north"
        help_ = "give void_height_m, or another file" if "void" in what else "make size_m smaller, or move the datum"
        raise ElevationError(
            f"must cover the terrain: {int((~good).sum())} of {good.size} of its points {what}, {where} of the datum "
            f"({self.latitude_deg:g} N, {self.longitude_deg:g} E): {help_}"
        )


def checked(grid: ElevationGrid, void_height_m: float | None) -> ElevationGrid:
    """Return a grid with its voids filled where a height for them is given. Raises ElevationError where one is absurd.

    A height that no ground has is most often a void that the file does not mark as one.
    """
    heights = grid.heights_m
    void = np.isnan(heights)
    with np.errstate(invalid="ignore"):
        wrong = (heights < LOWEST_M) | (heights > HIGHEST_M)
    if wrong.any():
        worst = float(heights[wrong][0])
        raise ElevationError(
            f"must hold heights of {LOWEST_M:g} to {HIGHEST_M:g} m; it has {worst:g} at {int(wrong.sum())} posts: "
            "mark them as void in the file (no-data value)"
        )
    if void_height_m is None or not void.any():
        return grid
    return ElevationGrid(np.where(void, void_height_m, heights), grid.first, grid.step, grid.zone)
