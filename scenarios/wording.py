"""From a failed check of the schema to a sentence: key = value: must ... (what the key is)."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from scenarios.document import Path

_FORMS = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} must be given",
    "missing": "must be given",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be a small letter, then small letters, digits and _",
    "tuple_type": "must be a list",
    "dict_type": "must be keys and values",
    "model_type": "must be keys and values",
    "model_attributes_type": "must be keys and values",
    "too_long": "must have at most {max_length} items, has {actual_length}",
    "too_short": "must have at least {min_length} items, has {actual_length}",
    "value_error": "{error}",
}
_MAX_VALUE_CHARACTERS = 60


def key_text(path: Iterable[str | int]) -> str:
    """Return a path as a user writes it: ``targets[0].start.height_m``."""
    text = ""
    for item in path:
        text += f"[{item}]" if isinstance(item, int) else f".{item}" if text else str(item)
    return text


def value_text(value: object) -> str:
    """Return a value for a message, shortened."""
    text = "(none)" if value is None else str(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else text[: _MAX_VALUE_CHARACTERS - 3] + "..."


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean X?" for a misspelt name, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def document_path(location: tuple[str | int, ...], data: Any) -> Path:
    """Return a pydantic location without the names of union members, which are not keys of the document."""
    path: list[str | int] = []
    for i, item in enumerate(location):
        inside = (isinstance(data, Mapping) and item in data) or (
            isinstance(data, list) and isinstance(item, int) and item < len(data)
        )
        if inside:
            data = data[item]
            path.append(item)
        elif i == len(location) - 1:
            path.append(item)
    return tuple(path)


def must(error: ErrorDetails, model: Any) -> str:
    """Return what a value must be, with the meaning of its key where the schema has one."""
    if error["type"] == "extra_forbidden":
        keys = sorted(_fields(_annotation(model, error["loc"][:-1])))
        return f"unknown key{nearest(str(error['loc'][-1]), keys)}; must be one of {', '.join(keys)}"
    form = _FORMS.get(error["type"])
    text = form.format(**error.get("ctx", {})) if form else f"must be right: {error['msg']}"
    meaning = _meaning(model, error["loc"])
    return f"{text} ({meaning})" if meaning else text


def _meaning(model: Any, location: tuple[str | int, ...]) -> str | None:
    """Return the description of the deepest described key on the way to a location's end."""
    for end in range(len(location), 0, -1):
        if isinstance(location[end - 1], str):
            field = _fields(_annotation(model, location[: end - 1])).get(str(location[end - 1]))
            return field.description if field else None
    return None


def _fields(annotation: Any) -> dict[str, Any]:
    return annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, BaseModel) else {}


def _annotation(annotation: Any, location: tuple[str | int, ...]) -> Any:
    """Walk a type along a location: fields of models, items of tuples, members of unions by their tag."""
    annotation = _bare(annotation)
    for item in location:
        if isinstance(item, str) and item in _fields(annotation):
            annotation = _fields(annotation)[item].annotation
        elif isinstance(annotation, tuple):
            annotation = next((m for m in annotation if item in _tags(m)), None)
        elif typing.get_origin(annotation) in (tuple, dict):
            annotation = typing.get_args(annotation)[1 if typing.get_origin(annotation) is dict else 0]
        else:
            return None
        annotation = _bare(annotation)
    return annotation


def _bare(annotation: Any) -> Any:
    """Strip Annotated and None; a union of several becomes the tuple of its members."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = tuple(_bare(a) for a in typing.get_args(annotation) if a is not type(None))
        return members[0] if len(members) == 1 else members
    return annotation


def _tags(member: Any) -> tuple[Any, ...]:
    kind = _fields(member).get("kind")
    return typing.get_args(kind.annotation) if kind else ()
