"""Published figures of sound, optics and wind, computed by the models of ``sim.propagation`` and the comb detector."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from benchmarks.validation.published import Malformed, Row, inside, limit_of, named, number, numbers
from benchmarks.validation.verdict import NoData, Quantity, Result, close
from detectors.rotor_comb import Comb, find_comb
from sim.propagation import acoustics, optics
from sim.propagation.turbulence import FOOT_M, HIGHEST_FT, LOWEST_FT, dryden

YEARS = (0, 2, 4)  # after which the limits of sound power fall
LINE_LIMIT = 0.012  # of its frequency: a rotor in flight wanders by as much
MISREAD = (3.0, "Hz")  # of a fundamental, where the row gives no range


def absorption(row: Row, _: Path | None) -> Result:
    """Compare the absorption of sound by air; nominal frequencies stand for the exact midbands."""
    v = named(re.sub(r"\([^)]*\)", "", row.input), {"T": "C", "RH": "%", "f": "Hz"})
    celsius = inside(v["T"], -60.0, 60.0, "input T (C)")
    humidity = inside(v["RH"], 0.1, 100.0, "input RH (%)")
    hz = inside(v["f"], 10.0, 20_000.0, "input f (Hz)")
    if "9613-2" in row.quantity or "midband" in row.input:
        hz = 1000.0 * 10.0 ** (round(10.0 * np.log10(hz / 1000.0)) / 10.0)
    got = 1000.0 * float(acoustics.absorption_db_per_m(hz, celsius, humidity))
    expected = number(row.expected, "expected")
    return close(expected, got, limit_of(row.tolerance, expected), "dB/km")


def sound_power(row: Row, _: Path | None) -> Result:
    """Compare the limits of sound power of an EU class, at the start, after two and after four years.

    C2's limits are a formula in the mass, or numbers for the one mass of the input.
    """
    found = re.search(r"\bC([12])\b", row.quantity)
    if found is None:
        raise Malformed(f"quantity = {row.quantity!r}: needed is class C1 or C2")
    name, formula = found.group(), re.search(r"\+\s*([\d.]+)\s*lg", row.expected)
    masses = numbers(re.sub(r"(?<=\d)-", ";", row.input), "input", units=("kg",))
    limits = {"C1": (0.0, 0.9), "C2": (0.9, 4.0)}[name]
    for mass in masses:
        inside(mass, *limits, f"input mass of {name} (kg)")
    base = numbers(re.sub(r"\(", ",", row.expected.split("+")[0]), "expected")
    if len(base) > len(YEARS):
        raise Malformed(f"expected = {row.expected!r}: needed are up to three levels")
    slope = float(formula.group(1)) if formula else 0.0
    got = [[acoustics.sound_power_limit_dba(name, m, y) for y in YEARS[: len(base)]] for m in masses]
    wanted = [[b + slope * float(np.log10(m / 0.9)) for b in base] for m in masses]
    worst = float(np.max(np.abs(np.subtract(got, wanted))))
    limit = max(limit_of(row.tolerance, base[0]), 1e-9)
    shown = "; ".join("/".join(f"{x:.1f}" for x in levels) for levels in got)
    return Result(f"{row.expected} dB(A)", shown, f"{limit:.2g}", worst <= limit)


def spreading(row: Row, _: Path | None) -> Result:
    """Compare the loss of sound for each doubling of the distance, air left out."""
    levels = acoustics.received_level_db(0.0, np.array([50.0, 100.0]), 0.0)
    expected = number(row.expected, "expected")
    return close(expected, float(levels[0] - levels[1]), limit_of(row.tolerance, expected), "dB")


def johnson(row: Row, _: Path | None) -> Result:
    """Compare Johnson's line pairs; a tolerance of four numbers is one for each criterion."""
    task = row.input.strip().lower()
    names = list(optics.JOHNSON_CYCLES)
    if task not in names:
        raise Malformed(f"input = {row.input!r}: needed is one of {', '.join(names)}")
    expected, tolerance = number(row.expected, "expected"), row.tolerance
    if "/" in tolerance:
        tolerance = f"{numbers(tolerance, 'tolerance', len(names))[names.index(task)]}"
    return close(expected, optics.JOHNSON_CYCLES[task], limit_of(tolerance, expected), "lp")


def gusts(row: Row, _: Path | None) -> Result:
    """Compare the Dryden length along the wind [ft] and the ratio of the intensities at a height [ft]."""
    height_ft = inside(number(row.input, "input", "ft"), LOWEST_FT, HIGHEST_FT, "input height (ft)")
    expected = numbers(row.expected, "expected", 2, ("ft",))
    gust = dryden(height_ft * FOOT_M, 1.0)
    got = gust.length_u_m / FOOT_M, gust.sigma_u_mps / gust.sigma_w_mps
    off = [abs(g - e) <= limit_of(row.tolerance, e) for g, e in zip(got, expected, strict=True)]
    return Result(f"{expected[0]:g} ft; {expected[1]:g}", f"{got[0]:.5g} ft; {got[1]:.5g}", row.tolerance, all(off))


def comb_of(path: Path) -> Comb:
    """Return the comb of a WAV file, its channels averaged."""
    rate, sound = wavfile.read(path)
    return find_comb(sound.astype(np.float64).reshape(len(sound), -1).mean(axis=1), rate)


def rotor_comb(row: Row, recordings: Path | None) -> Result:
    """Compare fundamental and lines of a recording's comb; a line in brackets may be missing."""
    name = re.search(r"\b([A-Z]+_\d+)\b", row.quantity)
    if name is None:
        raise Malformed(f"quantity = {row.quantity!r}: needed is the name of a recording, as DRONE_001")
    lines = numbers(re.sub(r"\([^)]*\)\s*,?", "", row.expected), "expected")
    stated = re.search(r"f0\s*([\d.]+)(?:-([\d.]+))?", row.tolerance)
    low = float(stated[1]) if stated else lines[0] - MISREAD[0]
    high = float(stated[2] or stated[1]) if stated else lines[0] + MISREAD[0]
    path = None if recordings is None else recordings / "audio" / f"{name[1]}.wav"
    if path is None or not path.is_file():
        raise NoData(f"needs the recording audio/{name[1]}.wav; give its folder with --data")
    comb = comb_of(path)
    near = [float(np.min(np.abs(comb.lines_hz - line))) <= LINE_LIMIT * line for line in lines]
    ok = low - 0.5 <= comb.fundamental_hz <= high + 0.5 and all(near)
    got = f"f0 {comb.fundamental_hz:g}; " + ",".join(f"{line:g}" for line in comb.lines_hz)
    return Result(f"{row.expected} Hz", got, f"{row.tolerance or 'f0 3 Hz'}; lines 1.2 %", ok)


QUANTITIES = (
    Quantity("sound absorption, ISO 9613-1", re.compile(r"^ISO 9613-1"), "T=20C;RH=70%;f=125Hz", absorption),
    Quantity("sound absorption, ISO 9613-2", re.compile(r"^ISO 9613-2"), "T=20;RH=70;f=125", absorption),
    Quantity("sound power", re.compile(r"^EU class C\d"), "0.9-4 kg", sound_power),
    Quantity("spreading of sound", re.compile(r"decay$"), "doubling", spreading),
    Quantity("Johnson", re.compile(r"^Johnson"), "detection", johnson),
    Quantity("Dryden", re.compile(r"^Lu=Lv"), "100 ft", gusts),
    Quantity("rotor comb of a recording", re.compile(r"comb peaks"), "(the recording of the quantity)", rotor_comb),
)
