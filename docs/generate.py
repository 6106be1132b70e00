"""Write the generated pages: docs/icd.md from the message types, docs/scenario-schema.md from the scenario schema,
docs/sensors.md from the catalogue, docs/validation.md from the models and the published figures.

python docs/generate.py            write them
python docs/generate.py --check    exit with 1 where one on disk differs
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.validation.check import check_rows
from benchmarks.validation.gates import check_gates
from benchmarks.validation.published import SHIPPED, read_published
from benchmarks.validation.systems import system_of
from benchmarks.validation.verdict import Verdict
from messages import icd
from scenarios.catalogue import shipped
from scenarios.loader import library, schema_json

DOCS = Path(__file__).resolve().parent
MADE_BY = "<!-- Made by `make docs`; do not edit. -->\n\n"
LIMITS = {
    "exclusiveMinimum": "> {}",
    "minimum": ">= {}",
    "exclusiveMaximum": "< {}",
    "maximum": "<= {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
# Limits that only keep absurd numbers out (of lengths, names, texts and open intervals) say nothing to a writer.
NOISE = 1e12


SENSORS_HEAD = """# Sensors of the catalogue

A scenario mounts them by name (`fit`, `sensors`); `vedette catalogue sensors NAME` prints one with the grade of each
value: A standard, B measured, C vendor, D one claim, E estimate, T textbook.

## Published ranges

One look finds the target with a probability of 0.9 (radar) or 0.5 (what listens), in the clear, 5 degrees above the
horizon. Where a profile has one published range, a parameter was chosen so that it comes out, and the line guards it
against changes of the models; where it has several, the others are predictions.

"""


def schema_page() -> str:
    """Return the reference of the scenario file: a table a section, then the library and the catalogue."""
    schema = json.loads(schema_json())
    parts = [
        MADE_BY,
        "# Scenario file: reference\n\nEvery key of a scenario, its type, default and limits. ",
        "How to write one is in [scenarios.md](scenarios.md); `vedette schema` prints the same as JSON Schema.\n",
    ]
    definitions = schema.get("$defs", {})
    for name in ("Scenario", *reachable(schema, definitions)):
        parts.append(section(name, schema if name == "Scenario" else definitions[name]))
    parts += [library_section(), catalogue_section()]
    return "".join(parts)


def reachable(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the names of all sections in the order in which a reader meets them."""
    found: list[str] = []
    queue = list(references(schema.get("properties", {})))
    while queue:
        name = queue.pop(0)
        if name not in found:
            found.append(name)
            queue += references(definitions[name].get("properties", {}))
    return found


def references(node: Any) -> Iterator[str]:
    """Yield the names of the sections that a piece of schema refers to, in order."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield anchor(node["$ref"])
        for key, value in node.items():
            if key != "discriminator":  # repeats what oneOf says
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def anchor(reference: str) -> str:
    """Return the name of the section that ``#/$defs/Name`` means."""
    return reference.rsplit("/", 1)[-1]


def section(name: str, model: dict[str, Any]) -> str:
    """Return one section as Markdown."""
    required = model.get("required", [])
    head = "| key | type | default | limits and meaning |\n|---|---|---|---|\n"
    lines = [f"\n## {name}\n\n{model.get('description', '')}\n\n{head}"]
    for key, value in model.get("properties", {}).items():
        default = "required" if key in required else cell(json.dumps(value.get("default")))
        lines.append(f"| `{key}` | {kind(value)} | {default} | {meaning(value)} |\n")
    return "".join(lines)


def cell(text: str) -> str:
    """Return a default for a table cell: short as code, a whole sub-section as a word."""
    return f"`{text}`" if len(text) <= 40 else "its own defaults"


def kind(value: dict[str, Any]) -> str:
    """Return the type of a key in words."""
    if "$ref" in value:
        name = anchor(value["$ref"])
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{v}`" for v in value["enum"])
    options = value.get("anyOf") or value.get("oneOf")
    if options:
        return " or ".join(kind(option) for option in options)
    if value.get("type") == "array":
        if "prefixItems" in value:
            return f"list of {len(value['prefixItems'])} {kind(value['prefixItems'][0])}s"
        return f"list of {kind(value['items'])}" if value.get("items") else "list"
    if value.get("type") == "object":
        return "map"
    words = {"number": "number", "integer": "integer", "string": "text", "boolean": "true or false", "null": "none"}
    return words.get(str(value.get("type")), "any")


def meaning(value: dict[str, Any]) -> str:
    """Return limits and description of a key."""
    inner = [value, *(o for o in value.get("anyOf", []) if isinstance(o, dict))]
    limits = [
        text.format(v[key] if isinstance(v[key], int) else f"{v[key]:g}")
        for v in inner
        for key, text in LIMITS.items()
        if key in v and abs(v[key]) < NOISE and v.get("type") != "string" and "prefixItems" not in v
    ]
    description = value.get("description", "")
    return "; ".join(part for part in (", ".join(limits), description) if part).replace("|", "\\|")


def library_section() -> str:
    """Return the list of the shipped scenarios."""
    rows = "".join(f"| `{name}` | {title} |\n" for name, title in library())
    return f"\n## Library\n\n| scenario | what happens |\n|---|---|\n{rows}"


def catalogue_section() -> str:
    """Return the names that targets, platforms, sensors, fits and layers of protection of a scenario may use."""
    catalogue = shipped()
    lines = ["\n## Catalogue\n\nThe files in `scenarios/catalogue/` give each value with its source.\n\n"]
    for name in ("targets", "platforms", "sensors", "fits", "protection"):
        lines.append(f"- {name}: " + ", ".join(f"`{entry}`" for entry in sorted(getattr(catalogue, name))) + "\n")
    return "".join(lines)


def sensors_page() -> str:
    """Return every sensor profile with its source, and the published ranges beside those that come out of it."""
    published = [(system_of(row), row) for row in read_published(SHIPPED)]
    compared = [(system, verdict) for system, row in published if system for verdict in check_rows([row], None)]
    parts = [
        MADE_BY,
        SENSORS_HEAD,
        "| profile | published | figure | modelled | limit | verdict |\n|---|---|---|---|---|---|\n",
    ]
    for system, v in compared:
        cells = (v.quantity, v.expected, v.got, v.limit, v.status)
        parts.append(f"| `{system.profile}` | " + " | ".join(escaped(x) for x in cells) + " |\n")
    parts.append("\n## Profiles\n\n| profile | kind | what | source |\n|---|---|---|---|\n")
    for name, p in sorted(shipped().sensors.items()):
        parts.append(f"| `{name}` | {p.kind} | {escaped(p.title)} | {escaped(p.source)} |\n")
    return "".join(parts)


def validation_page() -> str:
    """Return the models against published figures; what needs a recording is listed as such."""
    rows = check_rows(read_published(SHIPPED), None)
    parts = [
        MADE_BY,
        "# The models against published figures\n\nAs `vedette validate` prints it without recordings; ",
        "`--data DIR` checks the rest,\n",
        "`--published FILE` your own table, `--list` says which quantities are modelled.\n",
    ]
    tables = (("Figures", rows), ("Gates", list(check_gates(None, lambda text: None))))
    for title, verdicts in tables:
        parts.append(
            f"\n## {title}\n\n| id | quantity | expected | got | limit | verdict | source |\n"
            "|---|---|---|---|---|---|---|\n"
        )
        parts += [verdict_line(v) for v in verdicts if v.status != "not modelled"]
    parts.append("\n## Not modelled\n\n| id | quantity | published | why |\n|---|---|---|---|\n")
    for v in rows:
        if v.status == "not modelled":
            parts.append("| " + " | ".join(escaped(x) for x in (v.id, v.quantity, v.expected, v.note)) + " |\n")
    return "".join(parts)


def verdict_line(v: Verdict) -> str:
    """Return one checked figure as a line of a table."""
    return (
        "| " + " | ".join(escaped(x) for x in (v.id, v.quantity, v.expected, v.got, v.limit, v.status, v.note)) + " |\n"
    )


def escaped(text: str) -> str:
    """Return a text for a table cell."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def pages() -> dict[str, str]:
    """Return file name -> text of every generated page."""
    return {
        "icd.md": icd.render(),
        "scenario-schema.md": schema_page(),
        "sensors.md": sensors_page(),
        "validation.md": validation_page(),
    }


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    stale = []
    for name, text in pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv[1:]:
            stale.append(f"docs/{name}: not what the code says now; run make docs")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"docs/{name}: written")
    print("\n".join(stale), file=sys.stderr, end="\n" if stale else "")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
