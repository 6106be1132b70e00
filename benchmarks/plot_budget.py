"""Time budgets as bars: what each layer of protection needed against the warning time that it got."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.budget_words import layer_words, tightest
from benchmarks.plot_style import FAINT, INK, LEVEL_COLOURS, figure

PAIRS_MAX = 12  # more do not fit on a page; the least warning time is what a reader looks for
IN_TIME, TOO_LATE, NOT_COVERED = "#0072B2", "#E69F00", "#D5D8DB"  # Okabe and Ito: blue and orange for every eye
ROW_IN = 0.19  # inches a bar
GAP = 0.5  # rows between pairs


def draw_budgets(budgets: dict[str, Any]) -> Figure:
    """Return a group of bars a pair of platform and threat: the warning time, and below it what each layer needed."""
    pairs = tightest(budgets["pairs"], PAIRS_MAX)
    rows = sum(2 + len(pair["layers"]) + GAP for pair in pairs)
    drawing, (axes,) = figure(1.1 + ROW_IN * rows)
    y, labels = 0.0, list[tuple[float, str]]()
    for pair in pairs:
        y = _pair(axes, pair, y, labels) + GAP
    axes.set_yticks([at for at, _ in labels], [text for _, text in labels], fontsize=8.0)
    axes.set_ylim(y - GAP, -0.8)
    axes.axvline(0.0, color=FAINT, lw=0.8, zorder=1.5)
    axes.set_xlim(min(0.0, 1.02 * axes.dataLim.x0), max(1.0, 1.02 * axes.dataLim.x1))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("time from the first WARNING [s]")
    handles = [Patch(color=c, label=t) for c, t in _MEANINGS]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, columnspacing=1.4)
    return drawing


_MEANINGS = (
    (LEVEL_COLOURS["WARNING"], "warning time"),
    (IN_TIME, "layer had time"),
    (TOO_LATE, "layer had no time"),
    (NOT_COVERED, "does not cover this side"),
)


def _pair(axes: Axes, pair: dict[str, Any], y: float, labels: list[tuple[float, str]]) -> float:
    """Draw one pair from row y down; return the row after it."""
    title = f" {pair['target_id']} to {pair['platform_id']}, from the {pair['aspect']}"
    title += f", closest {pair['closest_approach_m']:.0f} m"
    transform = axes.get_yaxis_transform()
    axes.text(0.0, y, title, transform=transform, va="center", fontsize=8.5, weight="bold", color=INK)
    warning_time_s = pair["warning_time_s"]
    labels.append((y + 1.0, _warning_words(warning_time_s)))
    axes.barh(y + 1.0, warning_time_s or 0.0, height=0.72, color=LEVEL_COLOURS["WARNING"])
    for i, layer in enumerate(pair["layers"]):
        at = y + 2.0 + i
        colour = IN_TIME if layer["had_time"] else TOO_LATE if layer["covers"] else NOT_COVERED
        axes.barh(at, layer["needs_s"], height=0.72, color=colour)
        labels.append((at, layer_words(layer)))
    end = y + 1.5 + len(pair["layers"])
    if warning_time_s is not None:
        axes.plot([warning_time_s] * 2, [y + 1.36, end], color=LEVEL_COLOURS["WARNING"], lw=1.2, zorder=3)
    return end + 0.5


def _warning_words(warning_time_s: float | None) -> str:
    if warning_time_s is None:
        return "no WARNING"
    late = warning_time_s < 0.0
    return f"WARNING {-warning_time_s:.1f} s too late" if late else f"warning time {warning_time_s:.1f} s"
