"""The sender's window: nothing acknowledged twice, repetitions keep their sequence, what is shed is counted."""

from __future__ import annotations

from collections import deque

import pytest
from edge_node_fakes import description, scan

from messages.codec import decode, encode
from messages.sender import NodeSilent, Sender
from messages.types import Acknowledgement, EndOfStream, SensorCue, SensorHead


class FakeLink:
    """Takes frames while ``open``; answers are put in by the test."""

    def __init__(self) -> None:
        self.open = True
        self.sent: list[int] = []
        self.answers: deque[bytes] = deque()
        self.answer_at_once = False

    def send(self, frame: bytes) -> bool:
        if not self.open:
            return False
        sequence = decode(frame).sequence
        self.sent.append(sequence)
        if self.answer_at_once:
            self.answer(sequence)
        return True

    def answer(self, sequence: int, *, accepted: bool = True, reason: str = "") -> None:
        message = Acknowledgement(sequence=sequence, accepted=accepted, reason=reason)
        self.answers.append(encode(message, node="node", boot=0, sequence=0, t_ns=0, t_sent_ns=0))

    def receive(self, timeout_s: float) -> bytes | None:
        return self.answers.popleft() if self.answers else None

    def close(self) -> None:
        self.open = False


class FakeTime:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1e-3  # so that a wait ends
        return self.now_s


def make(link: FakeLink, *, lock_step: bool = False, window: int = 4) -> tuple[Sender, FakeTime]:
    clock = FakeTime()
    sender = Sender(
        link, "r1", boot=7, now_s=clock, window=window, resend_after_s=0.5, lock_step=lock_step, give_up_after_s=2.0
    )
    return sender, clock


def send(sender: Sender, number: int) -> bool:
    return sender.send(scan("r1", number, number), t_ns=number, t_sent_ns=number)


def test_an_unanswered_frame_is_sent_again_with_its_sequence() -> None:
    link = FakeLink()
    sender, clock = make(link)
    assert send(sender, 0)
    sender.poll()
    assert link.sent == [0]
    clock.now_s += 0.6
    sender.poll()
    assert (link.sent, sender.resent) == ([0, 0], 1)
    link.answer(0)
    link.answer(0)
    sender.poll()
    assert (sender.acknowledged, sender.outstanding) == (1, 0)


def test_a_node_that_is_slow_but_answers_gets_no_repetitions_and_what_was_overtaken_is_repeated() -> None:
    link = FakeLink()
    sender, clock = make(link)
    for i in range(3):
        send(sender, i)
        clock.now_s += 0.2
    link.answer(0)
    clock.now_s += 0.3
    sender.poll()
    assert link.sent == [0, 1, 2]  # 1 is 0.7 s old, but the node is at work on what came before it
    link.answer(2)
    sender.poll()
    assert link.sent == [0, 1, 2, 1]  # answers come in order: 1 was lost


def test_a_node_that_says_nothing_is_asked_ever_more_rarely() -> None:
    link = FakeLink()
    sender, clock = make(link)
    send(sender, 0)
    for _ in range(160):
        clock.now_s += 0.1
        sender.poll()
    assert 4 <= sender.resent <= 6  # after 0.5, 1, 2, 4, 8 s


def test_at_a_full_window_news_is_shed_with_its_sequence_and_counted() -> None:
    link = FakeLink()
    sender, _ = make(link)
    assert [send(sender, i) for i in range(6)] == [True] * 4 + [False] * 2
    assert (sender.shed, sender.sent, sender.outstanding) == (2, 6, 4)
    link.answer(0)
    assert send(sender, 6)
    assert link.sent == [0, 1, 2, 3, 6]


def test_introduction_and_farewell_go_out_over_a_full_window() -> None:
    link = FakeLink()
    sender, _ = make(link, window=1)
    assert send(sender, 0)
    assert sender.send(description("r1"), t_ns=0, t_sent_ns=0)
    assert sender.send(EndOfStream(t_ns=5), t_ns=5, t_sent_ns=5)
    assert sender.shed == 0


def test_while_nobody_is_connected_frames_wait_and_then_go_out() -> None:
    link = FakeLink()
    link.open = False
    sender, _ = make(link)
    assert send(sender, 0)
    assert link.sent == []
    link.open = True
    sender.poll()
    assert (link.sent, sender.resent) == ([0], 0)


def test_in_lock_step_send_returns_when_the_node_has_it_and_nothing_is_shed() -> None:
    link = FakeLink()
    link.answer_at_once = True
    sender, _ = make(link, lock_step=True, window=1)
    assert all(send(sender, i) for i in range(50))
    assert (sender.acknowledged, sender.shed, sender.outstanding) == (50, 0, 0)


def test_in_lock_step_a_silent_node_is_an_error_that_names_the_sender() -> None:
    sender, _ = make(FakeLink(), lock_step=True)
    with pytest.raises(NodeSilent, match="r1: no answer from the node for 2 s"):
        send(sender, 0)


def test_a_node_that_does_not_know_the_sensor_is_told_again() -> None:
    link = FakeLink()
    sender, _ = make(link)
    sender.send(description("r1"), t_ns=0, t_sent_ns=0)
    link.answer(0)
    send(sender, 1)
    link.answer(1, accepted=False, reason="no_description: r1: send its sensor_description first")
    sender.poll()
    assert dict(sender.refused) == {"no_description": 1}
    assert link.sent == [0, 1, 2]
    assert sender.outstanding == 1


def test_a_head_is_introduced_again_with_its_sensor() -> None:
    link = FakeLink()
    sender, _ = make(link)
    head = SensorHead(sensor_id="r1", horizontal_rad=0.1, vertical_rad=0.1, slew_rate_radps=1.0)
    sender.send(description("r1"), t_ns=0, t_sent_ns=0)
    sender.send(head, t_ns=0, t_sent_ns=0)
    for sequence in (0, 1):
        link.answer(sequence)
    send(sender, 2)
    link.answer(2, accepted=False, reason="no_description: r1: send its sensor_description first")
    sender.poll()
    assert link.sent == [0, 1, 2, 3, 4]
    assert sender.outstanding == 2


def test_a_cue_is_heard_once_and_acknowledges_nothing() -> None:
    link, heard = FakeLink(), []
    sender = Sender(link, "r1", boot=7, now_s=FakeTime(), on_cue=heard.append)
    cue = SensorCue(sensor_id="r1", t_ns=5, track_id=3, azimuth_rad=1.0, elevation_rad=0.1, sigma_rad=0.01)
    send(sender, 0)
    link.answers.append(encode(cue, node="node", boot=0, sequence=0, t_ns=5, t_sent_ns=5))
    sender.poll()
    assert (heard, sender.outstanding, sender.acknowledged) == ([cue], 1, 0)
    link.answer(0)
    sender.poll()
    assert (heard, sender.outstanding, sender.acknowledged) == ([cue], 0, 1)
