"""The fusion node without its process: frames in, answers and publications out, no socket and no clock.

A frame is decoded, judged at the door, appended to the journal, and only then answered; ``work``
fuses what the frame released. Everything that decides a track is in the journal, in order: frames
with their arrival, ticks (times at which the node acted although nothing arrived) and flushes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from edge_node.config import NodeConfig, S
from edge_node.door import Admitted, Door, Refused
from edge_node.estimation import Estimation
from edge_node.health import SensorWatch, health_message, refusal_reasons
from edge_node.ordering import Held, Ordering
from edge_node.outbox import Appender, Outbox, track_sets
from messages.clock import StreamClock
from messages.codec import HEADER, encode
from messages.journal import Kind, Record
from messages.topics import Topics
from messages.types import (
    Acknowledgement,
    Alert,
    EndOfStream,
    LatencyLedger,
    Message,
    PlatformPose,
    SensorDescription,
    SensorHead,
    SensorScan,
    SensorStatus,
    Track,
)

HEALTH_PERIOD_NS = 1 * S
_NODE_FIELD = slice(8, 32)  # where the header holds the sender's name
_NS_PER_MS = 1e6


class _Cost(NamedTuple):
    decode_ms: float
    journal_ms: float


class _Released(NamedTuple):
    held: Held
    t_release_ns: int


class _Unwritten:
    """Stands for the journal while the node reads that same journal again."""

    def append(self, kind: int, t_arrival_ns: int, frame: bytes) -> int:
        return 0


class FusionNode:
    """Ingest, ordering, fusion, alerts, health; drive it with ``on_frame``, ``work``, ``on_tick`` and ``finish``."""

    def __init__(
        self,
        config: NodeConfig,
        estimation: Estimation,
        *,
        inbound: Appender,
        outbound: Appender,
        publish: Callable[[bytes], None],
        perf_ns: Callable[[], int],
    ) -> None:
        self.config = config
        self.clock = StreamClock()
        self.warming = True
        self._tracker, self._alerts, self._cues = estimation
        self._inbound, self._perf_ns = inbound, perf_ns
        self._outbox = Outbox(config.name, config.boot, outbound, publish)
        self._door = Door(config)
        self._ordering = Ordering(config.hold_back_ns)
        self._watch = SensorWatch()
        self._due: deque[_Released | PlatformPose | SensorDescription | SensorHead] = deque()
        self._mail: dict[str, bytes] = {}  # the newest cue of each sensor that has not been handed over yet
        self._costs: dict[int, _Cost] = {}
        self._poses: dict[str, PlatformPose] = {}
        self._heard: set[str] = set()
        self._ended: set[str] = set()
        self._counters: Counter[str] = Counter()
        self._refused_before: Counter[str] = Counter()
        self._next_health_ns = 0
        self._assessed_ns: int | None = None
        self._fused_ns = 0
        self._unusable = ""

    # ---- in

    def on_frame(self, peer: bytes, data: bytes, t_arrival_ns: int) -> bytes | None:
        """Take one frame in and return the answer; None where no answer can be addressed to a sequence.

        ``t_arrival_ns`` is the live clock; in lock-step any value not ahead of the senders. The frame is
        journaled before this returns; call ``work`` after the answer is on its way.
        """
        self.work()
        start_ns = self._perf_ns()
        try:
            admitted = self._door.admit(peer, data, max(t_arrival_ns, self.clock.now_ns()))
            decoded_ns = self._perf_ns()
            if admitted.duplicate:
                self._counters["duplicates"] += 1
                return self._answer(admitted.frame.sequence, accepted=True)
            self._journal_frame(admitted, data)
        except Refused as refused:
            if refused.sequence is None:
                return None
            return self._answer(refused.sequence, accepted=False, reason=str(refused)[:512])
        journaled_ns = self._perf_ns()
        cost = _Cost((decoded_ns - start_ns) / _NS_PER_MS, (journaled_ns - decoded_ns) / _NS_PER_MS)
        self._take(admitted, cost)
        return self._answer(admitted.frame.sequence, accepted=True)

    def mail(self, peer: bytes) -> bytes | None:
        """Return the cue that goes to a sender just ahead of the answer to its frame, or None.

        Only so, on the sensor's own connection and in the order of its own frames, does a sensor in lock-step hear
        the same cue at the same frame in every run, whatever the load of the machine.
        """
        return self._mail.pop(peer.decode(errors="replace"), None)

    def on_tick(self, t_now_ns: int) -> None:
        """Let the time pass although nothing arrived: release what was held back long enough, report health."""
        self.work()
        if self._append(Kind.TICK, max(t_now_ns, self.clock.now_ns())):
            self._advance(t_now_ns)

    def finish(self) -> None:
        """Fuse all that is held back and report health a last time (clean end of a run)."""
        self.work()
        if self._append(Kind.FLUSH, self.clock.now_ns()):
            self._release(self._ordering.flush())
        self.work()
        self.report_health()

    def wants_tick(self, t_now_ns: int) -> bool:
        """Say whether a live node should tick now: a held scan is due, or health is."""
        deadline_ns = self._ordering.next_deadline_ns
        return (deadline_ns is not None and deadline_ns <= t_now_ns) or t_now_ns >= self._next_health_ns

    @property
    def holds_scans(self) -> bool:
        """Whether a scan is held back, so that the next tick is only milliseconds away."""
        return len(self._ordering) > 0

    @property
    def streams_ended(self) -> bool:
        """Whether every sender (the expected ones, or all that were ever heard) has said EndOfStream."""
        awaited = set(self.config.expected_senders) or self._heard
        return bool(awaited) and awaited <= self._ended

    # ---- work

    def work(self) -> None:
        """Fuse and publish what the last event made due, in its order; report health when it is due."""
        while self._due:
            item = self._due.popleft()
            if isinstance(item, PlatformPose):
                self._poses[item.platform_id] = item
                self._tracker.set_pose(item)
            elif isinstance(item, SensorDescription):
                self._tracker.add_sensor(item)
                if self._cues is not None:
                    self._cues.add_sensor(item)
            elif isinstance(item, SensorHead):
                if self._cues is not None:
                    self._cues.add_head(item)
            else:
                self._fuse(item.held, item.t_release_ns)
        if not self.warming and self.clock.now_ns() >= self._next_health_ns:
            self.report_health()

    def report_health(self) -> None:
        """Send a health message now."""
        t_now_ns = self.clock.now_ns()
        refused = Counter(self._door.refused)
        reasons = self._watch.reasons(t_now_ns) + refusal_reasons(refused, self._refused_before)
        if self._unusable:
            reasons.append(f"not fused: {self._unusable}"[:512])
            self._unusable = ""
        if self._outbox.unwritten:
            reasons.insert(0, f"outbound journal: {self._outbox.unwritten} messages not written: free some disk space")
        self._refused_before = refused
        message = health_message(
            t_now_ns, warming=self.warming, failed=False, reasons=reasons, counters=self.counters()
        )
        self._next_health_ns = (t_now_ns // HEALTH_PERIOD_NS + 1) * HEALTH_PERIOD_NS
        self._outbox.send(message, t_ns=t_now_ns, t_now_ns=t_now_ns)

    def counters(self) -> dict[str, int]:
        """Return everything the node counts, by name."""
        refused = {f"refused.{reason}": n for reason, n in self._door.refused.items()}
        own = {"frames_missing": self._door.duplicates.missing, "journal_out_unwritten": self._outbox.unwritten}
        return {**self._counters, **refused, **own, "senders": len(self._heard), "senders_ended": len(self._ended)}

    # ---- restart

    def restore(self, records: Iterable[Record], already_sent: Counter[Topics]) -> None:
        """Fuse the node's own journal again after a restart, sending only what the outbound journal lacks."""
        inbound, self._inbound = self._inbound, _Unwritten()
        self._outbox.already_journaled(already_sent)
        self._outbox.restoring = True
        for record in records:
            self.repeat(record)
        self.work()
        self._outbox.restoring = False
        self._inbound = inbound

    def repeat(self, record: Record) -> None:
        """Do again what a journaled record made the node do (restart and replay)."""
        if record.kind == Kind.FRAME:
            self.on_frame(sender_of(record.frame), record.frame, record.t_arrival_ns)
        elif record.kind == Kind.TICK:
            self.on_tick(record.t_arrival_ns)
        elif record.kind == Kind.FLUSH:
            self.finish()
        self.work()

    # ---- details

    def _answer(self, sequence: int, *, accepted: bool, reason: str = "") -> bytes:
        answer = Acknowledgement(sequence=sequence, accepted=accepted, reason=reason)
        now_ns = self.clock.now_ns()
        return encode(
            answer, node=self.config.name, boot=self.config.boot, sequence=sequence, t_ns=now_ns, t_sent_ns=now_ns
        )

    def _journal_frame(self, admitted: Admitted, data: bytes) -> None:
        try:
            self._inbound.append(Kind.FRAME, admitted.t_arrival_ns, data)
        except OSError as error:
            raise self._door.refuse_unwritten(admitted.frame, error) from None
        self._door.accept(admitted.frame)
        self._counters["accepted"] += 1

    def _append(self, kind: Kind, t_ns: int) -> bool:
        """Journal a time; what could not be written may not happen, or replay would differ."""
        try:
            self._inbound.append(kind, t_ns, b"")
        except OSError:
            self._counters["journal_in_unwritten"] += 1
            return False
        return True

    def _take(self, admitted: Admitted, cost: _Cost) -> None:
        frame, t_arrival_ns = admitted.frame, admitted.t_arrival_ns
        message: Message = frame.message
        self._advance(t_arrival_ns)  # first what was due before this frame came
        self._heard.add(frame.node)
        self._ended.discard(frame.node)
        max_age_s = frame.topic.value.max_age_s
        if max_age_s and t_arrival_ns - frame.t_ns > max_age_s * 1e9:
            self._counters[f"late.{frame.topic.value.name}"] += 1
        if isinstance(message, SensorScan):
            self._watch.scanned(message.sensor_id, t_arrival_ns)
            self._costs[self._ordering.put(message, t_arrival_ns)] = cost
        elif isinstance(message, PlatformPose):
            self._due.append(message)
        elif isinstance(message, SensorDescription):
            self._watch.described(message, t_arrival_ns)
            self._due.append(message)
        elif isinstance(message, SensorHead):
            self._due.append(message)
        elif isinstance(message, SensorStatus):
            self._watch.reported(message)
        elif isinstance(message, EndOfStream):
            self._ended.add(frame.node)
            self._watch.ended(frame.node)
        self._advance(t_arrival_ns)

    def _advance(self, t_arrival_ns: int) -> None:
        self.clock.advance_to(t_arrival_ns)
        self._release(self._ordering.advance(self.clock.now_ns()))

    def _release(self, scans: list[Held]) -> None:
        """Queue scans for fusion. In lock-step the clock jumps over the moment at which a scan was due."""
        now_ns = self.clock.now_ns()
        for held in scans:
            due_ns = held.t_arrival_ns + self.config.hold_back_ns
            self._due.append(_Released(held, min(now_ns, due_ns) if self.config.lock_step else now_ns))

    def _fuse(self, held: Held, t_release_ns: int) -> None:
        scan = held.scan
        cost = self._costs.pop(held.arrival)
        start_ns = self._perf_ns()
        try:
            estimate = self._tracker.step(scan)
        except ValueError as error:  # the tracker's word for a scan that it cannot place (no pose of its platform yet)
            self._counters["scans_unusable"] += 1
            self._unusable = str(error)
            return
        fused_ns = self._perf_ns()
        if estimate is None:
            self._counters["late_scans_refused"] += 1
            return
        self._counters["scans_fused"] += 1
        if self._cues is not None:
            self._cues.saw(scan)
        self._fused_ns = max(self._fused_ns, scan.t_ns)
        self._assess(estimate.tracks)
        assessed_ns = self._perf_ns()
        sets = track_sets(estimate.tracks, t_ns=self._fused_ns, sensor_id=scan.sensor_id, scan=scan.scan)
        self._outbox.send_all(sets, t_ns=self._fused_ns, t_now_ns=self.clock.now_ns())
        stages = {
            "decode": cost.decode_ms,
            "journal": cost.journal_ms,
            "ordering": (t_release_ns - held.t_arrival_ns) / _NS_PER_MS,
            "fusion": (fused_ns - start_ns) / _NS_PER_MS,
            "threat": (assessed_ns - fused_ns) / _NS_PER_MS,
            "publish": (self._perf_ns() - assessed_ns) / _NS_PER_MS,
        }
        self._send_ledger(scan, stages)

    def _assess(self, tracks: tuple[Track, ...]) -> None:
        """Judge threats, at most once in the assessment period of validity, and send the alerts."""
        t_ns = self._fused_ns
        if self._assessed_ns is not None and t_ns - self._assessed_ns < self.config.assess_period_ns:
            return
        self._assessed_ns = t_ns
        poses = [self._poses[name] for name in sorted(self._poses)]
        alerts = self._alerts.update(tracks, poses, t_ns)
        self._counters["alerts"] += len(alerts)
        self._outbox.send_all(alerts, t_ns=t_ns, t_now_ns=self.clock.now_ns())
        self._cue(tracks, poses, alerts)

    def _cue(self, tracks: tuple[Track, ...], poses: list[PlatformPose], alerts: list[Alert]) -> None:
        """Send the cues that are due, and keep the newest of each sensor for its next answer."""
        if self._cues is None:
            return
        for cue in self._cues.update(tracks, poses, alerts, self._fused_ns):
            self._counters["cues"] += 1
            frame = self._outbox.send(cue, t_ns=cue.t_ns, t_now_ns=self.clock.now_ns())
            if frame is not None:
                self._mail[cue.sensor_id] = frame

    def _send_ledger(self, scan: SensorScan, stages_ms: dict[str, float]) -> None:
        """Send the cost of a scan; its waiting time counts on the clock of arrival, the rest is wall time."""
        stages_ms["total"] = sum(stages_ms.values())
        bounded = {name: max(0.0, value) for name, value in stages_ms.items()}
        ledger = LatencyLedger(t_ns=scan.t_ns, sensor_id=scan.sensor_id, scan=scan.scan, stages_ms=bounded)
        self._outbox.send(ledger, t_ns=scan.t_ns, t_now_ns=self.clock.now_ns())


def sender_of(frame: bytes) -> bytes:
    """Return the name of the sending node as its header holds it."""
    return frame[_NODE_FIELD].rstrip(b"\0") if len(frame) >= HEADER.size else b""
