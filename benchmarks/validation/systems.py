"""Published ranges of whole sensors, computed by the profiles of the catalogue that stand for them.

The published figure says how far, rarely of what and never how sure. Here it is the distance at which one look finds
the target with a probability of 0.9 (radar) or 0.5 (what listens), in the clear, five degrees above the horizon.
What a profile assumes so that this comes out is said in its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.validation.published import NUMBER, Malformed, Row, limit_of
from benchmarks.validation.sensor_bench import MOUNT_RAD, looks, moving, origin, sensor, target_type
from benchmarks.validation.verdict import Quantity, Result
from scenarios.catalogue import shipped
from scenarios.types import TargetType

ELEVATION_RAD = float(np.radians(5.0))
ATTITUDE_RAD = 0.7  # heading of the bench's vehicle
CLOSING_MPS = 15.0  # faster than any Doppler notch, slower than any blind speed
RADAR_PD, LISTENING_PD = 0.9, 0.5
NEAREST_M, FARTHEST_M, STEPS = 5.0, 60_000.0, 24  # bisection: 60 km / 2^24 is 4 mm
BAND = "30%"  # of a vendor's figure whose row gives no tolerance
RCS_DBSM = {
    "micro": -30.0,
    "small": -20.0,
    "heavy": -10.0,
    "fixed_wing": -5.0,
    "light_aircraft": 0.0,
    "helicopter": 5.0,
}
"""X band, the defaults of the catalogue (E); light aircraft 1 m2, helicopter 3 m2 (T, Skolnik)."""
QUIET_DBA, COUNTRY_DBA = 35.0, 45.0  # a calm night, a day with wind in the leaves (E)

Probe = Callable[[str], float]
"""What one number of a row is computed by, from the name of a profile."""


def reach_m(profile: str, target: TargetType, probability: float, environment: dict[str, Any] | None = None) -> float:
    """Return how far a sensor of the catalogue finds a target with this probability in one look; 0 where nowhere."""
    model = sensor(profile, target, environment=environment)
    yaw = ATTITUDE_RAD + MOUNT_RAD[0]
    line = np.array([np.sin(yaw), np.cos(yaw), np.tan(ELEVATION_RAD)]) * np.cos(ELEVATION_RAD)

    def found(range_m: float) -> bool:
        bench = moving(origin() + range_m * line, -CLOSING_MPS * line)
        return float(looks(model, bench, 1)[0].detection_probability[0]) >= probability

    low, high = max(NEAREST_M, 1.1 * shipped().sensors[profile].field_of_view.range_m[0]), FARTHEST_M
    if not found(low):
        return 0.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if found(middle) else (low, middle)
    return low


def echo(name: str) -> Probe:
    """Return the range of a radar on a body of this kind [km]."""
    target = target_type("civil_quadcopter", rcs_dbsm=RCS_DBSM[name])
    return lambda profile: reach_m(profile, target, RADAR_PD) / 1000.0


def phantom(profile: str) -> float:
    """Return the range of a radar on the catalogue's civil quadcopter [km]."""
    return reach_m(profile, target_type("civil_quadcopter"), RADAR_PD) / 1000.0


def instrumented(profile: str) -> float:
    """Return the farthest range that a sensor reports at all [km]."""
    return shipped().sensors[profile].field_of_view.range_m[1] / 1000.0


def video(frequency_hz: float) -> Probe:
    """Return the range of a direction finder on the picture that a quadcopter sends [km]."""
    link = {"kind": "digital_video", "frequency_hz": frequency_hz, "bandwidth_hz": 20e6, "eirp_dbm": 26.0, "duty": 0.9}
    target = target_type("mini_quadcopter", emissions=[link])
    return lambda profile: reach_m(profile, target, LISTENING_PD) / 1000.0


def bearing_deg(profile: str) -> float:
    """Return the accuracy of a bearing at 10 dB over the detection threshold [deg]."""
    sigma = sensor(profile, target_type("mini_quadcopter")).nominal_sigma(1000.0).azimuth_rad
    return float("nan") if sigma is None else float(np.degrees(sigma))


def sound(name: str, ambient_dba: float) -> Probe:
    """Return the range of an array on a type of the catalogue, in this noise [m]."""
    target = target_type(name)
    return lambda profile: reach_m(profile, target, LISTENING_PD, {"ambient_noise_dba": ambient_dba})


TYPICAL, IDEAL = video(5.80e9), video(2.44e9)
"""A vendor's typical and best case: the same picture in the upper band, where it is 7.5 dB weaker, and the lower."""


@dataclass(frozen=True)
class System:
    """Rows whose quantity has ``pattern`` are about ``profile``; a probe for each number, None: not compared."""

    pattern: re.Pattern[str]
    profile: str
    probes: tuple[Probe | None, ...]


def _system(pattern: str, profile: str, *probes: Probe | None) -> System:
    return System(re.compile(pattern), profile, probes)


SYSTEMS: tuple[System, ...] = (
    _system("^EchoShield very small UAS", "echodyne_echoshield", echo("micro")),
    _system("^EchoShield small quadcopter", "echodyne_echoshield", echo("small")),
    _system("^EchoShield larger multirotor", "echodyne_echoshield", echo("heavy")),
    _system("^EchoShield small fixed-wing", "echodyne_echoshield", echo("fixed_wing")),
    _system("^Fortem TrueView", "fortem_trueview", phantom),
    _system("RPS-42", "rada_rps42", echo("micro")),
    _system("^APS FIELDctrl Range", "aps_fieldctrl_range", echo("micro"), echo("helicopter")),
    _system("^Tron T.Radar", "tron_t_radar", echo("small")),
    _system("^Robin ELVIRA", "robin_elvira", echo("micro"), echo("heavy")),
    _system("^Robin IRIS instrumented", "robin_iris", instrumented),
    # A vehicle is found where the ground hides it no more: not a matter of the radar equation.
    _system("GA9000", "owl_ga9000", phantom, None, echo("light_aircraft")),
    _system("^UPM RAD-DAR", "upm_rad_dar", phantom),
    _system("^Parrot Bebop 2, 4-mic", "tudelft_array", sound("mini_quadcopter", QUIET_DBA)),
    _system("^DJI Mavic 2, same", "tudelft_array", sound("civil_quadcopter", QUIET_DBA)),
    _system("^Fraunhofer IDMT", "idmt_array", sound("mini_quadcopter", QUIET_DBA)),
    _system(
        "^Squarehead Discovair G2",
        "squarehead_discovair_g2",
        sound("fpv_analogue", COUNTRY_DBA),
        sound("fpv_analogue", QUIET_DBA),
    ),
    _system("^Zvook", "zvook_array", sound("fpv_analogue", COUNTRY_DBA)),
    _system("^Dedrone RF-360 range", "dedrone_rf360", TYPICAL, IDEAL),
    _system("^Dedrone RF-360 DF", "dedrone_rf360", bearing_deg),
    _system("^Dedrone RF-160", "dedrone_rf160", TYPICAL, IDEAL),
    _system("^Aaronia AARTOS X2 / X9", "aaronia_aartos_x2", IDEAL, lambda _: IDEAL("aaronia_aartos_x9")),
    _system("^Tron T.Sensor", "tron_t_sensor", IDEAL, bearing_deg),
    _system("^DroneShield RfPatrol", "droneshield_rfpatrol", IDEAL),
)


def system_of(row: Row) -> System | None:
    """Return the system that a row is about, or None."""
    return next((s for s in SYSTEMS if s.pattern.search(row.quantity)), None)


def published_range(row: Row, _: Path | None) -> Result:
    """Compare each number of a row with the profile: within the tolerance of a number, or of the ends of a span."""
    system = system_of(row)
    if system is None:
        raise Malformed(f"quantity = {row.quantity!r}: needed is a system of vedette catalogue sensors")
    spans = _spans(row, len(system.probes))
    tolerance = BAND if row.tolerance in ("", "-") else row.tolerance
    got, ok = [], True
    for (low, high), probe in zip(spans, system.probes, strict=True):
        if probe is None:
            got.append("-")
            continue
        value = probe(system.profile)
        got.append(f"{value:.3g}")
        ok &= low - limit_of(tolerance, low) <= value <= high + limit_of(tolerance, high)
    return Result(f"{row.expected} {row.unit}".strip(), " / ".join(got), tolerance, ok)


def _spans(row: Row, count: int) -> list[tuple[float, float]]:
    """Return low and high of each number of a cell such as ``6 / 15`` or ``300-500 typ, 1000 max``."""
    spans = []
    for part in re.split(r"[;/,]", row.expected):
        values = [float(v) for v in NUMBER.findall(re.sub(r"(?<=\d)-", " ", part))]
        if len(values) not in (1, 2) or min(values) <= 0.0 or values != sorted(values):
            raise Malformed(f"expected = {row.expected!r}: needed are {count} numbers or spans such as 50-200")
        spans.append((values[0], values[-1]))
    if len(spans) != count:
        raise Malformed(f"expected = {row.expected!r}: needed are {count} numbers or spans, separated by /")
    return spans


def silence(row: Row, _: Path | None) -> Result:
    """Check that the catalogue's fibre-optic drone emits nothing."""
    if row.expected.strip() != "none":
        raise Malformed(f"expected = {row.expected!r}: needed is none")
    emissions = shipped().targets["fpv_fibre"].emissions
    got = ", ".join(emission.kind for emission in emissions) or "none"
    return Result("none", got, "exact", not emissions)


QUANTITIES = (
    Quantity(
        "range or accuracy of a system",
        re.compile("|".join(f"(?:{s.pattern.pattern})" for s in SYSTEMS)),
        "(the system and the target of the quantity)",
        published_range,
    ),
    Quantity("emission of a fibre-optic drone", re.compile(r"^fibre-optic FPV emission"), "(none)", silence),
)
