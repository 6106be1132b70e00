"""The acceptance gates: figures that need draws, flights, recordings or several models at once."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import optimize

from benchmarks.validation.check import check_row
from benchmarks.validation.flights import prediction_errors_m
from benchmarks.validation.published import SHIPPED, Row, read_published
from benchmarks.validation.sensor_gates import array_reach_m, radar_errors, silent_targets
from benchmarks.validation.verdict import NoData, Result, Verdict, judged
from benchmarks.validation.world_quantities import comb_of
from fusion.kernels import crossing
from messages.frames import F64
from sim.propagation import acoustics, optics, radar, radar_detection
from sim.propagation.radar_detection import Swerling, linear

SEED = 20_260_101
DRAWS = 10_000  # as the tolerance of the published table assumes
DEFAULT_RADAR = {
    "average_power_w": 20.0,
    "dwell_s": 0.02,
    "gain_db": 27.0,
    "frequency_hz": 9.5e9,
    "noise_figure_db": 4.0,
    "losses_db": 7.0,
}
"""Lands on 3 km for 0.01 m^2 at Pd 0.9, Pfa 1e-6, Swerling 1."""
DETECTIONS: tuple[tuple[float, float, Swerling, int, float], ...] = (
    (1e-8, 13.0, 0, 1, 0.6287),
    (1e-8, 11.0, 0, 1, 0.1683),
    (1e-8, -3.2, 0, 256, 0.8411),
    (1e-8, -4.8, 0, 256, 0.2249),
    (1e-4, 16.0, 1, 1, 0.7980),
    (1e-4, 6.8, 1, 1, 0.2036),
    (1e-4, 3.6, 1, 256, 0.8959),
    (1e-4, -7.6, 1, 256, 0.2560),
    (1e-4, 15.2, 3, 1, 0.8846),
    (1e-4, 6.8, 3, 1, 0.1931),
    (1e-4, -0.4, 3, 256, 0.8889),
    (1e-4, -8.4, 3, 256, 0.1775),
)
"""Pfa, SNR [dB], Swerling case, pulses, published Pd (radarsimpy's test suite)."""
LADDER_DBSM, LADDER = (-32.0, -20.0, -10.0, -3.0), np.array([0.5, 1.0, 1.77, 2.63])
HEARD_M = (80.0, 100.0)  # Mavic 2 and Bebop 2 by four microphones outdoors (TU Delft)
CLUTTER_PX = 8.0  # at which a classical detector finds half of the targets in day clutter
TTPF_X, TTPF_P = (
    np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]),
    np.array([0.02, 0.10, 0.30, 0.50, 0.80, 0.95, 1.0]),
)


def detection_rows(rng: np.random.Generator) -> Result:
    """Gate 1: each published Pd to 0.0005, and to 0.015 by 10 000 draws."""
    exact, drawn = 0.0, 0.0
    for pfa, snr_db, case, pulses, expected in DETECTIONS:
        snr = linear(snr_db)
        exact = max(exact, abs(float(radar_detection.detection_probability(snr, pfa, case, pulses)) - expected))
        power = radar_detection.draw_power(rng, np.full(DRAWS, snr), case, pulses)
        share = float(np.mean(power > radar_detection.threshold(pfa, pulses)))
        drawn = max(drawn, abs(share - expected))
    ok = exact <= 0.0005 and drawn <= 0.015
    return Result("12 values of Pd", f"off by {exact:.5f}, drawn {drawn:.4f}", "0.0005, drawn 0.015", ok)


def rain_rows() -> Result:
    """Gate 2: every published rain row."""
    return _rows(lambda row: row.quantity.startswith("rain"), "1e-4 of each")


def absorption_table(recordings: Path | None) -> Result:
    """Gate 3: the 72 values of the ISO 9613-1 table."""
    path = None if recordings is None else recordings / "published" / "iso9613_1" / "absorption_coefficient.csv"
    if path is None or not path.is_file():
        raise NoData("needs published/iso9613_1/absorption_coefficient.csv; give its folder with --data")
    worst, count = 0.0, 0
    with path.open(encoding="latin-1", newline="") as file:
        header, *rows = list(csv.reader(file))
        midband = 1000.0 * 10.0 ** (np.round(10.0 * np.log10(np.array(header[2:], dtype=float) / 1000.0)) / 10.0)
        for row in rows:
            celsius, humidity, *values = (float(cell) for cell in row)
            got = 1000.0 * acoustics.absorption_db_per_m(midband, celsius, humidity)
            worst = max(worst, float(np.max(np.abs(got / np.array(values) - 1.0))))
            count += len(values)
    return Result(f"{count} values", f"off by {100.0 * worst:.2f} %", "0.5 %", worst <= 0.005)


def radar_ranges() -> Result:
    """Gate 4: the default radar's range and the fourth-root ladder of ranges."""
    ranges = np.array([_range_m(0.9, float(linear(dbsm))) for dbsm in LADDER_DBSM])
    off = float(np.max(np.abs(ranges / ranges[1] / LADDER - 1.0)))
    ok = off <= 0.05 and abs(ranges[1] / 3000.0 - 1.0) <= 0.10
    return Result("3 km; 0.5 : 1 : 1.77 : 2.63", f"{ranges[1]:.0f} m; off by {100 * off:.1f} %", "10 %; 5 %", ok)


def _range_m(pd: float, rcs_m2: float) -> float:
    """Return the range at which the default radar has this Pd of a Swerling 1 target."""

    def excess(range_m: float) -> float:
        snr = radar.snr(range_m, rcs_m2, **DEFAULT_RADAR)
        return float(radar_detection.detection_probability(snr, 1e-6, 1)) - pd

    return float(optimize.brentq(excess, 10.0, 1e5))


def cfar(rng: np.random.Generator) -> Result:
    """Gate 5: a cell-averaging CFAR keeps its false-alarm rate, and loses what it should."""
    cells, pfa, looks = 16, 1e-3, 2_000_000
    alpha = pfa ** (-1.0 / cells) - 1.0
    alarms = int(np.sum(rng.standard_exponential(looks) > alpha * rng.standard_gamma(cells, looks)))
    excess = (alarms - looks * pfa) / math.sqrt(looks * pfa)
    losses = [_cfar_loss_db(m) for m in (16, 32)]
    ok = abs(excess) <= 3.0 and abs(losses[0] - 2.0) <= 0.1 and abs(losses[1] - 1.0) <= 0.1
    got = f"{excess:+.1f} sigma; {losses[0]:.2f} dB, {losses[1]:.2f} dB"
    return Result("Pfa kept; 2.0 dB (16), 1.0 dB (32)", got, "3 sigma; 0.1 dB", ok)


def _cfar_loss_db(cells: int) -> float:
    def excess(snr_db: float) -> float:
        return float(radar_detection.cfar_detection_probability(linear(snr_db), 1e-6, cells)) - 0.9

    return float(optimize.brentq(excess, 0.0, 60.0)) - radar_detection.required_snr_db(0.9, 1e-6, 1)


def sound_lag() -> Result:
    """Gate 7: a crossing target's sound comes from behind it; four microphones hear as far as published.

    The published 8.3 degrees are ``atan(v / c)``; exactly abeam it is ``asin(v / c)``, 0.1 degrees more. What is left
    after the tracker's correction is a matter of the tracker's own tests.
    """
    speed, c = 50.0, 343.2

    def motion(t_s: float) -> tuple[F64, F64]:
        return np.array([speed * t_s, 300.0, 0.0]), np.array([speed, 0.0, 0.0])

    emission = acoustics.emission_time_s(motion, np.zeros(3), 0.0, c)
    heard, there = motion(emission)[0], motion(0.0)[0]
    lag = math.degrees(math.atan2(there[0], there[1]) - math.atan2(heard[0], heard[1]))
    reach_m = array_reach_m()
    ok = abs(lag - 8.3) <= 0.2 and 0.5 * HEARD_M[0] <= reach_m <= 2.0 * HEARD_M[1]
    return Result("8.3 deg at 50 m/s; 80-100 m", f"{lag:.2f} deg; {reach_m:.0f} m", "0.2 deg; factor 2", ok)


def links() -> Result:
    """Gate 8: the links that were flown close, and what is silent is not heard."""
    closed = _rows(lambda row: "link closed" in row.quantity, "-5 to 10 dB; none")
    total, found = silent_targets()
    expected = f"{closed.expected}; {total} looks at silent drones"
    return Result(expected, f"{closed.got}; {found} detections", closed.limit, closed.ok and found == 0)


def observers() -> Result:
    """Gate 9: the target transfer probability, and targets of three pixels in day clutter."""
    off = float(np.max(np.abs(optics.ttpf(TTPF_X) - TTPF_P)))
    small = float(optics.pixel_probability(2.9, CLUTTER_PX))
    ok = off <= 0.03 and small <= 0.02
    return Result("7 values; Pd at 2.9 px", f"off by {off:.3f}; {small:.4f}", "0.03; 0.02", ok)


def flights(rng: np.random.Generator) -> Result:
    """Gate 10: simulated FPV flights are as hard to predict as real ones."""
    one, two = prediction_errors_m(20, rng)
    median = float(np.median(one))
    ok = one.min() >= 0.8 and one.max() <= 4.1 and two.min() >= 2.8 and two.max() <= 13.6 and 1.6 <= median <= 3.2
    got = f"{one.min():.1f}-{one.max():.1f}, {two.min():.1f}-{two.max():.1f}, median {median:.1f} m"
    return Result("0.8-4.1 m (1 s), 2.8-13.6 m (2 s)", got, "median 1.6-3.2 m", bool(ok))


def bearing_pair() -> Result:
    """Gate 11: two bearings from a short baseline claim no range: 3 km, 200 m, 0.5 degrees."""
    target, sigma_rad = np.array([0.0, 3000.0, 50.0]), math.radians(0.5)
    bearings = np.zeros((2, crossing.B_SIZE))
    for bearing, east_m in zip(bearings, (-100.0, 100.0), strict=True):
        place = np.array([east_m, 0.0, 0.0])
        bearing[crossing.B_PLACE : crossing.B_PLACE + 3] = place
        bearing[crossing.B_DIRECTION : crossing.B_DIRECTION + 3] = (target - place) / np.linalg.norm(target - place)
        bearing[crossing.B_SIGMA], bearing[crossing.B_MAX_RANGE] = sigma_rad, 1e5
    best, d2, p, P = np.empty(1, np.int64), np.empty(1), np.zeros((1, 3)), np.zeros((1, 3, 3))
    limits = 9.0, np.inf, np.inf
    crossing.cross(bearings[:1], bearings[1:], 0.0, 0.0, *limits, best, d2, p, P, np.empty(1))
    sigma_m = math.sqrt(P[0, 1, 1]) if best[0] == 0 else math.nan
    expected_m = math.sqrt(2.0) * 3000.0**2 * sigma_rad / 200.0
    ok = sigma_m >= 500.0 and abs(sigma_m / expected_m - 1.0) <= 0.05
    return Result(f"{expected_m:.0f} m", f"{sigma_m:.0f} m", "at least 500 m; 5 %", ok)


def combs(recordings: Path | None) -> Result:
    """Gate 12: the comb of a real drone; a tonal background has one too, and is shown as the false-alarm case."""
    audio = None if recordings is None else recordings / "audio"
    if audio is None or not (audio / "DRONE_001.wav").is_file():
        raise NoData("needs audio/DRONE_001.wav and audio/BACKGROUND_001.wav; give their folder with --data")
    found = [comb_of(audio / f"{name}.wav").fundamental_hz for name in ("DRONE_001", "BACKGROUND_001")]
    got = f"{found[0]:g} Hz (tonal background: {found[1]:g} Hz)"
    return Result("172 Hz in DRONE_001", got, "3 Hz", abs(found[0] - 172.0) <= 3.0)


def _rows(wanted: Callable[[Row], bool], limit: str) -> Result:
    verdicts = [check_row(row, None) for row in read_published(SHIPPED) if wanted(row)]
    held = sum(v.status == "ok" for v in verdicts)
    return Result(f"{len(verdicts)} rows", f"{held} hold", limit, held == len(verdicts) > 0)


def check_gates(recordings: Path | None, say: Callable[[str], None]) -> Iterator[Verdict]:
    """Yield the verdict on each gate; ``say`` hears which one begins. The draws have a fixed seed."""
    rng = np.random.default_rng(SEED)
    gates: tuple[tuple[int, str, Callable[[], Result]], ...] = (
        (1, "detection, exact and drawn", lambda: detection_rows(rng)),
        (2, "rain", rain_rows),
        (3, "absorption of sound", lambda: absorption_table(recordings)),
        (4, "ranges of the radar", radar_ranges),
        (5, "CFAR", lambda: cfar(rng)),
        (6, "errors of the radar", radar_errors),
        (7, "lag and reach of sound", sound_lag),
        (8, "links flown, and silence", links),
        (9, "TTPF and few pixels", observers),
        (10, "FPV flights", lambda: flights(rng)),
        (11, "range of two bearings", bearing_pair),
        (12, "rotor comb of recordings", lambda: combs(recordings)),
    )
    for number, name, check in gates:
        say(f"gate {number}: {name}")
        try:
            result = check()
        except NoData as error:
            yield Verdict(f"gate {number}", name, "no data", note=str(error))
            continue
        yield judged(f"gate {number}", name, result)
