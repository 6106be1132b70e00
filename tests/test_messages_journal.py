"""The journal is true up to its last whole record, whatever cut or flipped it."""

from __future__ import annotations

from pathlib import Path

import pytest

from messages.journal import MAGIC, RECORD, JournalError, JournalReader, JournalWriter, Kind, Record, pack_record

FRAMES = [b"", b"a", b"frame two" * 5, bytes(range(256)), b"last"]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "small.journal"
    with JournalWriter(path) as writer:
        for i, frame in enumerate(FRAMES):
            assert writer.append(Kind.FRAME, 1000 * i - 5, frame) == i
    return path


def ends_of_records() -> list[int]:
    ends = [len(MAGIC)]
    for frame in FRAMES:
        ends.append(ends[-1] + RECORD.size + len(frame))
    return ends


def test_what_was_written_is_read(journal: Path) -> None:
    reader = JournalReader(journal)
    assert list(reader) == [Record(i, 0, 1000 * i - 5, frame) for i, frame in enumerate(FRAMES)]
    assert (reader.lost_bytes, reader.damage, reader.records) == (0, "", len(FRAMES))
    assert reader.summary() == "small.journal: 5 records; nothing lost"


def test_cut_at_every_byte_the_whole_records_before_the_cut_are_read(journal: Path, tmp_path: Path) -> None:
    data, ends = journal.read_bytes(), ends_of_records()
    cut = tmp_path / "cut.journal"
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        reader = JournalReader(cut)
        whole = sum(end <= length for end in ends) - 1
        assert [record.frame for record in reader] == FRAMES[: max(whole, 0)]
        assert reader.lost_bytes == length - (ends[whole] if whole >= 0 else 0)
        assert bool(reader.damage) == bool(reader.lost_bytes)


def test_cut_at_every_byte_a_reopened_journal_goes_on_after_the_last_whole_record(
    journal: Path, tmp_path: Path
) -> None:
    data, ends = journal.read_bytes(), ends_of_records()
    cut = tmp_path / "cut.journal"
    for length in range(0, len(data), 3):
        cut.write_bytes(data[:length])
        whole = max(sum(end <= length for end in ends) - 1, 0)
        with JournalWriter(cut) as writer:
            assert writer.next_sequence == whole
            writer.append(Kind.TICK, 77, b"new")
        reader = JournalReader(cut)
        assert [record.frame for record in reader] == [*FRAMES[:whole], b"new"]
        assert reader.lost_bytes == 0


def test_one_flipped_bit_anywhere_never_delivers_a_wrong_record(journal: Path, tmp_path: Path) -> None:
    data, ends = journal.read_bytes(), ends_of_records()
    flipped = tmp_path / "flipped.journal"
    for position in range(len(MAGIC), len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position % 8)
        flipped.write_bytes(damaged)
        reader = JournalReader(flipped)
        before = sum(end <= position for end in ends) - 1
        assert [record.frame for record in reader] == FRAMES[:before]
        assert reader.lost_bytes == len(data) - ends[before]


def test_a_record_out_of_its_place_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(MAGIC + pack_record(Record(0, 0, 0, b"x")) + pack_record(Record(2, 0, 0, b"y")))
    reader = JournalReader(path)
    assert [record.frame for record in reader] == [b"x"]
    assert "record 1" in reader.damage


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    with pytest.raises(JournalError, match="not a journal"):
        list(JournalReader(path))
    with pytest.raises(JournalError, match="not a journal"):
        JournalWriter(path)
    assert path.read_text() == "dear diary"


def test_a_frame_longer_than_any_on_the_wire_is_refused(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "j") as writer, pytest.raises(ValueError, match="must be <= 65536"):
        writer.append(0, 0, bytes(65_537))
