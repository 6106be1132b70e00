"""The wire: topic numbers, and a print of every message so that a change of what travels is signed.

Sign a change with ``make sign`` in the commit that makes it, and say in its message who must follow.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from messages import codec, detections
from messages.topics import BY_NUMBER, BY_TYPE, Topics

GOLDEN = Path("tests") / "golden" / "wire.json"


def wire() -> dict[str, Any]:
    """Return everything that a foreign sensor or consumer depends on, without the prose."""
    types = [topic.value.type for topic in Topics]
    _, schemas = msgspec.json.schema_components(types)
    return {
        "version": codec.VERSION,
        "header": {"format": codec.HEADER.format, "bytes": codec.HEADER.size, "max_frame": codec.MAX_FRAME_BYTES},
        "topics": {t.value.name: [t.value.number, t.value.type.__name__, t.value.direction] for t in Topics},
        "detection_columns": [[c.name, c.low, c.high] for c in detections.COLUMNS],
        "messages": without_prose(schemas),
    }


def without_prose(node: Any) -> Any:
    """Return a schema without its descriptions: wording may change freely."""
    if isinstance(node, dict):
        return {key: without_prose(value) for key, value in node.items() if key != "description" or value is None}
    return [without_prose(value) for value in node] if isinstance(node, list) else node


def test_topic_numbers_names_and_types_are_unique() -> None:
    assert len(BY_NUMBER) == len(BY_TYPE) == len(Topics) == len({t.value.name for t in Topics})
    assert all(0 < number < 256 for number in BY_NUMBER)


def test_topic_limits_make_sense() -> None:
    for topic in (t.value for t in Topics):
        assert topic.rate_hz >= 0.0
        # A message that is due every 1 / rate_hz cannot be too old before the next one is late.
        assert topic.max_age_s == 0.0 or topic.rate_hz == 0.0 or topic.max_age_s > 1.0 / topic.rate_hz


def test_wire_is_as_signed(root: Path) -> None:
    now = json.dumps(wire(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("VEDETTE_SIGN") == "1":
        (root / GOLDEN).write_text(now, encoding="utf-8")
    assert now == (root / GOLDEN).read_text(encoding="utf-8"), "the wire has changed: sign it with make sign"
