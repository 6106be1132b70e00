"""What the terminal shows while a run goes on: simulated time, tracks, alerts, rates, latency (rich)."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from messages.codec import FrameRefused, decode, subscription_prefix
from messages.topics import Topics
from messages.types import Alert, LatencyLedger, NodeHealth, TrackSet

TOPICS = (Topics.TRACKS, Topics.ALERT, Topics.LEDGER, Topics.HEALTH)
PREFIXES = tuple(subscription_prefix(topic) for topic in TOPICS)
ALERTS_SHOWN = 8
LEDGERS_KEPT = 500  # latency is the median of this many scans
LEVEL_STYLE = {"INFO": "cyan", "CAUTION": "yellow", "WARNING": "bold red"}


class Progress:
    """A live panel on a terminal; plain lines (one an alert) where the output is no terminal."""

    def __init__(self, title: str, duration_s: float, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._title, self._duration_s = title, duration_s
        self._live = Live(console=self._console, refresh_per_second=5, transient=True, auto_refresh=True)
        self._t_s, self._tracks, self._alert_count, self._phase = 0.0, 0, 0, "starting"
        self._counters: dict[str, int] = {}
        self._state = "WARMING"
        self._alerts: deque[str] = deque(maxlen=ALERTS_SHOWN)
        self._latency_ms: deque[float] = deque(maxlen=LEDGERS_KEPT)
        self._interactive = self._console.is_terminal and not quiet

    def __enter__(self) -> Progress:
        if self._interactive:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._interactive:
            self._live.stop()

    def phase(self, text: str) -> None:
        """Say what is being done now."""
        self._phase = text
        if not self._interactive:
            self._console.print(f"{self._title}: {text}")
        self._refresh()

    def take(self, data: bytes) -> None:
        """Show what a published frame says."""
        try:
            message = decode(data).message
        except FrameRefused as error:
            print(f"{self._title}: {error}", file=sys.stderr)
            return
        if isinstance(message, TrackSet):
            self._t_s = max(self._t_s, message.t_ns / 1e9)
            self._tracks = len(message.tracks)
        elif isinstance(message, LatencyLedger):
            self._latency_ms.append(message.stages_ms.get("total", 0.0))
        elif isinstance(message, NodeHealth):
            self._counters, self._state = message.counters, message.state
        elif isinstance(message, Alert):
            self._alert(message)
        self._refresh()

    def _alert(self, alert: Alert) -> None:
        self._alert_count += 1
        style = LEVEL_STYLE[alert.level]
        line = f"[{style}]{alert.t_ns / 1e9:7.1f} s {alert.level:7}[/] track {alert.track_id}: {alert.reason}"
        self._alerts.append(line)
        if not self._interactive and alert.level == "WARNING":
            self._console.print(line)

    def _refresh(self) -> None:
        if self._interactive:
            self._live.update(self._panel())

    def _panel(self) -> Table:
        panel = Table.grid(padding=(0, 2))
        share = min(1.0, self._t_s / self._duration_s)
        bar = "#" * round(30 * share) + "." * (30 - round(30 * share))
        panel.add_row(f"[bold]{self._title}[/]  {self._phase}", f"{bar} {self._t_s:6.1f} of {self._duration_s:.0f} s")
        scans = self._counters.get("scans_fused", 0)
        rate = scans / self._t_s if self._t_s > 1.0 else 0.0
        panel.add_row(
            f"tracks {self._tracks}   alerts {self._alert_count}   node {self._state}",
            f"{scans} scans, {rate:.0f} a simulated second, median latency {self._median_ms():.2f} ms",
        )
        for line in self._alerts:
            panel.add_row(line, "")
        return panel

    def _median_ms(self) -> float:
        ordered = sorted(self._latency_ms)
        return ordered[len(ordered) // 2] if ordered else 0.0
