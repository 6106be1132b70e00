"""The summary on the terminal: the numbers of summary.json as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.budget_words import counts_by_aspect, tightest
from benchmarks.cue_record import cue_words

TARGET_COLUMNS = (
    ("target_id", "target"),
    ("class", "class"),
    ("first_detection_s", "first seen s"),
    ("confirmed_s", "confirmed s"),
    ("first_alert_s", "first alert s"),
    ("closest_approach_s", "closest s"),
    ("closest_approach_m", "closest m"),
    ("closest_platform", "to"),
    ("warning_time_s", "warning time s"),
)
PAIRS_MAX = 8  # lines of the time budgets; summary.json has all of them
RUN_ROWS = (
    ("completeness", "completeness (share of target time with a track)"),
    ("id_switches", "id switches"),
    ("false_tracks_per_hour", "false tracks an hour"),
    ("false_alerts_per_hour", "false alerts an hour"),
    ("nees_inside_95", "NEES inside its 95 % interval"),
)


def print_summary(summary: dict[str, Any]) -> None:
    """Print the summary of a run to standard output."""
    console = Console(highlight=False)
    console.print(f"[bold]{summary['scenario']}[/], seed {summary['seed']}, {summary['duration_s']:.0f} s simulated\n")
    console.print(_targets(summary))
    for table in _time_budgets(summary["time_budgets"]):
        console.print(table)
    console.print(_gospa(summary))
    console.print(_run(summary))
    console.print(_latency(summary))


def _targets(summary: dict[str, Any]) -> Table:
    table = Table(title="Targets (bold: threats)", title_justify="left")
    for _, title in TARGET_COLUMNS:
        table.add_column(title, justify="left" if title in ("target", "class", "to") else "right", overflow="fold")
    for target in summary["targets"]:
        table.add_row(*(_cell(target[key]) for key, _ in TARGET_COLUMNS), style="bold" if target["threat"] else "")
    return table


def _time_budgets(budgets: dict[str, Any]) -> list[Table]:
    """Return the tightest pairs of platform and threat, and in how many pairs each layer had time; none without one."""
    pairs = budgets["pairs"]
    if not any(pair["layers"] for pair in pairs):
        return []
    some = f", the {PAIRS_MAX} tightest of {len(pairs)}" if len(pairs) > PAIRS_MAX else ""
    layers = list(dict.fromkeys(layer["name"] for pair in pairs for layer in pair["layers"]))
    one = Table(title=f"Time for protection: margin of each layer in s{some}", title_justify="left", padding=0)
    for title in ("threat", "to", "from", "warning time s", *layers):
        left = title in ("threat", "to", "from")
        one.add_column(title.replace("_", " "), justify="left" if left else "right", overflow="fold")
    for pair in tightest(pairs, PAIRS_MAX):
        margins = {layer["name"]: _margin(layer) for layer in pair["layers"]}
        names = (pair["target_id"], pair["platform_id"], pair["aspect"], _cell(pair["warning_time_s"]))
        one.add_row(*names, *(margins.get(layer, "") for layer in layers))
    sides = [aspect for aspect, own in budgets["by_aspect"].items() if own["pairs"]]
    count = Table(title="Pairs of threat and platform with time, by side", title_justify="left")
    count.add_column("layer")
    for side in sides:
        count.add_column(side, justify="right")
    for name, cells in counts_by_aspect(budgets, sides).items():
        count.add_row(name.replace("_", " "), *cells)
    return [one, count]


def _margin(layer: dict[str, Any]) -> str:
    """Return the margin, green where the layer had time, red where not; a dash where it does not cover the side."""
    if not layer["covers"]:
        return "-"
    text = "no time" if layer["margin_s"] is None else f"{layer['margin_s']:+.1f}"
    return f"[{'green' if layer['had_time'] else 'red'}]{text}[/]"


def _gospa(summary: dict[str, Any]) -> Table:
    table = Table(title="GOSPA in metres, mean over the engagement (lower is better)", title_justify="left")
    for name in summary["gospa_m"]:
        table.add_column("all sensors" if name == "fused" else f"{name} alone", justify="right")
    table.add_row(*(_cell(value) for value in summary["gospa_m"].values()))
    return table


def _run(summary: dict[str, Any]) -> Table:
    table = Table(title="Run", title_justify="left", show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    for key, title in RUN_ROWS:
        table.add_row(title, _cell(summary[key]))
    for record in summary["cued_sensors"]:
        table.add_row(f"{record['sensor_id']} on its head", cue_words(record))
    table.add_row("detections", str(sum(summary["detections"].values())))
    table.add_row("tracks.csv SHA-256", summary["tracks_sha256"][:16])
    return table


def _latency(summary: dict[str, Any]) -> Table:
    table = Table(title="Node latency in ms", title_justify="left")
    table.add_column("stage")
    for name in ("p50", "p99", "max"):
        table.add_column(name, justify="right")
    for stage, values in summary["latency_ms"].items():
        table.add_row(stage, *(f"{values[name]:.3f}" for name in ("p50", "p99", "max")))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "never"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10.0 else f"{value:.1f}"
    return str(value)
