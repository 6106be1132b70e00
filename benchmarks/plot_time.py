"""What happened when: altitude and range, who saw whom, warnings, and the error of the tracks over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.approach import defended_tracks, interpolated_positions
from benchmarks.metrics.identity import main_owner
from benchmarks.metrics.instants import Evaluation
from benchmarks.plot_style import INK, KIND_COLOURS, KIND_NAMES, LEVEL_COLOURS, figure, shade, target_colours
from benchmarks.run_folder import RunFolder
from benchmarks.run_summary import alert_owners
from benchmarks.truth_table import SCORED_PD
from edge_node.tables.table import I64, NS_PER_S
from messages.frames import F64

SMOOTH_S = 1.0  # GOSPA jumps with every track; a second's mean can be read
ROWS_MAX = 44  # of the sensor raster; with more it shows kinds of sensors instead of sensors
LEVEL_MARKS = {"INFO": "o", "CAUTION": "^", "WARNING": "D"}


def colours_of(run: RunFolder) -> list[str]:
    """Return one colour a target."""
    truth = run.truth
    return target_colours([bool(truth.threat[truth.rows(i)[0]]) for i in range(len(truth.target_ids))])


def range_m(run: RunFolder, t_ns: I64, position_m: F64) -> F64:
    """Return (n,) distances to the nearest defended platform."""
    out = np.full(len(t_ns), np.inf)
    for poses in defended_tracks(run.platforms).values():
        there = interpolated_positions(poses, t_ns / NS_PER_S)
        out = np.minimum(out, np.linalg.norm(position_m - there, axis=1))
    return out


def draw_altitude_and_range(run: RunFolder) -> Figure:
    """Return altitude and range to the nearest own platform over time: truth as lines, tracks as dots."""
    drawing, (above, below) = figure(5.6, 2, sharex=True)
    truth, tracks = run.truth, run.tracks
    for i, colour in enumerate(colours_of(run)):
        rows = truth.rows(i)
        path = np.where(truth.airborne[rows, None], truth.position_m[rows], np.nan)
        time_s = truth.t_ns[rows] / NS_PER_S
        above.plot(time_s, path[:, 2], color=colour, lw=1.5, label=truth.target_ids[i])
        below.plot(time_s, range_m(run, truth.t_ns[rows], path), color=colour, lw=1.5)
    owned = [i for i in np.unique(tracks.track_id).tolist() if main_owner(run.evaluation, i) is not None]
    own = np.isin(tracks.track_id, owned)
    for chosen, colour in ((own, INK), (~own, "#E5007D")):
        time_s, place = tracks.t_ns[chosen] / NS_PER_S, tracks.position_m[chosen]
        for axes, values in ((above, place[:, 2]), (below, range_m(run, tracks.t_ns[chosen], place))):
            axes.plot(time_s, values, ".", ms=1.3, color=colour, alpha=0.3, zorder=1.5, rasterized=True)
    flown = truth.position_m[truth.airborne, 2]
    if len(flown):
        room = 0.15 * max(20.0, float(np.ptp(flown)))
        above.set_ylim(float(flown.min()) - room, float(flown.max()) + room)
    above.set_ylabel("altitude above datum [m]")
    below.set_ylabel("range to the nearest\nown platform [m]")
    below.set_xlabel("time [s]")
    below.set_ylim(bottom=0.0)
    below.set_xlim(0.0, run.duration_s * 1.02)
    if len(truth.target_ids) <= 14:
        above.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), borderaxespad=0.0)
    return drawing


def event_windows(summary: dict[str, Any]) -> list[tuple[float, float]]:
    """Return begin and end [s] of the scenario's events, in the order of the summary."""
    return [(record["from_s"], record["to_s"]) for record in summary["events"]]


def draw_sightings(run: RunFolder, summary: dict[str, Any]) -> Figure:
    """Return a raster: a row for each target and sensor, a tick a detection, a pale bar where it could see."""
    truth, sensors = run.truth, run.sensors.sensors
    by_sensor = len(truth.target_ids) * len(sensors) <= ROWS_MAX
    groups = (
        [(s.sensor_id, s.kind, [s.sensor_id]) for s in sensors]
        if by_sensor
        else [(KIND_NAMES[k], k, [s.sensor_id for s in sensors if s.kind == k]) for k in run.kinds()]
    )
    n = len(truth.target_ids) * (len(groups) + 1.4)
    drawing, (axes,) = figure(1.0 + 0.17 * n)
    labels: list[tuple[float, str]] = []
    y = 0.0
    for target, name in enumerate(truth.target_ids):
        axes.text(0.0, y, f" {name}", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, weight="bold")
        y += 1.0
        for label, kind, ids in groups:
            _raster_row(axes, run, target, ids, KIND_COLOURS[kind], y)
            labels.append((y, label))
            y += 1.0
        y += 0.4
    axes.set_yticks([at for at, _ in labels], [text for _, text in labels], fontsize=7.5)
    axes.set_ylim(y - 0.6, -0.8)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0.0, run.duration_s)
    axes.set_xlabel("time [s]")
    shade(axes, event_windows(summary))
    return drawing


def _raster_row(axes: Any, run: RunFolder, target: int, sensors: list[str], colour: str, y: float) -> None:
    truth = run.truth
    rows = truth.rows(target)
    pd = np.max([truth.pd.get(name, np.zeros(len(truth.t_ns)))[rows] for name in sensors], axis=0)
    could = (pd > SCORED_PD) & truth.airborne[rows]
    time_s = truth.t_ns[rows] / NS_PER_S
    axes.fill_between(time_s, y - 0.36, y + 0.36, where=could, color=colour, alpha=0.16, lw=0, step="post")
    seen = [run.sightings[name].t_ns[run.sightings[name].target == target] for name in sensors]
    ticks = np.concatenate(seen) / NS_PER_S
    axes.vlines(ticks, y - 0.36, y + 0.36, color=colour, lw=0.6, rasterized=True)


def draw_warnings(run: RunFolder, summary: dict[str, Any]) -> Figure:
    """Return one line a target from first flight to last, with what the crew was told and the closest approach."""
    truth, owners = run.truth, alert_owners(run)
    n = len(truth.target_ids)
    drawing, (axes,) = figure(1.6 + 0.42 * n)
    for i, (target, colour) in enumerate(zip(summary["targets"], colours_of(run), strict=True)):
        rows = truth.rows(i)
        flown = truth.t_ns[rows[truth.airborne[rows]]] / NS_PER_S
        if len(flown):
            axes.plot([flown[0], flown[-1]], [i, i], color=colour, lw=6, alpha=0.22, solid_capstyle="butt")
        closest, warned = target["closest_approach_s"], target["warning_time_s"]
        if warned is not None:
            axes.plot([closest - warned, closest], [i, i], color=LEVEL_COLOURS["WARNING"], lw=2.2, zorder=2)
            axes.annotate(
                f"{warned:.1f} s of warning", (closest - warned / 2, i), (0, 7), textcoords="offset points", ha="center"
            )
        for key, mark in (("first_visibility_s", "|"), ("confirmed_s", "v")):
            if target[key] is not None:
                axes.plot(
                    target[key], i, marker=mark, ms=9 if mark == "|" else 5, color=INK, mew=1.6, zorder=3, clip_on=False
                )
        if closest is not None:
            axes.plot(closest, i, marker="X", ms=8, color=INK, mec="white", zorder=4, clip_on=False)
    for owner, level, t_ns in zip(owners, run.alerts.level, run.alerts.t_ns.tolist(), strict=True):
        at = n if owner is None else owner
        axes.plot(
            t_ns / NS_PER_S, at, marker=LEVEL_MARKS[level], ms=6, color=LEVEL_COLOURS[level], mec="white", zorder=3.5
        )
    names = [f"{t['target_id']}\n{t['class']}{', threat' if t['threat'] else ''}" for t in summary["targets"]]
    lost = any(owner is None for owner in owners)
    axes.set_yticks(range(n + lost), names + ["no target"] * lost)
    axes.set_ylim(n - 0.3 + lost, -0.7)
    shade(axes, event_windows(summary))
    axes.set_xlim(0.0, run.duration_s * 1.02)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("time [s]")
    axes.legend(handles=_warning_handles(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=6, columnspacing=1.2)
    return drawing


def _warning_handles() -> list[Line2D]:
    marks = [("|", INK, "first visible (Pd 0.5)"), ("v", INK, "track confirmed")]
    marks += [(LEVEL_MARKS[level], colour, level) for level, colour in LEVEL_COLOURS.items()]
    marks.append(("X", INK, "closest approach"))
    return [
        Line2D([], [], marker=m, color=c, ls="none", ms=7, mew=1.6 if m == "|" else 0.5, label=t) for m, c, t in marks
    ]


def draw_gospa(run: RunFolder, alone: dict[str, Evaluation]) -> Figure:
    """Return GOSPA over time, fused and each kind of sensor alone, as means over a second."""
    drawing, (axes,) = figure(3.4)
    for name, evaluation in [*alone.items(), ("fused", run.evaluation)]:
        time_s, values = evaluation.t_ns / NS_PER_S, evaluation.gospa_m[:, 0]
        label = f"{'all sensors fused' if name == 'fused' else KIND_NAMES[name] + ' alone'}: {values.mean():.1f} m"
        thick = 2.2 if name == "fused" else 1.2
        axes.plot(time_s, _smooth(time_s, values), color=KIND_COLOURS[name], lw=thick, label=label)
    axes.set_xlabel("time [s]")
    axes.set_ylabel("GOSPA [m]")
    axes.set_xlim(0.0, run.duration_s * 1.02)
    axes.set_ylim(bottom=0.0)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.005, 1.0), borderaxespad=0.0)
    return drawing


def _smooth(time_s: F64, values: F64) -> F64:
    """Return running means over ``SMOOTH_S`` (shorter at the ends)."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    first = np.searchsorted(time_s, time_s - SMOOTH_S / 2.0, "left")
    last = np.searchsorted(time_s, time_s + SMOOTH_S / 2.0, "right")
    return np.asarray((total[last] - total[first]) / np.maximum(last - first, 1))
