"""Elevation files: where a post lies, what a void is, bilinear heights, and bad files in one clear sentence."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import numpy as np
import pytest
from elevation_files import dted_bytes, geotiff_bytes, hills, hills_geotiff

from scenarios.elevation.dted import read_dted
from scenarios.elevation.geodesy import ecef_m, geodetic_deg, utm_m
from scenarios.elevation.geotiff import read_geotiff
from scenarios.elevation.grid import Elevation, ElevationError, ElevationGrid, UtmZone, checked

RNG = np.random.default_rng(4)
SMALL = np.round(RNG.uniform(-90.0, 900.0, (7, 9)))
GOLDEN = Path(__file__).parent / "golden" / "hills_lzw.tif"


@pytest.mark.parametrize(
    ("place", "zone", "south", "expected"),
    [
        ((48.2, 37.3), 37, False, (373680.6092, 5339926.9886)),
        ((-33.9, 18.4), 33, True, (814420.3310, 6243724.8401)),
        ((71.0, 5.9), 31, False, (605340.3388, 7879918.0554)),
    ],
)
def test_utm_is_that_of_proj(place: tuple[float, float], zone: int, south: bool, expected: tuple[float, float]) -> None:
    """Expected: PROJ 9, EPSG:4326 to 326xx and 327xx, printed to 0.1 mm; two are 3 degrees off their meridian."""
    got = utm_m(np.array(place[0]), np.array(place[1]), zone, south=south)
    assert np.allclose(got, expected, rtol=0.0, atol=2e-4)


@pytest.mark.parametrize(
    ("datum", "place_m", "expected"),
    [
        ((48.0, 37.0, 150.0), (4000.0, -3000.0), (47.973007307187906, 37.05357189599654)),
        ((-33.9, 18.4, 700.0), (-12000.0, 9000.0), (-33.81880100136204, 18.270397149365298)),
        ((69.0, 25.0, 0.0), (15000.0, 15000.0), (69.13405573007856, 25.37720500759876)),
    ],
)
def test_places_are_those_of_proj(
    datum: tuple[float, float, float], place_m: tuple[float, float], expected: tuple[float, float]
) -> None:
    """Expected: PROJ 9, +proj=topocentric inverse, the point lowered from the tangent plane to the datum's altitude."""
    got = geodetic_deg(np.array(place_m[0]), np.array(place_m[1]), *datum)
    assert np.allclose(got, expected, rtol=0.0, atol=1e-11)  # a micrometre


def test_a_place_there_and_back() -> None:
    """The obvious way back: the earth-centred difference on the axes of the datum."""
    east, north = RNG.uniform(-20_000.0, 20_000.0, (2, 50))
    lat, lon = geodetic_deg(east, north, 52.0, -4.0, 300.0)
    a, o = np.radians(52.0), np.radians(-4.0)
    up = np.array([np.cos(a) * np.cos(o), np.cos(a) * np.sin(o), np.sin(a)])
    to_east = np.cross([0.0, 0.0, 1.0], up) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], up))
    offsets = np.array([ecef_m(p, q, 300.0) for p, q in zip(lat, lon, strict=True)]) - ecef_m(52.0, -4.0, 300.0)
    # The lowered point is up to 0.1 m off the datum's altitude at 20 km, which moves level offsets by 0.3 mm.
    assert np.allclose(offsets @ to_east, east, rtol=0.0, atol=1e-3)
    assert np.allclose(offsets @ np.cross(up, to_east), north, rtol=0.0, atol=1e-3)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"order": ">"}, {"deflate": True}, {"point": True}])
def test_geotiff_posts_lie_where_they_were_written(dtype: str, options: dict[str, object]) -> None:
    data = geotiff_bytes(SMALL.astype(dtype), (36.5, 48.5), 0.01, **options)  # type: ignore[arg-type]
    grid = read_geotiff(data)
    assert np.array_equal(grid.heights_m, SMALL)
    assert grid.first == pytest.approx((36.5, 48.5), abs=1e-12)
    assert grid.step == pytest.approx((0.01, -0.01))
    row, column = grid.post(np.array([48.5 - 0.03]), np.array([36.5 + 0.05]))
    assert (row[0], column[0]) == pytest.approx((3.0, 5.0), abs=1e-9)


def test_utm_geotiff() -> None:
    grid = read_geotiff(geotiff_bytes(SMALL.astype(np.float32), (373000.0, 5340000.0), 30.0, 32637))
    assert grid.zone == UtmZone(37, south=False)
    east, north = utm_m(np.array(48.2), np.array(37.3), 37, south=False)
    row, column = grid.post(np.array(48.2), np.array(37.3))
    assert (row, column) == pytest.approx(((5340000.0 - north) / 30.0, (east - 373000.0) / 30.0), abs=1e-9)


def test_a_file_of_gdal() -> None:
    """``hills`` on 41 x 41 posts by GDAL 3.10: tiles, LZW, floating-point predictor, area pixels."""
    grid = read_geotiff(GOLDEN.read_bytes())
    k = np.arange(-20, 21) / 3600.0
    longitude, latitude = np.meshgrid(37.0 + k, 48.0 - k)
    assert np.allclose(grid.heights_m, hills(latitude, longitude), atol=1e-4)
    assert grid.first == pytest.approx((37.0 - 20 / 3600.0, 48.0 + 20 / 3600.0), abs=1e-12)


def test_dted_reads_from_south_to_north_with_signs_and_voids() -> None:
    heights = SMALL.copy()
    heights[2, 3] = np.nan
    grid = read_dted(dted_bytes(heights, "0370000E", "0473000N", 300))
    assert np.array_equal(grid.heights_m, heights, equal_nan=True)
    assert grid.first == (37.0, 47.5)
    assert grid.step == pytest.approx((300 / 36_000.0, 300 / 36_000.0))
    west = read_dted(dted_bytes(heights, "0043000W", "0513000S", 300))
    assert west.first == (-4.5, -51.5)


@pytest.mark.parametrize(("dtype", "no_data"), [("int16", None), ("float32", "-9999"), ("float32", "nan")])
def test_voids_of_a_geotiff(dtype: str, no_data: str | None) -> None:
    heights = SMALL.astype(dtype)
    heights[1, 1] = -32767 if no_data is None else float(no_data)
    grid = read_geotiff(geotiff_bytes(heights, (36.5, 48.5), 0.01, no_data=no_data))
    assert np.isnan(grid.heights_m[1, 1])
    assert np.isnan(grid.heights_m).sum() == 1
    assert checked(grid, 12.0).heights_m[1, 1] == 12.0
    assert np.isnan(checked(grid, None).heights_m[1, 1])


def test_a_void_that_is_not_marked_is_named() -> None:
    heights = SMALL.copy()
    heights[4, 4] = -9999.0
    with pytest.raises(ElevationError, match="it has -9999 at 1 posts"):
        checked(ElevationGrid(heights, (36.5, 48.5), (0.01, -0.01), None), None)


def test_bilinear_heights_are_exact_on_a_plane_and_at_the_posts() -> None:
    rows, columns = np.mgrid[0:7, 0:9]
    plane = ElevationGrid(3.0 + 2.0 * rows - 5.0 * columns, (0.0, 0.0), (1.0, 1.0), None)
    r, c = RNG.uniform(0.0, 6.0, 100), RNG.uniform(0.0, 8.0, 100)
    assert np.allclose(plane.between(r, c), 3.0 + 2.0 * r - 5.0 * c, atol=1e-12)
    grid = ElevationGrid(SMALL, (0.0, 0.0), (1.0, 1.0), None)
    assert np.array_equal(grid.between(rows.astype(float), columns.astype(float)), SMALL)


def test_a_void_counts_only_where_its_weight_does() -> None:
    heights = SMALL.copy()
    heights[3, 3] = np.nan
    grid = ElevationGrid(heights, (0.0, 0.0), (1.0, 1.0), None)
    assert np.isnan(grid.between(np.array([3.0, 2.5, 3.5]), np.array([3.0, 2.5, 3.5]))).all()
    assert np.isfinite(grid.between(np.array([3.0, 2.0]), np.array([4.0, 3.0]))).all()


def test_longitudes_across_the_date_line() -> None:
    grid = ElevationGrid(SMALL, (179.96, 10.0), (0.01, -0.01), None)
    _, column = grid.post(np.array([10.0, 10.0]), np.array([179.98, -179.98]))
    assert column == pytest.approx([2.0, 6.0], abs=1e-9)


def test_elevation_is_counted_from_the_ground_at_the_datum(tmp_path: Path) -> None:
    grid = read_geotiff(hills_geotiff(tmp_path / "hills.tif").read_bytes())
    elevation = Elevation(grid, 48.0, 37.0, 150.0)
    east, north = RNG.uniform(-3000.0, 3000.0, (2, 200))
    lat, lon = geodetic_deg(east, north, 48.0, 37.0, 150.0)
    # A chord of the hills: 80 m x (400 / degree x 1/3600 degree)^2 / 8 on each axis, 0.12 m along, 0.07 m across.
    expected = hills(lat, lon) - hills(np.array(48.0), np.array(37.0))
    assert np.allclose(elevation.heights_m(east, north), expected, atol=0.21)
    assert float(elevation.heights_m(np.array(0.0), np.array(0.0))) == 0.0


def test_off_the_file_is_an_error_that_says_where(tmp_path: Path) -> None:
    grid = read_geotiff(hills_geotiff(tmp_path / "hills.tif", 20).read_bytes())
    with pytest.raises(
        ElevationError, match=r"1 of 3 of its points lie beyond the file's edge, first at 0 m east, 900"
    ):
        Elevation(grid, 48.0, 37.0, 150.0).heights_m(np.array([0.0, 0.0]), np.array([0.0, 900.0]))


GEOTIFF = geotiff_bytes(SMALL.astype(np.float32), (36.5, 48.5), 0.01)
DTED = dted_bytes(SMALL, "0370000E", "0473000N", 300)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "must be a TIFF file"),
        (b"GIF89a" * 10, "must be a TIFF file"),
        (GEOTIFF[:300], "must be a whole TIFF file"),
        (geotiff_bytes(SMALL.astype(np.float32), (36.5, 48.5), 0.01, 32662), "326xx, 327xx"),
        (geotiff_bytes(SMALL.astype(np.float32), (36.5, 48.5), 0.01, 3857), "is in EPSG:3857"),
        (geotiff_bytes(SMALL.astype(np.float32), (36.5, 48.5), 0.01, vertical=9002), "heights in metres"),
        (geotiff_bytes(SMALL.astype(np.float32), (36.5, 48.5), 0.01, no_data="none"), "a number as no-data value"),
        (geotiff_bytes(SMALL[:1].astype(np.float32), (36.5, 48.5), 0.01), "has 9 x 1"),
        (GEOTIFF.replace(b"\x0e\x83", b"\x0f\x83"), "must be a GeoTIFF with north up"),  # no pixel scale
        (
            GEOTIFF.replace(b"\x03\x01\x03\x00\x01\x00\x00\x00\x01", b"\x03\x01\x03\x00\x01\x00\x00\x00\x63"),
            "OpenCV can",
        ),
    ],
)
def test_a_bad_geotiff_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ElevationError, match=says):
        read_geotiff(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"UHL1", "must be a DTED file"),
        (DTED[:-10], "cut off"),
        (DTED[:3428] + b"\xab" + DTED[3429:], "must have 0xAA at the begin of record 0"),
        (DTED[:3440] + bytes([DTED[3440] ^ 1]) + DTED[3441:], "record 0 sums up to"),
        (DTED[:4] + b"037O000E" + DTED[12:], "DDDMMSSH for the longitude"),
        (DTED[:20] + b"0000" + DTED[24:], "intervals above 0"),
        (DTED[:47] + b"0001" + DTED[51:], "2 to 9999 meridians"),
    ],
)
def test_a_bad_dted_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ElevationError, match=says):
        read_dted(data)


def test_changed_bytes_never_end_in_another_error() -> None:
    chance = Random(3)
    for data, read in ((GEOTIFF, read_geotiff), (DTED, read_dted)):
        for _ in range(300):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            with contextlib.suppress(ElevationError):
                assert read(bytes(changed)).heights_m.ndim == 2
