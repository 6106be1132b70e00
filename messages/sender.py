"""A sender's side of the ingest protocol: sequence, send window, acknowledgement, resend, shed and count.

A frame stays in the window until the node has answered it; an unanswered one is sent again with the
same sequence, so that the node can tell a repetition from news. At a full window a new message is
shed, but it has taken its sequence: the node sees the gap, and the sender counts it. In lock-step
``send`` returns when the node has the frame in its journal, and nothing is ever shed. What the node asks
of a sensor (cues) comes just ahead of an answer, on the same connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from messages.bus import SensorLink
from messages.codec import FrameRefused, decode, encode
from messages.types import Acknowledgement, EndOfStream, Message, SensorCue, SensorDescription, SensorHead

DEFAULT_WINDOW = 64  # frames: 6 s of a 10 Hz sensor; older ones would be refused as late anyway
RESEND_AFTER_S = 0.5  # five times the longest answer of a loaded node; a repetition costs little
RESEND_DOUBLINGS_MAX = 4  # 8 s between repetitions to a node that says nothing
GIVE_UP_AFTER_S = 60.0  # lock-step: a node that compiles its kernels for the first time is silent for 20 s
WAIT_STEP_S = 0.05  # longest single wait, so that resends and the limit above are looked at
# These must arrive for anything else to have a meaning, and they are rare: they go out over a full window.
ESSENTIAL = (SensorDescription, SensorHead, EndOfStream)


class NodeSilent(ConnectionError):
    """The node did not answer in time; the text names the sender and what to do."""


class _Pending:
    __slots__ = ("frame", "message", "repeats", "sent_s", "t_ns")

    def __init__(self, frame: bytes, message: Message, t_ns: int) -> None:
        self.frame, self.message, self.t_ns = frame, message, t_ns
        self.sent_s: float | None = None  # None: the transport has not taken it yet
        self.repeats = 0


class Sender:
    """Send messages of one node; ``now_s`` is any clock that moves forward (a process passes time.monotonic)."""

    def __init__(
        self,
        link: SensorLink,
        node: str,
        *,
        boot: int,
        now_s: Callable[[], float],
        window: int = DEFAULT_WINDOW,
        resend_after_s: float = RESEND_AFTER_S,
        lock_step: bool = False,
        give_up_after_s: float = GIVE_UP_AFTER_S,
        on_cue: Callable[[SensorCue], None] = lambda _: None,
    ) -> None:
        self._link, self.node, self._boot, self._now_s = link, node, boot, now_s
        self._window, self._resend_after_s = window, resend_after_s
        self._lock_step, self._give_up_after_s, self._on_cue = lock_step, give_up_after_s, on_cue
        self._sequence = 0
        self._pending: dict[int, _Pending] = {}
        self._introduction: dict[type[Message], Message] = {}
        self._answered_s = self._answered_sent_s = float("-inf")
        self.sent = self.acknowledged = self.shed = self.resent = 0
        self.refused: Counter[str] = Counter()

    @property
    def outstanding(self) -> int:
        """Number of frames that wait for an answer."""
        return len(self._pending)

    def send(self, message: Message, *, t_ns: int, t_sent_ns: int) -> bool:
        """Send one message; False where it was shed. In lock-step, wait for the answer (NodeSilent after the limit)."""
        sequence = self._sequence
        frame = encode(message, node=self.node, boot=self._boot, sequence=sequence, t_ns=t_ns, t_sent_ns=t_sent_ns)
        self._sequence += 1
        self.sent += 1
        if isinstance(message, (SensorDescription, SensorHead)):
            self._introduction[type(message)] = message
        self.poll()
        if len(self._pending) >= self._window and not self._lock_step and not isinstance(message, ESSENTIAL):
            self.shed += 1
            return False
        self._pending[sequence] = _Pending(frame, message, t_ns)
        self._push(self._pending[sequence])
        if self._lock_step and not self.flush(self._give_up_after_s):
            raise NodeSilent(
                f"{self.node}: no answer from the node for {self._give_up_after_s:g} s: is it running and reachable?"
            )
        return True

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take the answers that are there (wait for the first up to the timeout) and resend what is overdue."""
        while self._pending and (data := self._link.receive(timeout_s)) is not None:
            timeout_s = 0.0
            self._on_answer(data)
        now_s = self._now_s()
        for pending in list(self._pending.values()):
            if pending.sent_s is None:
                self._push(pending)
            elif self._overdue(pending, pending.sent_s, now_s) and self._push(pending):
                self.resent += 1
                pending.repeats += 1

    def flush(self, timeout_s: float) -> bool:
        """Wait until every frame is answered; False where some are not after the timeout."""
        deadline_s = self._now_s() + timeout_s
        while self._pending:
            self.poll(WAIT_STEP_S)
            if self._pending and self._now_s() >= deadline_s:
                return False
        return True

    def close(self) -> None:
        """Close the link; what is still unanswered is lost for this sender (the node may have it)."""
        self._link.close()

    def _overdue(self, pending: _Pending, sent_s: float, now_s: float) -> bool:
        """Say whether a frame is to be repeated: answers come in order, so a node that is only slow gets no more work.

        Repeated is what a later frame has overtaken, and everything, ever more rarely, at a node that says nothing.
        """
        wait_s = self._resend_after_s * 2 ** min(pending.repeats, RESEND_DOUBLINGS_MAX)
        overtaken = sent_s < self._answered_sent_s
        return now_s - sent_s >= wait_s and (overtaken or now_s - self._answered_s >= wait_s)

    def _push(self, pending: _Pending) -> bool:
        taken = self._link.send(pending.frame)
        if taken:
            pending.sent_s = self._now_s()
        return taken

    def _on_answer(self, data: bytes) -> None:
        try:
            answer = decode(data).message
        except FrameRefused as error:
            self.refused[f"answer.{error.reason.value}"] += 1
            return
        if isinstance(answer, SensorCue):
            self._on_cue(answer)
        if not isinstance(answer, Acknowledgement):
            return
        pending = self._pending.pop(answer.sequence, None)
        self._answered_s = self._now_s()
        if pending is None:
            return  # the answer to a repetition
        if pending.sent_s is not None and not pending.repeats:
            self._answered_sent_s = max(self._answered_sent_s, pending.sent_s)
        if answer.accepted:
            self.acknowledged += 1
            return
        reason = answer.reason.split(":", 1)[0]
        self.refused[reason] += 1
        if reason == "no_description":
            self._introduce_again(pending.t_ns)

    def _introduce_again(self, t_ns: int) -> None:
        """A node that was replaced by a new one does not know this sensor: say again what it is."""
        for message in self._introduction.values():
            sequence = self._sequence
            frame = encode(message, node=self.node, boot=self._boot, sequence=sequence, t_ns=t_ns, t_sent_ns=t_ns)
            self._sequence += 1
            self.sent += 1
            self._pending[sequence] = _Pending(frame, message, t_ns)
            self._push(self._pending[sequence])
