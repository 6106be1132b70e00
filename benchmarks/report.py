"""report.html: a run on one page that opens without a network, in words that a crew can follow."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.budget_words import counts_by_aspect
from benchmarks.cue_record import cue_words
from benchmarks.event_record import event_words
from benchmarks.metrics.instants import Evaluation
from benchmarks.plot_budget import PAIRS_MAX, draw_budgets
from benchmarks.plot_map import Ground, draw_map
from benchmarks.plot_style import KIND_NAMES, image_tag, style
from benchmarks.plot_time import draw_altitude_and_range, draw_gospa, draw_sightings, draw_warnings
from benchmarks.run_folder import RunFolder
from edge_node.tables.writing import write_text

CSS = """
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #222; background: #fff;
  max-width: 1020px; margin: 2rem auto 4rem; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem; }
p.lead { color: #555; margin: .2rem 0 1.2rem; } figure { margin: 0; } img { width: 100%; height: auto; }
figcaption, p.note { color: #555; font-size: .88rem; max-width: 60rem; margin: .2rem 0 .6rem; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { padding: .28rem .8rem .28rem 0; border-bottom: 1px solid #e3e6e8; text-align: right; vertical-align: top; }
th { font-weight: 600; color: #444; } th:first-child, td:first-child { text-align: left; }
.targets td:nth-child(2), .targets td:nth-child(3), .targets td:nth-child(10), .targets th:nth-child(2),
.targets th:nth-child(3), .targets th:nth-child(10) { text-align: left; }
.events td:nth-child(2), .events th:nth-child(2), .events td:nth-child(5), .events th:nth-child(5) { text-align: left; }
.cards { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; }
.card { border: 1px solid #e3e6e8; border-radius: 8px; padding: .55rem .9rem; flex: 1 1 7.6rem; }
.card b { display: block; font-size: 1.25rem; } .card span { color: #555; font-size: .82rem; }
code { font-size: .85em; word-break: break-all; } .scroll { overflow-x: auto; }
@media print { h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


def write_report(
    path: Path,
    run: RunFolder,
    summary: dict[str, Any],
    alone: dict[str, Evaluation] | None = None,
    ground: Ground | None = None,
) -> None:
    """Write the report of a run; ``alone`` as from ``run_summary.evaluate_alone``, ``ground`` draws the terrain."""
    write_text(path, report_html(run, summary, alone or {}, ground))


def report_html(
    run: RunFolder, summary: dict[str, Any], alone: dict[str, Evaluation], ground: Ground | None = None
) -> str:
    """Return the page."""
    name, seed = escape(str(summary["scenario"])), summary["seed"]
    with style():
        sections = _sections(run, summary, alone, ground)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}, seed {seed}: Vedette</title>'
        f'<meta name="viewport" content="width=device-width"><style>{CSS}</style></head><body>\n'
        f"<h1>{name}</h1><p class=lead>Seed {seed}, {summary['duration_s']:.0f} s simulated. "
        f"{_headline(summary)}</p>\n{_cards(summary)}\n" + "\n".join(sections) + f"\n{_footer(summary)}</body></html>\n"
    )


NOTES = {
    "targets": "Times in seconds from the start. Warning time runs from the first alert of level WARNING that belongs "
    "to the target to its closest approach to one of our platforms.",
    "warnings": "What the crew was told, and when. The pale bar is the time in which the target flew; the red line is "
    "the warning time.",
    "events": "What the scenario did to our own sensors and links. The grey bands in <i>Warnings</i> and <i>Who saw "
    "what, when</i> have these numbers. The node is not told.",
    "budgets": "Red: from the first WARNING to the closest approach of that threat to that vehicle. Below it: how long "
    "each layer of protection would have needed. A layer had time where its bar ends before the red line. Needs are "
    "values of the scenario; whether a layer would have worked is not modelled.",
    "by_aspect": "Pairs of vehicle and threat in which the layer had time, of those that came from that side; a "
    "dash where the layer does not cover it.",
    "map": "North is up. Lines are what really flew, dots are what the node tracked, with ellipses that should hold "
    "the target 95 times in 100. Dashed arcs: how far each kind of sensor looks, drawn at the middle of the run.",
    "ground": " Shading is relief, green is woodland.",
    "altitude": "Lines: truth. Dots: tracks; pink dots belong to no target.",
    "sightings": "A tick is a detection that fits the target; a pale bar is where the sensor model gave it more than "
    "a 5 % chance. Bare bars are misses; no bar means out of sight or out of range.",
    "gospa": "GOSPA with a cut-off of 50 m: position error, missed targets and false tracks in one number of metres; "
    "lower is better. A single missed target or false track counts 35.4 m. Running mean over a second.",
    "errors": "The same recording tracked with all sensors, and with one kind alone.",
    "cues": "Cameras on a head see only where they point. The node asks them to look at tracks, one after another; "
    "while a head slews its camera sees nothing.",
    "latency": "Wall-clock time that the node spent on a scan, by stage.",
}


def _sections(
    run: RunFolder, summary: dict[str, Any], alone: dict[str, Evaluation], ground: Ground | None
) -> list[str]:
    on_map = NOTES["map"] + (NOTES["ground"] if ground is not None else "")
    return [
        _section("Targets and warnings", _targets_table(summary), NOTES["targets"]),
        _figure("Warnings", draw_warnings(run, summary), NOTES["warnings"]),
        *_event_sections(summary["events"]),
        *_budget_sections(summary["time_budgets"]),
        _figure("Map", draw_map(run, ground), on_map),
        _figure("Altitude and range", draw_altitude_and_range(run), NOTES["altitude"]),
        _figure("Who saw what, when", draw_sightings(run, summary), NOTES["sightings"]),
        _figure("Track error over time", draw_gospa(run, alone), NOTES["gospa"]),
        _section("Track error, mean over the run", _gospa_table(summary), NOTES["errors"]),
        _section("Node latency", _latency_table(summary), NOTES["latency"]),
        *_cue_sections(summary["cued_sensors"]),
        _section("Detections", _detections_table(summary), "Clutter included."),
    ]


def _headline(summary: dict[str, Any]) -> str:
    threats = [target for target in summary["targets"] if target["threat"]]
    if not threats:
        return "No target of this run was a threat."
    times = [target["warning_time_s"] for target in threats if target["warning_time_s"] is not None]
    words = f"The crew was warned of {len(times)} of {len(threats)} threats"
    return f"{words}; the shortest warning time was {min(times):.1f} s." if times else f"{words}."


def _cards(summary: dict[str, Any]) -> str:
    cards = [
        (_number(summary["gospa_m"]["fused"], "m"), "GOSPA, all sensors fused"),
        (_share(summary["completeness"]), "of target time tracked"),
        (str(summary["id_switches"]), "identity switches"),
        (_number(summary["false_tracks_per_hour"]), "false tracks an hour"),
        (_number(summary["false_alerts_per_hour"]), "false alerts an hour"),
        (_share(summary["nees_inside_95"]), "of errors inside the 95 % ellipsoid"),
    ]
    return (
        '<div class="cards">'
        + "".join(f'<div class="card"><b>{v}</b><span>{t}</span></div>' for v, t in cards)
        + "</div>"
    )


def _number(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.1f} {unit}".strip()  # noqa: RUF001, an en dash is the mark for "never"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100.0 * value:.0f} %"  # noqa: RUF001


def _section(title: str, body: str, note: str) -> str:
    return f'<h2>{title}</h2><p class="note">{note}</p><div class="scroll">{body}</div>'


def _figure(title: str, drawing: Any, caption: str) -> str:
    return f"<h2>{title}</h2><figure><figcaption>{caption}</figcaption>{image_tag(drawing, title)}</figure>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _targets_table(summary: dict[str, Any]) -> str:
    header = (
        *("target", "class", "threat", "first visible", "first detection", "confirmed", "first alert"),
        *("closest approach", "distance", "to", "warning time"),
    )
    rows = [
        (
            escape(t["target_id"]),
            escape(t["class"]),
            "yes" if t["threat"] else "no",
            *(
                _number(t[f"{key}_s"], "s")
                for key in ("first_visibility", "first_detection", "confirmed", "first_alert")
            ),
            _number(t["closest_approach_s"], "s"),
            _number(t["closest_approach_m"], "m"),
            escape(t["closest_platform"] or "–"),  # noqa: RUF001
            f"<b>{_number(t['warning_time_s'], 's')}</b>",
        )
        for t in summary["targets"]
    ]
    return f'<div class="targets">{_table(header, rows)}</div>'


def _event_sections(events: list[dict[str, Any]]) -> list[str]:
    if not events:
        return []
    rows = [
        (f"{i}", escape(event_words(e)), _number(e["from_s"], "s"), _number(e["to_s"], "s"), ", ".join(e["strikes"]))
        for i, e in enumerate(events, 1)
    ]
    body = _table(("", "what", "from", "to", "whom"), rows)
    return [_section("Faults and deception", f'<div class="events">{body}</div>', NOTES["events"])]


def _cue_sections(records: list[dict[str, Any]]) -> list[str]:
    rows = [(escape(record["sensor_id"]), cue_words(record)) for record in records]
    return [_section("Cameras on a head", _table(("sensor", "cues"), rows), NOTES["cues"])] if rows else []


def _budget_sections(budgets: dict[str, Any]) -> list[str]:
    title, pairs = "Time for protection", budgets["pairs"]
    if not pairs:
        return [_section(title, f"<p>No threat came within {budgets['near_m']:.0f} m of a vehicle.</p>", "")]
    shown = f" The {PAIRS_MAX} of {len(pairs)} with the least warning time." if len(pairs) > PAIRS_MAX else ""
    return [
        _figure(title, draw_budgets(budgets), NOTES["budgets"] + shown),
        _section("Time for protection, by side", _aspects_table(budgets), NOTES["by_aspect"]),
    ]


def _aspects_table(budgets: dict[str, Any]) -> str:
    sides = [aspect for aspect, own in budgets["by_aspect"].items() if own["pairs"]]
    header = ("layer", *(f"{side} (of {budgets['by_aspect'][side]['pairs']})" for side in sides))
    rows = [(escape(name.replace("_", " ")), *cells) for name, cells in counts_by_aspect(budgets, sides).items()]
    return _table(header, rows)


def _gospa_table(summary: dict[str, Any]) -> str:
    names = {"fused": "all sensors fused"} | {kind: f"{name} alone" for kind, name in KIND_NAMES.items()}
    return _table(("tracked with", "GOSPA"), [(names[k], _number(v, "m")) for k, v in summary["gospa_m"].items()])


def _latency_table(summary: dict[str, Any]) -> str:
    if not summary["latency_ms"]:
        return "<p>No latency was recorded.</p>"
    rows = [(escape(s), *(f"{v[k]:.2f} ms" for k in ("p50", "p99", "max"))) for s, v in summary["latency_ms"].items()]
    return _table(("stage", "median", "99th percentile", "largest"), rows)


def _detections_table(summary: dict[str, Any]) -> str:
    return _table(("sensor", "detections"), [(escape(s), f"{n}") for s, n in summary["detections"].items()])


def _footer(summary: dict[str, Any]) -> str:
    return f'<p class="note">SHA-256 of tracks.csv: <code>{summary["tracks_sha256"]}</code></p>'
