"""The map of a run: ground, truth, tracks with their uncertainty, platforms and what the sensors cover."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Ellipse, Wedge

from benchmarks.approach import defended_tracks
from benchmarks.metrics.identity import main_owner
from benchmarks.plot_style import FAINT, INK, KIND_COLOURS, KIND_NAMES, WIDTH_IN, target_colours
from benchmarks.run_folder import RunFolder
from benchmarks.sightings import mount_at
from messages.frames import F64
from messages.types import SensorDescription

LEGEND_IN = 2.1
MARGIN = 0.06  # of the larger extent, free around what is drawn
INSIDE_95_PLANE = 5.991464547107979  # chi-square, 2 dof, P = 0.95: the ellipse on a plane
ELLIPSES_A_TRACK = 14  # enough to see the uncertainty change, few enough to tell them apart
GROUND_CELLS = 220
MEADOW = LinearSegmentedColormap.from_list("meadow", ["#EEF1E6", "#F7F5EC", "#EFE8D8"])
WOOD = "#BFD3B4"


class Ground(Protocol):
    """What the map needs of a terrain; ``sim.terrain.Terrain`` is one."""

    def height(self, east_m: F64, north_m: F64) -> F64:
        """Return the ground's height [m]."""

    def canopy(self, east_m: F64, north_m: F64) -> F64:
        """Return the height of vegetation above the ground [m]."""


def draw_map(run: RunFolder, ground: Ground | None = None) -> Figure:
    """Return the map of a run, north up."""
    low, high = _extent(run)
    wide_in = WIDTH_IN - LEGEND_IN - 0.9  # what labels and legend leave for the map itself
    height_in = float(np.clip(wide_in * (high[1] - low[1]) / (high[0] - low[0]) + 0.6, 4.4, 8.0))
    drawing = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes = drawing.subplots()
    axes.set_aspect("equal")
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    if ground is not None:
        _ground(axes, ground, low, high)
    handles = _coverage(axes, run)
    handles = _targets(axes, run) + _tracks(axes, run) + _platforms(axes, run) + handles
    axes.set_xlabel("east [m]")
    axes.set_ylabel("north [m]")
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    return drawing


def _extent(run: RunFolder) -> tuple[F64, F64]:
    shown = [run.truth.position_m[run.truth.airborne][:, :2]]
    shown += [np.array([pose.position_m[:2] for pose in poses]) for poses in defended_tracks(run.platforms).values()]
    points = np.concatenate([part.reshape(-1, 2) for part in shown] + [np.array([[-100.0, -100.0], [100.0, 100.0]])])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * float((high - low).max())
    least = 0.65 * float((high - low).max())  # a straight approach along one axis still gets a wide strip
    pad = np.maximum(margin, (least - (high - low)) / 2.0)
    return low - pad, high + pad


def _ground(axes: Axes, ground: Ground, low: F64, high: F64) -> None:
    east, north = np.meshgrid(np.linspace(low[0], high[0], GROUND_CELLS), np.linspace(low[1], high[1], GROUND_CELLS))
    height, canopy = ground.height(east, north), ground.canopy(east, north)
    spacing = float(east[0, 1] - east[0, 0])
    shade = LightSource(azdeg=315, altdeg=50).shade(
        height, cmap=MEADOW, vert_exag=4.0, dx=spacing, dy=spacing, blend_mode="soft"
    )
    place = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    axes.imshow(shade, extent=place, origin="lower", zorder=0, interpolation="bilinear")
    if (canopy > 1.0).any():
        axes.contourf(east, north, canopy, levels=[1.0, 1e3], colors=[WOOD], zorder=0.5)
    axes.grid(visible=False)


def _targets(axes: Axes, run: RunFolder) -> list[Line2D]:
    truth = run.truth
    threats = [bool(truth.threat[truth.rows(i)[0]]) for i in range(len(truth.target_ids))]
    handles: list[Line2D] = []
    for i, colour in enumerate(target_colours(threats)):
        rows = truth.rows(i)
        path = np.where(truth.airborne[rows, None], truth.position_m[rows], np.nan)
        hidden = np.where(truth.scored[rows, None], np.nan, path)
        axes.plot(path[:, 0], path[:, 1], color=colour, lw=1.4, alpha=0.9, zorder=3)
        axes.plot(hidden[:, 0], hidden[:, 1], color="white", lw=1.4, ls=(0, (2, 2)), zorder=3.1)
        flown = path[np.isfinite(path[:, 0])]
        if len(flown):
            axes.plot(*flown[0, :2], marker="o", ms=5, mfc="white", mec=colour, zorder=4)
            axes.plot(*flown[-1, :2], marker="X", ms=6.5, color=colour, mec="white", mew=0.6, zorder=4)
        name = f"{truth.target_ids[i]}" + ("" if threats[i] else " (no threat)")
        handles.append(Line2D([], [], color=colour, lw=1.6, label=name))
    shown = handles[:12]
    if len(handles) > 12:
        shown.append(Line2D([], [], color="none", label=f"... and {len(handles) - 12} more targets"))
    shown.append(Line2D([], [], color=FAINT, marker="o", mfc="white", ls="none", label="first seen flying"))
    shown.append(Line2D([], [], color=FAINT, marker="X", ls="none", label="last seen flying"))
    shown.append(Line2D([], [], color=FAINT, lw=1.6, ls=(0, (2, 2)), label="out of every sensor's sight"))
    return shown


def _tracks(axes: Axes, run: RunFolder) -> list[Line2D]:
    tracks, handles = run.tracks, []
    for track_id in np.unique(tracks.track_id).tolist():
        rows = np.flatnonzero(tracks.track_id == track_id)
        false = main_owner(run.evaluation, track_id) is None
        colour = "#E5007D" if false else INK
        path = tracks.position_m[rows]
        axes.plot(path[:, 0], path[:, 1], ".", ms=1.1, color=colour, alpha=0.4, zorder=2.5, rasterized=True)
        for row in rows[np.unique(np.linspace(0, len(rows) - 1, ELLIPSES_A_TRACK).astype(int))]:
            _ellipse(axes, tracks.position_m[row], tracks.covariance_m2[row], colour)
    handles.append(Line2D([], [], color=INK, marker=".", ls="none", ms=4, label="track, with 95 % ellipses"))
    handles.append(Line2D([], [], color="#E5007D", marker=".", ls="none", ms=4, label="track without a target"))
    return handles


def _ellipse(axes: Axes, position_m: F64, upper_m2: F64, colour: str) -> None:
    covariance = np.array([[upper_m2[0], upper_m2[1]], [upper_m2[1], upper_m2[3]]])
    if not np.isfinite(covariance).all():
        return
    values, vectors = np.linalg.eigh(covariance)
    width, height = 2.0 * np.sqrt(INSIDE_95_PLANE * np.maximum(values, 0.0))
    angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
    place = (float(position_m[0]), float(position_m[1]))
    axes.add_patch(Ellipse(place, width, height, angle=angle, fill=False, ec=colour, lw=0.7, alpha=0.8, zorder=3.6))


def _platforms(axes: Axes, run: RunFolder) -> list[Line2D]:
    for poses in defended_tracks(run.platforms).values():
        path = np.array([pose.position_m[:2] for pose in poses])
        axes.plot(path[:, 0], path[:, 1], color="#2F4F2F", lw=2.2, alpha=0.5, zorder=4)
        axes.plot(*path[-1], marker="s", ms=6, color="#2F4F2F", mec="white", zorder=5)
    names = ", ".join(defended_tracks(run.platforms))
    return [Line2D([], [], color="#2F4F2F", marker="s", lw=2, label=_wrapped(f"own: {names}"))]


def _wrapped(text: str, width: int = 30) -> str:
    lines = [""]
    for word in text.split(" "):
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < width else [lines[-1], word]
    return "\n".join(lines)


def _coverage(axes: Axes, run: RunFolder) -> list[Line2D]:
    """Draw each sensor's place and sector at the middle of the run."""
    instants = run.truth.instants_ns
    middle = instants[len(instants) // 2 : len(instants) // 2 + 1]
    by_platform = {p.platform_id: [q for q in run.poses if q.platform_id == p.platform_id] for p in run.poses[:64]}
    furthest: dict[str, float] = {}
    for sensor in run.sensors.sensors:
        poses = by_platform.get(sensor.platform_id or "", [])
        if len(middle) == 0 or (sensor.platform_id is not None and not poses):
            continue  # the run ended before anybody said where it was
        mount = mount_at(sensor, poses, middle)
        far = sensor.field_of_view.range_m
        if far is not None:
            furthest[sensor.kind] = max(furthest.get(sensor.kind, 0.0), far[1])
            _sector(axes, sensor, mount.origin_m[0], mount.enu_from_sensor[0], far[1])
    return [
        Line2D(
            [], [], color=KIND_COLOURS[kind], lw=1.2, ls="--", label=f"{KIND_NAMES[kind]}: to {furthest[kind]:.0f} m"
        )
        for kind in run.kinds()
        if kind in furthest
    ]


def _sector(axes: Axes, sensor: SensorDescription, origin_m: F64, enu_from_sensor: F64, far_m: float) -> None:
    colour, azimuth = KIND_COLOURS[sensor.kind], sensor.field_of_view.azimuth_rad
    first, last = (0.0, 360.0) if azimuth is None else np.degrees(azimuth)
    if sensor.angles == "sensor":
        forward = np.degrees(np.arctan2(enu_from_sensor[0, 0], enu_from_sensor[1, 0]))
        first, last = first + forward, last + forward
    place = (float(origin_m[0]), float(origin_m[1]))
    edge: dict[str, Any] = {"fill": False, "ec": colour, "lw": 0.9, "ls": "--", "alpha": 0.55, "zorder": 2.0}
    if last - first >= 359.0:
        axes.add_patch(Circle(place, far_m, **edge))
        return
    ends = (90.0 - float(last), 90.0 - float(first))  # matplotlib turns the other way, from east
    axes.add_patch(Wedge(place, far_m, *ends, **edge))
    axes.add_patch(Wedge(place, far_m, *ends, fc=colour, ec="none", alpha=0.04, zorder=1))
