"""The life of a track: every cell of the table, and the events that a scan brings."""

import itertools

import pytest

from fusion.lifecycle import NEXT, TRANSITIONS, Event, IllegalTransition, State, advance, status_name


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_cell_is_a_row_of_the_table_or_raises(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert advance(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{state.name}.*{event.name}"):
            advance(state, event)


def test_the_table_of_the_kernels_is_the_same_table() -> None:
    for state, event in itertools.product(State, Event):
        assert NEXT[state, event] == TRANSITIONS.get((state, event), -1)


def test_nothing_leaves_deleted_and_everything_can_be_deleted() -> None:
    assert not [key for key in TRANSITIONS if key[0] == State.DELETED]
    for state in (State.TENTATIVE, State.CONFIRMED, State.COASTING):
        assert advance(state, Event.DOUBTED) is State.DELETED
        assert advance(state, Event.MERGED) is State.DELETED


def test_only_a_tentative_track_can_be_proven() -> None:
    assert [s for s, e in TRANSITIONS if e == Event.PROVEN] == [State.TENTATIVE]
    assert advance(State.TENTATIVE, Event.PROVEN) is State.CONFIRMED


def test_silence_coasts_and_a_detection_brings_back() -> None:
    assert advance(State.CONFIRMED, Event.SILENT) is State.COASTING
    assert advance(State.COASTING, Event.SEEN) is State.CONFIRMED


def test_numbers_and_words_agree_with_kernels_and_messages() -> None:
    from fusion.kernels import judging

    assert (judging.TENTATIVE, judging.CONFIRMED, judging.COASTING) == (
        State.TENTATIVE,
        State.CONFIRMED,
        State.COASTING,
    )
    assert (judging.PROVEN, judging.SEEN, judging.SILENT, judging.DOUBTED) == (
        Event.PROVEN,
        Event.SEEN,
        Event.SILENT,
        Event.DOUBTED,
    )
    assert [status_name(s) for s in State] == ["tentative", "confirmed", "coasting", "deleted"]
