"""How verbs end where files are missing or in the way, and what a batch leaves of a run."""

from pathlib import Path

import pytest
import typer

from vedette.batch import _forget
from vedette.errors import exit_codes


@pytest.mark.parametrize(
    ("path", "fault"), [("missing.csv", "no such file or folder"), (".", "is a folder: name a file")]
)
def test_a_file_that_cannot_be_opened_is_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, fault: str
) -> None:
    wanted = tmp_path / path
    with pytest.raises(typer.Exit) as ended:
        exit_codes(wanted.read_text)()
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err.startswith(f"vedette: {wanted}: {fault}")


def test_a_batch_leaves_summary_scenario_and_the_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    for name in ("summary.json", "scenario.yaml", "tracks.csv", "inbound.journal", "maps/hills.tif"):
        (tmp_path / name).write_text("x")
    _forget(tmp_path)
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["maps/hills.tif", "scenario.yaml", "summary.json"]
