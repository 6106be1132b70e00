"""Read a YAML document safely: plain values only, and the line of every key for the error messages.

Scalars follow YAML 1.2: only ``true`` and ``false`` are booleans (``engine: off`` is a word) and ``9.5e9`` is a number.
Anchors, aliases and tags are refused, and so are documents beyond the size, depth and count below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 262_144  # the largest library scenario has 6 kB
MAX_DEPTH = 16  # the schema is 7 deep
MAX_NODES = 20_000

Path = tuple[str | int, ...]


class DocumentError(ValueError):
    """A document that cannot be read: ``line`` (from 1, or None) and what is wrong."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


@dataclass
class Document:
    """Plain data and the line (from 1) of every path in it."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalar rules of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (the class attribute that PyYAML looks up)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$", "-+."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))

_WORDS = {"true": True, "false": False}


def read(text: str) -> Document:
    """Return the plain data and lines of a YAML text, or raise DocumentError."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise DocumentError(None, f"more than {MAX_BYTES} bytes: must be smaller")
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else None, f"not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise DocumentError(None, f"not YAML: {error}") from None
    document = Document(None)
    if node is not None:
        document.data = _plain(node, (), document.lines)
    return document


def _check_events(text: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        line = event.start_mark.line + 1 if event.start_mark else None
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise DocumentError(line, "anchors and aliases (& and *) are not allowed: write the values out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise DocumentError(line, f"tag {tag}: tags (!) are not allowed: write plain values")
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise DocumentError(line, f"nested deeper than {MAX_DEPTH} or more than {MAX_NODES} values: must be less")


def _plain(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, i), lines) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, child in node.value:
            line, key = key_node.start_mark.line + 1, str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                raise DocumentError(line, "a key must be a word")
            if key in out:
                raise DocumentError(line, f"{key}: given twice; must be given once")
            inside = (*path, key)
            lines[inside] = line
            out[key] = _plain(child, inside, lines)
        return out
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "bool":
        return _WORDS[text]
    if kind == "null":
        return None
    if kind == "int":
        return int(text) if len(text) <= 40 else float(text)  # int() of a long text is slow, and refused beyond 4300
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
