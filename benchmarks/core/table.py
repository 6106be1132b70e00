"""The results of the benchmark as a table for people."""

from __future__ import annotations

from typing import Any

HEADER = (
    "scene",
    "tracker",
    "scans",
    "median ms",
    "p99 ms",
    "max ms",
    "slower",
    "GOSPA m",
    "settled",
    "ours/theirs",
    "switches",
)


def as_text(result: dict[str, Any]) -> str:
    """Return every part that was run, a table each."""
    parts = [_table([HEADER, *(row for scene in result["scenes"] for row in _scene_rows(scene))])]
    if result["growth"]:
        rows = [(f"{g['targets']}", f"{g['median_ms']:.3f}", f"{g['us_over_n_log2_n']:.3f}") for g in result["growth"]]
        parts.append("Growth in spread scenes\n" + _table([("N", "median ms", "us / (N log2 N)"), *rows]))
    if "marginals" in result:
        parts.append("Exact marginals, n x n fully connected\n" + _table(_marginal_rows(result["marginals"])))
    if "filter_step" in result:
        parts.append(_filter_steps(result["filter_step"]))
    return "\n\n".join((*parts, _conditions(result)))


def _scene_rows(scene: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for i, t in enumerate(scene["trackers"]):
        mark = "*" if t["stopped_by_limit"] else ""
        cells = (f"{t['scans']}{mark}", *(_number(t[key], 3) for key in ("median_ms", "p99_ms", "max_ms")))
        slower = f"{t['times_slower']:.0f} x" if "times_slower" in t else ""
        over = f"{t['gospa_ours_over_theirs']:.3f}" if "gospa_ours_over_theirs" in t else ""
        head = f"{scene['scene']} (seed {scene['seed']})" if i == 0 else ""
        rows.append(
            (
                head,
                t["tracker"],
                *cells,
                slower,
                _number(t["gospa_m"], 2),
                _number(t["settled_gospa_m"], 2),
                over,
                str(t["id_switches"]),
            )
        )
    return rows


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _marginal_rows(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = [("n", "vedette ms", "pyehm ms", "ratio", "largest difference")]
    for row in rows:
        theirs = ("pyehm_ms" in row) and (f"{row['pyehm_ms']:.1f}", f"{row['ratio']:.0f} x")
        difference = f"{row['largest_difference']:.1e}" if theirs else ""
        out.append((str(row["n"]), f"{row['vedette_ms']:.4f}", *(theirs or ("", "")), difference))
    return out


def _filter_steps(f: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("filter", "step", "us a track", "faster", "largest difference")]
    rows.append(("filterpy", "a track at a time", f"{f['filterpy_us']:.1f}", "", ""))
    for prefix, step, us in (("", "as in the tracker", "vedette_us"), ("lanes_", "one model, in lanes", "lanes_us")):
        ratio, difference = f[f"{prefix}ratio"], f[f"{prefix}largest_difference_sigma"]
        rows.append(("vedette", step, f"{f[us]:.3f}", f"{ratio:.0f} x", f"{difference:.1e} sigma"))
    return f"Filter step, {f['tracks']} tracks\n" + _table(rows)


def _conditions(result: dict[str, Any]) -> str:
    options, machine = result["options"], result["machine"]
    versions = ", ".join(f"{name} {text or 'missing'}" for name, text in machine["packages"].items())
    before, after = machine["load_before_and_after"]
    return (
        f"* stopped by its limit: a peer runs at most {options['peer_scans']} scans and {options['peer_limit_s']:g} s "
        "a scene (the scan in which it is stopped is not in its times); 'slower' and 'ours/theirs' compare the same "
        "scans. Times and settled GOSPA after the first 20 scans.\n"
        f"{machine['processor']}, {machine['cores']} cores, load {before:.1f} before and {after:.1f} after; "
        f"Python {machine['python']}, {versions}."
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
