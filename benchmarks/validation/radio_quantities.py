"""Published figures of radar and radio, computed by the models of ``sim.propagation``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import cast

from benchmarks.validation.published import Malformed, Row, inside, limit_of, named, number, numbers
from benchmarks.validation.verdict import Quantity, Result, close
from sim.propagation import radar, radar_detection, radio, weather
from sim.propagation.radar_detection import Swerling

MARGIN_DB = (-5.0, 10.0)  # a link that was flown closes, and not by miracles; the table's own words
CASE = r"(?:Sw|Swerling )([0-4])\b"
PULSES = r"\bN=(\w+)"


def _case(row: Row) -> tuple[Swerling, int]:
    """Return the Swerling case and the number of pulses (1 where the row does not say) of a quantity."""
    case = re.search(CASE, row.quantity)
    if case is None:
        raise Malformed(f"quantity = {row.quantity!r}: needed is a Swerling case, Sw0 to Sw4")
    return cast(Swerling, int(case.group(1))), _pulses(row)


def _pulses(row: Row) -> int:
    """Return the number of pulses that a quantity names, else 1."""
    found = re.search(PULSES, row.quantity)
    pulses = inside(number(found.group(1), "quantity N"), 1, 10_000, "quantity N") if found else 1.0
    return int(pulses)


def _probability(value: float, what: str) -> float:
    if not 0.0 < value < 1.0:
        raise Malformed(f"{what} = {value:g}: needed is a probability between 0 and 1")
    return value


def detection(row: Row, _: Path | None) -> Result:
    """Compare a probability of detection."""
    case, pulses = _case(row)
    values = named(row.input, {"Pfa": "", "SNR": "dB"})
    snr = radar_detection.linear(inside(values["SNR"], -60.0, 80.0, "input SNR"))
    got = radar_detection.detection_probability(snr, _probability(values["Pfa"], "input Pfa"), case, pulses)
    expected = inside(number(row.expected, "expected"), 0.0, 1.0, "expected")
    return close(expected, float(got), limit_of(row.tolerance, expected))


def required_snr(row: Row, _: Path | None) -> Result:
    """Compare the SNR that a probability of detection needs, exact or by Albersheim."""
    values = numbers(row.input, "input", 2)
    pd, pfa = _probability(values[0], "input Pd"), _probability(values[1], "input Pfa")
    if pd <= pfa:
        raise Malformed(f"input = {row.input!r}: needed is a Pd above Pfa")
    if "Albersheim" in row.quantity:
        got = radar_detection.albersheim_snr_db(pd, pfa, _pulses(row))
    else:
        got = radar_detection.required_snr_db(pd, pfa, *_case(row))
    expected = number(row.expected, "expected")
    return close(expected, got, limit_of(row.tolerance, expected), "dB")


def rain(row: Row, _: Path | None) -> Result:
    """Compare the specific attenuation of rain."""
    v = named(row.input, {"el": "deg", "f": "GHz", "R": "mm/h", "tau": "deg"})
    hz = inside(v["f"], 1.0, 1000.0, "input f (GHz)") * 1e9
    rate = inside(v["R"], 0.0, 500.0, "input R (mm/h)")
    angles = inside(v["el"], -90.0, 90.0, "input el (deg)"), inside(v["tau"], 0.0, 90.0, "input tau (deg)")
    got = weather.rain_attenuation_db_per_km(rate, hz, *(math.radians(a) for a in angles))
    expected = number(row.expected, "expected")
    return close(expected, got, limit_of(row.tolerance, expected), "dB/km")


def clutter_gamma(row: Row, _: Path | None) -> Result:
    """Compare the gamma of a surface."""
    surface = row.input.strip().lower().replace(" ", "_")
    if surface not in radar.GAMMA_10GHZ_DB:
        raise Malformed(f"input = {row.input!r}: needed is one of {', '.join(radar.GAMMA_10GHZ_DB)}")
    found = re.search(r"at ([\d.]+) GHz", row.quantity)
    hz = inside(float(found.group(1)) if found else 10.0, 0.1, 300.0, "quantity GHz") * 1e9
    expected = number(row.expected, "expected")
    return close(expected, radar.gamma_db(surface, hz), limit_of(row.tolerance, expected), "dB")


def link_closure(row: Row, _: Path | None) -> Result:
    """Check that a link that was flown closes over its distance: margin of Friis' budget at 0 dBi in all."""
    parts = re.fullmatch(
        r"([\d.]+)\s*(mW|W)\s*;\s*(?:[^;]*;)?\s*sens\s*(-?[\d.]+)(?:\s*dBm)?", row.input.strip(), re.IGNORECASE
    )
    if parts is None:
        raise Malformed(f"input = {row.input!r}: needed is power;packet rate;sens dBm, as 100 mW;250 Hz;sens -108")
    milliwatts = inside(float(parts[1]) * (1000.0 if parts[2] == "W" else 1.0), 1e-3, 1e6, "input power (mW)")
    band = next((name for name in radio.HOP_SETS if re.search(rf"\b{re.escape(name)}\b", row.quantity)), None)
    if band is None:
        raise Malformed(f"quantity = {row.quantity!r}: needed is a band, {' or '.join(radio.HOP_SETS)}")
    kilometres = inside(number(row.expected, "expected", "km"), 1e-3, 1e4, "expected (km)")
    loss = float(radio.free_space_loss_db(kilometres * 1000.0, radio.HOP_SETS[band].centre_hz))
    margin = 10.0 * math.log10(milliwatts) - loss - float(parts[3])
    found = re.search(r"(-?[\d.]+)\s*\.\.\s*\+?(-?[\d.]+)\s*dB", row.tolerance)
    low, high = (float(found[1]), float(found[2])) if found else MARGIN_DB
    limit = f"{low:g} to {high:g} dB"
    return Result(f"{kilometres:g} km flown", f"margin {margin:.1f} dB", limit, low <= margin <= high)


def hop_set(row: Row, _: Path | None) -> Result:
    """Compare the numbers of channels of the bands that a row names."""
    bands = [name for name in radio.HOP_SETS if re.search(rf"\b{re.escape(name)}\b", row.quantity)]
    bands.sort(key=row.quantity.index)
    if not bands:
        raise Malformed(f"quantity = {row.quantity!r}: needed is a band, {' or '.join(radio.HOP_SETS)}")
    expected = numbers(row.expected, "expected", len(bands))
    got = [radio.HOP_SETS[name].channels for name in bands]
    shown = ["/".join(f"{n:g}" for n in values) for values in (expected, got)]
    return Result(f"{shown[0]} channels", shown[1], "exact", all(e == g for e, g in zip(expected, got, strict=True)))


QUANTITIES = (
    Quantity("probability of detection", re.compile(r"^Pd Sw"), "Pfa=1e-8;SNR=13dB", detection),
    Quantity("required SNR", re.compile(r"^(SNR for Pd|Albersheim)"), "0.9;1e-6 (Pd;Pfa)", required_snr),
    Quantity("rain attenuation", re.compile(r"^rain specific attenuation"), "el=..;f=..GHz;R=..mm/h;tau=..", rain),
    Quantity("clutter gamma", re.compile(r"^constant-gamma"), "a surface, as wooded hill", clutter_gamma),
    Quantity("link closure", re.compile(r"link closed"), "100 mW;250 Hz;sens -108", link_closure),
    Quantity("hop set", re.compile(r"(hop set|\d ch \d)"), "(the bands of the quantity)", hop_set),
)
