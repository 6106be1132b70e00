"""GeoTIFF (OGC 19-008r4): one band of heights, north up, in degrees or in UTM on WGS 84.

The place comes from the file's own tags, read here; the samples are decoded by OpenCV (uncompressed, LZW, deflate,
strips and tiles, 16 to 64 bits).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from messages.frames import F64
from scenarios.elevation.grid import MAX_POSTS, ElevationError, ElevationGrid, UtmZone

WIDTH, HEIGHT, SAMPLES = 256, 257, 277
PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS, NO_DATA = 33550, 33922, 34264, 34735, 42113
MODEL_TYPE, RASTER_TYPE, GEOGRAPHIC_TYPE, PROJECTED_TYPE, VERTICAL_UNITS = 1024, 1025, 2048, 3072, 4099
PROJECTED, GEOGRAPHIC, PIXEL_IS_POINT, METRE, WGS84 = 1, 2, 2, 9001, 4326
TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 11: "f", 12: "d", 16: "Q"}  # of the tags that are needed
MAX_ENTRIES, MAX_VALUES = 512, 4096
VOIDS = (-32767.0, -32768.0)  # usual marks of a void, also where the file does not say so
REPROJECT = "as gdalwarp -t_srs EPSG:4326 makes it"


def read_geotiff(data: bytes) -> ElevationGrid:
    """Return the grid of a GeoTIFF. Raises ElevationError where it is none, or not of the kind described above."""
    tags = _tags(data)
    width, height = (int(tags.get(tag, (0,))[0]) for tag in (WIDTH, HEIGHT))
    if width < 2 or height < 2 or width * height > MAX_POSTS:
        raise ElevationError(f"must have 2 x 2 to {MAX_POSTS} posts, has {width} x {height}")
    if tags.get(SAMPLES, (1,))[0] != 1:
        raise ElevationError(f"must have one band of heights, has {tags[SAMPLES][0]}")
    first, step, zone = _placement(tags)
    heights = _samples(data, (height, width))
    heights[np.isin(heights, (*VOIDS, *_no_data(tags)))] = np.nan
    return ElevationGrid(heights, first, step, zone)


def _tags(data: bytes) -> dict[int, Any]:
    """Return tag -> values of the first image; classic TIFF and BigTIFF, both byte orders."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    version = struct.unpack_from(f"{order}H", data, 2)[0] if order and len(data) >= 16 else 0
    if order is None or version not in (42, 43):
        raise ElevationError("must be a TIFF file (its first bytes are not those of one)")
    count_form, entry_form, size, inline = ("Q", "HHQ8s", 20, 8) if version == 43 else ("H", "HHI4s", 12, 4)
    try:
        (start,) = struct.unpack_from(f"{order}Q" if version == 43 else f"{order}I", data, 8 if version == 43 else 4)
        (count,) = struct.unpack_from(f"{order}{count_form}", data, start)
        start += struct.calcsize(count_form)
        tags: dict[int, Any] = {}
        for k in range(min(count, MAX_ENTRIES)):
            tag, kind, n, field = struct.unpack_from(f"{order}{entry_form}", data, start + k * size)
            if kind in TYPES and n <= MAX_VALUES:
                tags[tag] = _values(data, order, TYPES[kind], n, field, inline)
    except struct.error:
        raise ElevationError("must be a whole TIFF file: its tags point beyond its end") from None
    return tags


def _values(data: bytes, order: str, form: str, n: int, field: bytes, inline: int) -> Any:
    form = f"{order}{n}{form}"
    if struct.calcsize(form) <= inline:
        return struct.unpack_from(form, field)
    (offset,) = struct.unpack(f"{order}{'Q' if inline == 8 else 'I'}", field)
    return struct.unpack_from(form, data, offset)


def _placement(tags: dict[int, Any]) -> tuple[tuple[float, float], tuple[float, float], UtmZone | None]:
    """Return where the first post lies, the step, and the UTM zone (None: degrees)."""
    scale, tie, flat = (tags.get(tag, ()) for tag in (PIXEL_SCALE, TIE_POINT, GEO_KEYS))
    if TRANSFORMATION in tags or len(scale) < 2 or len(tie) < 6 or not scale[0] > 0.0 or not scale[1] > 0.0:
        raise ElevationError(f"must be a GeoTIFF with north up (pixel scale and tie point, no rotation), {REPROJECT}")
    keys = {flat[k]: flat[k + 3] for k in range(4, len(flat) - 3, 4) if flat[k + 1] == 0}
    zone = _zone(keys)
    if keys.get(VERTICAL_UNITS, METRE) != METRE:
        raise ElevationError(f"must have heights in metres, its vertical unit is EPSG:{keys[VERTICAL_UNITS]}")
    centre = 0.0 if keys.get(RASTER_TYPE) == PIXEL_IS_POINT else 0.5  # the middle of the first pixel
    first = tie[3] + (centre - tie[0]) * scale[0], tie[4] - (centre - tie[1]) * scale[1]
    return first, (scale[0], -scale[1]), zone


def _zone(keys: dict[int, int]) -> UtmZone | None:
    model, code = keys.get(MODEL_TYPE), keys.get(PROJECTED_TYPE, 0)
    if model == GEOGRAPHIC and keys.get(GEOGRAPHIC_TYPE) == WGS84:
        return None
    if model == PROJECTED and code // 100 in (326, 327) and 1 <= code % 100 <= 60:
        return UtmZone(code % 100, code // 100 == 327)
    what = f"EPSG:{code or keys.get(GEOGRAPHIC_TYPE, 'none')}"
    raise ElevationError(f"must be in EPSG:4326 or UTM on WGS 84 (326xx, 327xx), is in {what}: {REPROJECT}")


def _no_data(tags: dict[int, Any]) -> tuple[float, ...]:
    raw = tags.get(NO_DATA, (b"",))[0]
    text = raw.split(b"\0")[0].strip() if isinstance(raw, bytes) else b""
    try:
        return (float(text),) if text else ()
    except ValueError:
        raise ElevationError(f"must have a number as no-data value, has {text!r}") from None


def _samples(data: bytes, shape: tuple[int, int]) -> F64:
    import cv2  # here: only who brings a GeoTIFF needs it

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it warns of each tag that says where
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None or image.shape != shape:
        raise ElevationError(
            "must be a TIFF of one band that OpenCV can decode (uncompressed, LZW or deflate): "
            "gdal_translate -co COMPRESS=DEFLATE makes one"
        )
    return np.asarray(image, dtype=np.float64)
