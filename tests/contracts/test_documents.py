"""The documents are true: generated pages are what the code says, links lead somewhere, the verbs have examples."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import tracked
from typer.main import get_command

from vedette.cli import app

LINK = re.compile(r"\]\((?!https?://)([^)#]+)?(#[^)]+)?\)")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as common Markdown viewers make them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_generated_pages_are_up_to_date(root: Path) -> None:
    command = [sys.executable, str(root / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere(root: Path) -> None:
    wrong = []
    for page in (p for p in tracked(root) if p.endswith(".md")):
        text = (root / page).read_text(encoding="utf-8")
        for file, anchor in LINK.findall(text):
            target = (root / page).parent / file if file else root / page
            if not target.exists():
                wrong.append(f"{page}: {file}")
            elif anchor and target.suffix == ".md" and anchor[1:] not in anchors(target.read_text(encoding="utf-8")):
                wrong.append(f"{page}: {file}{anchor}")
    assert wrong == []


def test_every_decision_is_half_a_page(root: Path) -> None:
    pages = sorted((root / "docs" / "decisions").glob("*.md"))
    assert pages
    assert {p.name: n for p in pages if not 150 <= (n := len(p.read_text(encoding="utf-8").split())) <= 450} == {}


def verbs() -> list[tuple[str, str]]:
    """Return (verb, help text) of every verb of the command line, those of sub-commands too."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None) or {"": command}
        found += [(f"{name} {sub}".strip(), c.help or "") for sub, c in inner.items()]
    return found


@pytest.mark.parametrize(("verb", "text"), verbs())
def test_help_of_every_verb_has_an_example(verb: str, text: str) -> None:
    assert f"Example: vedette {verb}" in text
