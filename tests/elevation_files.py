"""Elevation files written from their specifications, by code that shares nothing with the readers."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

FORMATS = {"int16": (16, 2), "uint16": (16, 1), "int32": (32, 2), "float32": (32, 3), "float64": (64, 3)}  # bits, kind


def geotiff_bytes(
    heights: np.ndarray,
    first: tuple[float, float],
    step: float,
    epsg: int = 4326,
    *,
    point: bool = False,
    no_data: str | None = None,
    order: str = "<",
    deflate: bool = False,
    vertical: int | None = None,
) -> bytes:
    """Return a classic TIFF of one strip; ``first`` is the centre of the north-western post."""
    rows, columns = heights.shape
    bits, kind = FORMATS[heights.dtype.name]
    samples = heights.astype(heights.dtype.newbyteorder(order)).tobytes()
    samples = zlib.compress(samples) if deflate else samples
    corner = first if point else (first[0] - step / 2.0, first[1] + step / 2.0)
    keys = [(1024, 2 if epsg == 4326 else 1), (1025, 2 if point else 1), (2048 if epsg == 4326 else 3072, epsg)]
    keys += [(4099, vertical)] if vertical else []
    flat = [1, 1, 0, len(keys)] + [n for key, value in keys for n in (key, 0, 1, value)]
    tags: list[tuple[int, str, tuple[float, ...] | bytes]] = [
        (256, "I", (columns,)),
        (257, "I", (rows,)),
        (258, "H", (bits,)),
        (259, "H", (8 if deflate else 1,)),
        (262, "H", (1,)),
        (273, "I", (8,)),
        (277, "H", (1,)),
        (278, "I", (rows,)),
        (279, "I", (len(samples),)),
        (339, "H", (kind,)),
        (33550, "d", (step, step, 0.0)),
        (33922, "d", (0.0, 0.0, 0.0, *corner, 0.0)),
        (34735, "H", tuple(flat)),
    ]
    if no_data is not None:
        tags.append((42113, "s", no_data.encode() + b"\0"))
    return _tiff(tags, samples, order)


def _tiff(tags: list[tuple[int, str, tuple[float, ...] | bytes]], samples: bytes, order: str) -> bytes:
    codes = {"s": 2, "H": 3, "I": 4, "d": 12}
    samples += b"\0" * (len(samples) % 2)
    directory = 8 + len(samples)
    extra_at = directory + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, form, values in tags:
        packed = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{form}", *values)
        field = packed.ljust(4, b"\0")
        if len(packed) > 4:
            field = struct.pack(f"{order}I", extra_at + len(extra))
            extra += packed + b"\0" * (len(packed) % 2)
        entries += struct.pack(f"{order}HHI", tag, codes[form], len(values)) + field
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, directory)
    return head + samples + struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0) + extra


def dted_bytes(heights: np.ndarray, west: str, south: str, step_tenths: int) -> bytes:
    """Return a DTED file; ``heights`` rows from south to north, columns from west to east, NaN for voids."""
    rows, columns = heights.shape
    head = f"UHL1{west}{south}{step_tenths:04d}{step_tenths:04d}0050U  {'':12}{columns:04d}{rows:04d}0".encode()
    out = head.ljust(80) + b"DSIU".ljust(648) + b"ACC".ljust(2700)
    for j in range(columns):
        record = struct.pack(">BBHHH", 0xAA, 0, j, j, 0)
        for value in heights[:, j]:
            whole = -32767 if np.isnan(value) else round(float(value))
            record += struct.pack(">H", abs(whole) | (0x8000 if whole < 0 else 0))
        out += record + struct.pack(">I", sum(record))
    return out


def hills(latitude_deg: np.ndarray, longitude_deg: np.ndarray) -> np.ndarray:
    """Return the heights that the test files hold: 300 m, hills about a kilometre wide, a slope to the north."""
    wave = np.sin((latitude_deg - 48.0) * 400.0) * np.cos((longitude_deg - 37.0) * 300.0)
    return np.asarray(300.0 + 80.0 * wave + 1000.0 * (latitude_deg - 48.0))


def hills_geotiff(path: Path, half_posts: int = 150, **options: object) -> Path:
    """Write a GeoTIFF of ``hills`` around 48 N, 37 E with a post every arc second."""
    step = 1.0 / 3600.0
    k = np.arange(-half_posts, half_posts + 1) * step
    longitude, latitude = np.meshgrid(37.0 + k, 48.0 - k)
    heights = hills(latitude, longitude).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(geotiff_bytes(heights, (37.0 - half_posts * step, 48.0 + half_posts * step), step, **options))  # type: ignore[arg-type]
    return path
