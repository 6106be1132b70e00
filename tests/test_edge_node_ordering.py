"""The waiting room: order of validity, a bounded wait, and the same releases from the same events."""

from __future__ import annotations

import numpy as np
import pytest
from edge_node_fakes import MS, scan

from edge_node.ordering import Ordering


def names(held: list) -> list[tuple[str, int]]:
    return [(h.sensor_id, h.scan_number) for h in held]


def test_a_scan_waits_for_an_earlier_one_and_both_leave_in_order_of_validity() -> None:
    room = Ordering(5 * MS)
    room.put(scan("b", 1, 100 * MS), 101 * MS)
    assert room.advance(101 * MS) == []
    room.put(scan("a", 1, 99 * MS), 104 * MS)
    assert room.advance(105 * MS) == []
    assert room.next_deadline_ns == 106 * MS
    assert names(room.advance(106 * MS)) == [("a", 1), ("b", 1)]
    assert len(room) == 0
    assert room.next_deadline_ns is None


def test_a_later_scan_stays_when_an_earlier_one_leaves() -> None:
    room = Ordering(5 * MS)
    room.put(scan("a", 1, 100 * MS), 100 * MS)
    room.put(scan("a", 2, 103 * MS), 103 * MS)
    assert names(room.advance(105 * MS)) == [("a", 1)]
    assert room.next_deadline_ns == 108 * MS


def test_at_one_time_of_validity_the_names_decide_not_the_arrival() -> None:
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        room = Ordering(5 * MS)
        scans = [scan("a", 1, 0), scan("a", 2, 0), scan("b", 0, 0)]
        for i in order:
            room.put(scans[i], 0)
        assert names(room.flush()) == [("a", 1), ("a", 2), ("b", 0)]


def test_no_scan_waits_longer_than_the_hold_back_when_time_is_looked_at() -> None:
    rng = np.random.default_rng(3)
    room = Ordering(5 * MS)
    t_ns, n_released = 0, 0
    for i in range(2000):
        t_ns += int(rng.integers(0, 2 * MS))
        room.put(scan("a", i, max(0, t_ns - int(rng.integers(0, 20 * MS)))), t_ns)
        for held in room.advance(t_ns):
            n_released += 1
            assert t_ns - held.t_arrival_ns <= 5 * MS + 2 * MS  # the longest gap between two looks
        assert room.next_deadline_ns is None or room.next_deadline_ns > t_ns
    assert n_released + len(room) == 2000


def test_a_full_room_lets_the_earliest_go() -> None:
    room = Ordering(5 * MS, capacity=3)
    for i in range(5):
        room.put(scan("a", i, i), 0)
    assert names(room.advance(0)) == [("a", 0), ("a", 1)]


@pytest.mark.parametrize("hold_back_ns", [0, 5 * MS])
def test_released_exactly_once(hold_back_ns: int) -> None:
    room = Ordering(hold_back_ns)
    released = []
    for i in range(100):
        room.put(scan("a", i, (i * 37 % 100) * MS), i * MS)
        released += names(room.advance(i * MS))
    released += names(room.flush())
    assert sorted(released) == [("a", i) for i in range(100)]
