"""Plots of the benchmark: time against N, GOSPA by scene, a swarm with the tracks in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.core.ours import run_ours
from benchmarks.core.scenes import make_scene
from benchmarks.plot_style import DPI, FAINT, INK, figure, style
from benchmarks.truth_table import TruthTable
from edge_node.tables.tracks_file import TrackTable

COLOURS = ("#111111", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
SWARM = "swarm_20"
SWARM_SCANS = 100
RIBBON_S = 3.0  # of paths in the picture of the swarm


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Write the plots that the results allow and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with style():
        drawings = {"gospa_by_scene": gospa_by_scene(result), SWARM: swarm_picture(result["options"]["seed"])}
        if any(scene["kind"] == "spread" for scene in result["scenes"]):
            drawings["time_against_targets"] = time_against_targets(result)
        paths = []
        for name, drawing in drawings.items():
            path = folder / f"{name}.png"
            drawing.savefig(path, dpi=DPI)
            paths.append(path)
    return paths


def time_against_targets(result: dict[str, Any]) -> Figure:
    """Draw the median step of each tracker over N, spread scenes, both axes logarithmic."""
    drawing, (axes,) = figure(4.0)
    points: dict[str, list[tuple[int, float]]] = {}
    for scene in result["scenes"]:
        if scene["kind"] == "spread" and scene["clutter_per_scan"] == scene["targets"]:
            for entry in (e for e in scene["trackers"] if e["scans"]):
                points.setdefault(entry["tracker"], []).append((scene["targets"], entry["median_ms"]))
    for colour, (name, values) in zip(COLOURS, points.items(), strict=False):
        n, cost = np.array(sorted(values)).T
        axes.loglog(n, cost, "o-", color=colour, label=name)
        if name == "vedette" and len(n) > 1:
            axes.loglog(n, cost[0] * n * np.log2(n) / (n[0] * np.log2(n[0])), ":", color=FAINT, label="N log N")
    axes.set_xlabel("targets, and false detections a scan")
    axes.set_ylabel("median step [ms]")
    axes.legend()
    return drawing


def gospa_by_scene(result: dict[str, Any]) -> Figure:
    """Draw GOSPA of each tracker in each scene, a group of bars a scene."""
    scenes = result["scenes"]
    drawing, (axes,) = figure(1.2 + 0.55 * len(scenes))
    names = list(dict.fromkeys(entry["tracker"] for scene in scenes for entry in scene["trackers"]))
    height = 0.8 / len(names)
    for k, name in enumerate(names):
        rows = [
            (i, entry["gospa_m"])
            for i, s in enumerate(scenes)
            for entry in s["trackers"]
            if entry["tracker"] == name and entry["scans"]
        ]
        places = [i - 0.4 + (k + 0.5) * height for i, _ in rows]
        axes.barh(places, [value for _, value in rows], height, color=COLOURS[k % len(COLOURS)], label=name)
    axes.set_yticks(range(len(scenes)), [scene["scene"] for scene in scenes])
    axes.invert_yaxis()
    axes.set_xlabel("GOSPA [m] (p = 2, c = 50 m, alpha = 2), mean over the scans that the tracker was given")
    axes.legend()
    return drawing


def swarm_picture(seed: int | None) -> Figure:
    """Draw the last seconds of a swarm from above: true paths, our tracks, and the detections of the last scan."""
    scene = make_scene(SWARM, seed, scans=SWARM_SCANS)
    trial, _ = run_ours(scene, limit_s=60.0)
    drawing, (axes,) = figure(6.0)
    start_ns = trial.last_ns - int(RIBBON_S * 1e9)
    _paths(axes, scene.truth, start_ns)
    _tracks(axes, trial.tracks, start_ns)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("east [m]")
    axes.set_ylabel("north [m]")
    axes.set_title(f"{SWARM}, the last {RIBBON_S:g} s: truth (grey), tracks (coloured)", color=INK)
    return drawing


def _paths(axes: Any, truth: TruthTable, start_ns: int) -> None:
    for i in range(len(truth.target_ids)):
        rows = truth.rows(i)
        place = truth.position_m[rows[truth.t_ns[rows] >= start_ns]]
        axes.plot(place[:, 0], place[:, 1], color=FAINT, linewidth=3.0, alpha=0.6)
        axes.plot(*place[-1, :2], "o", color=FAINT, markersize=6)


def _tracks(axes: Any, tracks: TrackTable, start_ns: int) -> None:
    for k, track_id in enumerate(np.unique(tracks.track_id[tracks.t_ns >= start_ns]).tolist()):
        rows = np.flatnonzero((tracks.track_id == track_id) & (tracks.t_ns >= start_ns))
        place = tracks.position_m[rows]
        axes.plot(place[:, 0], place[:, 1], color=COLOURS[1 + k % (len(COLOURS) - 1)], linewidth=1.2)
        axes.plot(*place[-1, :2], "+", color=INK, markersize=6)
