"""YAML with the line of every key, so that an error can say where it stands."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge_node.tables.errors import TableError

Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class LocatedYaml:
    """A YAML document and the line of each of its keys."""

    path: Path
    value: Any
    lines: dict[Key, int]

    def where(self, key: Sequence[Hashable]) -> str:
        """Return ``file:line`` of a key, or of the nearest one above it."""
        at = tuple(key)
        while at and at not in self.lines:
            at = at[:-1]
        return f"{self.path}:{self.lines[at]}" if at in self.lines else str(self.path)


def load_yaml(path: Path) -> LocatedYaml:
    """Return the document of a file, or raise TableError; a key that stands twice is an error."""
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    lines: dict[Key, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _walk(path, node, (), lines)
        return LocatedYaml(path, yaml.safe_load(text), lines)
    except yaml.YAMLError as error:
        raise TableError(f"{path}: not YAML: {error}") from None
    except RecursionError:
        raise TableError(f"{path}: not a tree: an alias that contains itself") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8: {error}") from None


def _walk(path: Path, node: yaml.Node, key: Key, lines: dict[Key, int]) -> None:
    lines[key] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(path, item, (*key, i), lines)
    elif isinstance(node, yaml.MappingNode):
        for name, item in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise TableError(f"{path}:{name.start_mark.line + 1}: {dotted(key)}: a key must be a word")
            inner = (*key, name.value)
            if inner in lines:
                line = name.start_mark.line + 1
                raise TableError(f"{path}:{line}: {dotted(inner)}: stands twice, first in line {lines[inner]}")
            _walk(path, item, inner, lines)
            lines[inner] = name.start_mark.line + 1


def dotted(key: Sequence[Hashable]) -> str:
    """Return ``sensors[2].sigma.range_m`` for a key path."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


_RULES = {
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
    "literal_error": "must be one of {expected}",
    "missing": "is missing: must be given",
    "extra_forbidden": "unknown key: remove it or correct its spelling",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "string_type": "must be a text",
    "string_pattern_mismatch": "must hold only letters, digits and _ . / : -",
    "too_short": "must hold at least {min_length} item(s)",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys",
}


def describe(located: LocatedYaml, error: Any) -> str:
    """Return ``file:line: key = value: must ...`` for one pydantic error (as from ``.errors()``)."""
    key = error["loc"]
    context = dict(error.get("ctx", {}))
    rule = _RULES.get(error["type"], "")
    rule = rule.format(**context) if rule else str(context.get("error", error["msg"]))
    value = error["input"]
    shown = "" if error["type"] in ("missing", "model_type") or isinstance(value, dict) else f" = {value!r}"
    if key and "sigma" in key and error["type"] == "greater_than":
        rule += " (a standard deviation)"
    return f"{located.where(key)}: {dotted(key) or 'the document'}{shown}: {rule}"
