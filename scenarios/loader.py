"""Load scenarios: from the library by name or from a file, with overrides; every error at once, with its line.

Each error reads ``FILE:LINE: key = value: must ... (what the key is)``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from scenarios.attach import attached
from scenarios.catalogue import SECTIONS, Catalogue, changed_entry, shipped
from scenarios.checks import across
from scenarios.document import MAX_BYTES, Document, DocumentError, Path, read
from scenarios.schema import Scenario
from scenarios.wording import document_path, key_text, must, nearest, value_text

DEFAULT_SCENARIO = "fpv_treeline"
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,4})\]")


class ScenarioError(ValueError):
    """A scenario that cannot be run; ``errors`` holds every reason, the text all of them by line."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def load(path_or_library_name: str | FilePath, overrides: Sequence[str] = ()) -> Scenario:
    """Return a validated scenario; overrides are ``key=value`` with dotted keys and indices in brackets.

    Raises ScenarioError with every error of file and overrides.
    """
    name, text = _text(str(path_or_library_name))
    try:
        document = read(text)
    except DocumentError as error:
        where = name if error.line is None else f"{name}:{error.line}"
        raise ScenarioError([f"{where}: {error.what}"]) from None
    if not isinstance(document.data, dict):
        raise ScenarioError([f"{name}: must be keys and values, beginning with name, title, description"])
    sources: dict[Path, str] = {}
    errors = [e for override in overrides for e in _override(document, override, sources)]
    scenario, found = _validated(document.data)
    if scenario is not None and not found and not errors:
        scenario, found = attached(scenario, _folder(name))
    errors += [_sentence(name, document, sources, path, what) for path, what in found]
    if errors or scenario is None:
        raise ScenarioError(errors)
    return scenario


def library() -> list[tuple[str, str]]:
    """Return (name, title) of every library scenario, the default one first, then by name."""
    names = sorted(_library_names(), key=lambda n: (n != DEFAULT_SCENARIO, n))
    return [(name, str(read(_text(name)[1]).data["title"])) for name in names]


def schema_json() -> str:
    """Return the JSON schema of scenario files."""
    return json.dumps(Scenario.model_json_schema(), indent=2)


def effective_yaml(scenario: Scenario) -> str:
    """Return a scenario with every default written out, as YAML that loads again to the same scenario."""
    return yaml.safe_dump(scenario.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _library_names() -> list[str]:
    folder = resources.files("scenarios") / "library"
    return [file.name[: -len(".yaml")] for file in folder.iterdir() if file.name.endswith(".yaml")]


def _folder(name: str) -> FilePath:
    """Return the folder of a scenario, which the paths in it are counted from."""
    library_files = FilePath(str(resources.files("scenarios"))) / "library"
    return library_files if name.startswith("scenarios/library/") else FilePath(name).parent


def _text(wanted: str) -> tuple[str, str]:
    """Return the name to show and the text of a library scenario or file."""
    is_path = wanted.endswith((".yaml", ".yml")) or "/" in wanted or "\\" in wanted
    if not is_path:
        names = _library_names()
        if wanted not in names:
            close, known = nearest(wanted, names), ", ".join(sorted(names))
            raise ScenarioError([f"{wanted}: no such scenario{close}; the library has {known}; or give a .yaml file"])
        file = resources.files("scenarios") / "library" / f"{wanted}.yaml"
        return f"scenarios/library/{wanted}.yaml", file.read_text(encoding="utf-8")
    path = FilePath(wanted)
    try:
        with path.open("rb") as stream:
            return wanted, stream.read(MAX_BYTES + 1).decode("utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScenarioError([f"{wanted}: cannot be read ({reason}): must be a scenario file"]) from None
    except UnicodeDecodeError as error:
        raise ScenarioError([f"{wanted}: byte {error.start} is not UTF-8: must be a text file"]) from None


def _validated(data: dict[str, Any]) -> tuple[Scenario | None, list[tuple[Path, str]]]:
    """Return the scenario, or None, and every error as (path, "must ...")."""
    found: list[tuple[Path, str]] = []
    scenario = None
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        found += [(document_path(e["loc"], data), must(e, Scenario)) for e in error.errors()]
    catalogue = shipped()
    found += across(data, catalogue)
    found += _catalogue_changes(data, catalogue)
    return scenario, found


def _catalogue_changes(data: dict[str, Any], catalogue: Catalogue) -> list[tuple[Path, str]]:
    """Return the errors of the catalogue values that a scenario changes."""
    found: list[tuple[Path, str]] = []
    changes = data.get("catalogue")
    if not isinstance(changes, dict):
        return found
    for section, adapter in SECTIONS.items():
        entries = changes.get(section)
        for name, values in entries.items() if isinstance(entries, dict) else ():
            entry = getattr(catalogue, section).get(name)
            if entry is None or not isinstance(values, dict):
                continue  # reported by the schema or the checks across keys
            found += _changed_errors(("catalogue", section, name), entry, values, adapter)
    return found


def _changed_errors(
    path: Path, entry: Any, values: dict[str, Any], adapter: TypeAdapter[Any]
) -> list[tuple[Path, str]]:
    if "name" in values or "kind" in values:
        return [(path, "must not change name or kind")]
    try:
        changed_entry(entry, values, adapter)
    except ValidationError as error:
        out = []
        for e in error.errors():
            if e["loc"] and e["loc"][0] == getattr(entry, "kind", None):
                e["loc"] = e["loc"][1:]  # the member of the union of sensor profiles
            out.append(((*path, *document_path(e["loc"], values)), must(e, type(entry))))
        return out
    return []


def _sentence(name: str, document: Document, sources: dict[Path, str], path: Path, what: str) -> str:
    """Return one error: where, key, value, limit."""
    value: Any = document.data
    for item in path:
        inside = isinstance(value, dict) and item in value
        inside = inside or (isinstance(value, list) and isinstance(item, int) and item < len(value))
        value = value[item] if inside else None
    where = next((sources[path[:end]] for end in range(len(path), 0, -1) if path[:end] in sources), None)
    if where is None:
        lines = (document.lines.get(path[:end]) for end in range(len(path), -1, -1))
        where = f"{name}:{next((line for line in lines if line is not None), 1)}"
    shown = f" = {value_text(value)}" if not isinstance(value, (dict, list)) or len(str(value)) < 40 else ""
    return f"{where}: {key_text(path)}{shown}: {what}"


def _override(document: Document, override: str, sources: dict[Path, str]) -> list[str]:
    """Apply one ``key=value`` to the document; return its errors."""
    key, equals, text = override.partition("=")
    path = _override_path(key.strip())
    if not equals or path is None:
        return [f"--set {override}: must be key=value, for example targets[0].start_s=3"]
    try:
        value = read(text).data
    except DocumentError as error:
        return [f"--set {override}: {error.what}"]
    here: Any = document.data
    for i, item in enumerate(path):
        last = i == len(path) - 1
        if isinstance(item, int):
            if not isinstance(here, list) or item >= len(here):
                size = len(here) if isinstance(here, list) else 0
                return [f"--set {key}: {key_text(path[: i + 1])}: must be < {size} (the number of items)"]
        elif not isinstance(here, dict):
            return [f"--set {key}: {key_text(path[:i])} has no keys: must be an index in brackets"]
        elif not last and not isinstance(here.get(item), (dict, list)):
            here[item] = {}
        if last:
            here[item] = value
        else:
            here = here[item]
    sources[path] = f"--set {key.strip()}"
    return []


def _override_path(key: str) -> Path | None:
    """Return ``targets[0].start_s`` as a path, or None where it is not one."""
    path: list[str | int] = []
    for part in key.split("."):
        matches = list(_KEY.finditer(part))
        if "".join(m.group() for m in matches) != part or not matches or matches[0].group(1) is None:
            return None
        path += [m.group(1) if m.group(1) else int(m.group(2)) for m in matches]
    return tuple(path)
