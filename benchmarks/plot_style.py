"""One look for all figures of the report, and figures as self-contained images."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

KIND_COLOURS = {"fused": "#111111", "radar": "#0072B2", "eo": "#E69F00", "ir": "#D55E00", "acoustic": "#009E73"} | {
    "rf": "#CC79A7"
}  # Okabe and Ito: distinguishable with every common colour vision
KIND_NAMES = {"radar": "radar", "eo": "camera (EO)", "ir": "thermal (IR)", "acoustic": "acoustic", "rf": "radio (RF)"}
THREAT_COLOURS = ("#C1272D", "#7B2D8B", "#B8860B", "#1F6FB5", "#A0522D", "#008B8B", "#D6498E", "#4B4BC8")
HARMLESS_COLOURS = ("#5B8C5A", "#8A9A5B", "#6E7F80", "#9A8F6A")
LEVEL_COLOURS = {"INFO": "#3B82C4", "CAUTION": "#E8A317", "WARNING": "#C1272D"}
INK, FAINT = "#222222", "#9AA0A6"
WIDTH_IN = 9.4
DPI = 140  # of the parts that are drawn as pixels
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": "#E3E6E8",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.hashsalt": "vedette",  # the same figure is the same bytes
}


def target_colours(threats: Sequence[bool]) -> list[str]:
    """Return one colour a target: warm and strong for threats, muted for the rest."""
    counts = {True: 0, False: 0}
    out = []
    for threat in threats:
        palette = THREAT_COLOURS if threat else HARMLESS_COLOURS
        out.append(palette[counts[threat] % len(palette)])
        counts[threat] += 1
    return out


def figure(height_in: float, rows: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of the report's width with ``rows`` axes below one another."""
    drawing = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes = drawing.subplots(rows, 1, squeeze=False, **options)
    return drawing, list(axes[:, 0])


def shade(axes: Axes, windows: Sequence[tuple[float, float]]) -> None:
    """Shade windows of time [s] behind everything, numbered from 1 at their begin, staggered against overlaps."""
    for i, (from_s, to_s) in enumerate(windows):
        axes.axvspan(from_s, to_s, color=FAINT, alpha=0.18, lw=0, zorder=0.5)
        axes.annotate(
            f"{i + 1}",
            (from_s, 0.0),
            (2.0, 1.0 + 8.0 * (i % 4)),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            fontsize=7.5,
            color=INK,
        )


def image_tag(drawing: Figure, description: str) -> str:
    """Return the figure as an ``<img>`` with its data inside."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{description}" src="data:image/svg+xml;base64,{data}">'


def style() -> Any:
    """Return a context in which figures have the report's look."""
    look: Any = STYLE  # the newer stub wants literal keys
    return matplotlib.rc_context(look)
