"""Places on the WGS 84 ellipsoid: from the local east-north frame to latitude and longitude, and on to UTM.

Heights of a terrain are counted from the curved surface of the earth, as elevation files do; line of sight adds the
bulge. So a place in the local frame is the one reached over that surface, not on the tangent plane.
"""

from __future__ import annotations

import numpy as np

from messages.frames import F64

A_M = 6_378_137.0  # WGS 84, semi-major axis
F = 1.0 / 298.257223563  # WGS 84, flattening
E2 = F * (2.0 - F)
UTM_SCALE, UTM_EASTING_M, UTM_SOUTH_M = 0.9996, 500_000.0, 10_000_000.0
_N = F / (2.0 - F)
_RADIUS_M = A_M / (1.0 + _N) * (1.0 + _N**2 / 4.0 + _N**4 / 64.0)  # of the rectifying sphere
_ALPHA = (  # Krueger's series to the third order: below a millimetre within a zone
    _N / 2.0 - 2.0 * _N**2 / 3.0 + 5.0 * _N**3 / 16.0,
    13.0 * _N**2 / 48.0 - 3.0 * _N**3 / 5.0,
    61.0 * _N**3 / 240.0,
)


def ecef_m(latitude_deg: float, longitude_deg: float, altitude_m: float) -> F64:
    """Return the earth-centred position (3,) of a geodetic place."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    across = A_M / np.sqrt(1.0 - E2 * np.sin(lat) ** 2)
    level = (across + altitude_m) * np.cos(lat)
    return np.array([level * np.cos(lon), level * np.sin(lon), (across * (1.0 - E2) + altitude_m) * np.sin(lat)])


def geodetic_deg(
    east_m: F64, north_m: F64, latitude_deg: float, longitude_deg: float, altitude_m: float
) -> tuple[F64, F64]:
    """Return latitudes and longitudes [deg] of places east and north of a datum, at the datum's own altitude.

    Bowring's closed form; its error is below a micrometre this near the surface.
    """
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    up_m = -(east_m**2 + north_m**2) / (2.0 * (A_M + altitude_m))  # back from the tangent plane to the surface
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    origin = ecef_m(latitude_deg, longitude_deg, altitude_m)
    outward = cos_lat * up_m - sin_lat * north_m
    x = origin[0] + cos_lon * outward - sin_lon * east_m
    y = origin[1] + sin_lon * outward + cos_lon * east_m
    z = origin[2] + sin_lat * up_m + cos_lat * north_m
    p, b = np.hypot(x, y), A_M * (1.0 - F)
    theta = np.arctan2(z * A_M, p * b)
    up = z + E2 / (1.0 - E2) * b * np.sin(theta) ** 3
    return np.degrees(np.arctan2(up, p - E2 * A_M * np.cos(theta) ** 3)), np.degrees(np.arctan2(y, x))


def utm_m(latitude_deg: F64, longitude_deg: F64, zone: int, *, south: bool) -> tuple[F64, F64]:
    """Return eastings and northings [m] in a UTM zone (1 to 60), by Krueger's series."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg - (6.0 * zone - 183.0))
    e = 2.0 * np.sqrt(_N) / (1.0 + _N)
    t = np.sinh(np.arctanh(np.sin(lat)) - e * np.arctanh(e * np.sin(lat)))
    xi, eta = np.arctan2(t, np.cos(lon)), np.arctanh(np.sin(lon) / np.sqrt(1.0 + t * t))
    east, north = eta.copy(), xi.copy()
    for j, alpha in enumerate(_ALPHA, 1):
        east += alpha * np.cos(2.0 * j * xi) * np.sinh(2.0 * j * eta)
        north += alpha * np.sin(2.0 * j * xi) * np.cosh(2.0 * j * eta)
    scale = UTM_SCALE * _RADIUS_M
    return UTM_EASTING_M + scale * east, scale * north + (UTM_SOUTH_M if south else 0.0)
