"""Published figures: the shipped table holds, other rows are checked on their own, bad rows are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.validation.check import QUANTITIES, check_row, check_rows
from benchmarks.validation.published import COLUMNS, SHIPPED, Malformed, Row, limit_of, read_published
from vedette.cli import app

ROW = Row("a.1", "radar", "Pd Sw1 N=1", "Pfa=1e-4;SNR=6.8dB", "0.2036", "-", "0.0005 exact", "A", "a test")


def verdict(**cells: str) -> tuple[str, str]:
    found = check_row(replace(ROW, **cells), None)
    return found.status, found.note


def test_every_row_of_the_shipped_table_holds_or_says_why_it_is_not_modelled() -> None:
    verdicts = check_rows(read_published(SHIPPED), None)
    assert {v.status for v in verdicts} == {"ok", "not modelled", "no data"}
    assert sum(v.status == "ok" for v in verdicts) >= 96
    assert [v.id for v in verdicts if v.status == "no data"] == ["ac.comb.1"]
    assert all(v.note for v in verdicts if v.status == "not modelled")


def test_every_quantity_has_a_row_in_the_shipped_table() -> None:
    texts = [row.quantity for row in read_published(SHIPPED)]
    for quantity in QUANTITIES:
        assert any(quantity.pattern.search(text) for text in texts), quantity.name


@pytest.mark.parametrize(
    ("quantity", "given", "expected", "tolerance"),
    [
        # Rows that the shipped table does not have; radarsimpy's test suite, ITU validation examples, own arithmetic.
        ("Pd Sw0 N=1", "Pfa=1e-8;SNR=11dB", "0.1683", "0.0005 exact; 0.015 Monte Carlo 1e4"),
        ("Pd Sw1 N=256", "Pfa=1e-4;SNR=-7.6dB", "0.2560", "0.0005"),
        ("Pd Sw3 N=256", "Pfa=1e-4;SNR=-0.4dB", "0.8889", "0.0005"),
        ("Pd Sw2 N=1", "Pfa=1e-4;SNR=16dB", "0.7980", "0.0005"),
        ("Pd Sw4 N=1", "Pfa=1e-4;SNR=15.2dB", "0.8846", "0.0005"),
        ("SNR for Pd .9 Pfa 1e-6, Swerling 1, square-law, N=1", "0.9;1e-6", "21.14", "0.01"),
        ("SNR for Pd .9 Pfa 1e-6, Swerling 3, square-law, N=1", "0.9;1e-6", "17.30", "0.01"),
        ("ISO 9613-1 absorption", "T=+25.0C;RH=80.0%;f=1600Hz(exact midband)", "9.01", "0.5% rel"),
        ("ISO 9613-2 Table 2", "T=10;RH=70;f=8000", "117", "0.5 abs"),
        ("constant-gamma at 10 GHz", "Farmland", "-15", "exact"),
        ("ELRS FCC915 link closed (record flights)", "1 W;25 Hz;sens -123", "60", "margin in -5..+45 dB"),
        ("ELRS EU868: 13 ch 863.275-869.575", "", "13", "exact"),
        ("EU class C2", "2 kg", "91.4/89.4/87.4", "0.05 abs"),
        ("Lu=Lv at h=20 ft; sigma_u/sigma_w", "20 ft", "144 ft; 1.93", "1%"),
        ("Lu=Lv at h=1000 ft; sigma_u/sigma_w", "1000 ft", "1000; 1.0", "1%"),
        ("Johnson line pairs 50%", "Recognition", "4", "0.25/0.35/0.8/1.5"),
    ],
)
def test_other_rows_of_the_same_quantities(quantity: str, given: str, expected: str, tolerance: str) -> None:
    cells = {"quantity": quantity, "input": given, "expected": expected, "tolerance": tolerance}
    assert verdict(**cells)[0] == "ok", check_row(replace(ROW, **cells), None)


@pytest.mark.parametrize(
    "cells",
    [
        {"expected": "0.2046"},
        {"quantity": "Pd Sw3 N=1"},
        {"input": "Pfa=1e-4;SNR=6.9dB"},
        {"quantity": "constant-gamma at 24 GHz", "input": "woods", "expected": "-15", "tolerance": "exact"},
        {"quantity": "ELRS 2.4 hop set: 80 ch", "expected": "79", "tolerance": "exact"},
        {"quantity": "ELRS 2.4 GHz link closed", "input": "1 mW;50 Hz;sens -108", "expected": "35"},
        {
            "quantity": "EU class C1 max sound power",
            "input": "0.25-0.9 kg",
            "expected": "85/83/80",
            "tolerance": "exact",
        },
    ],
)
def test_a_wrong_figure_is_missed(cells: dict[str, str]) -> None:
    assert verdict(**cells)[0] == "MISSED"


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"input": "Pfa=1e-4"}, "needed is Pfa=...;SNR=..."),
        ({"input": "Pfa=2;SNR=3dB"}, "probability between 0 and 1"),
        ({"input": "Pfa=1e-4;SNR=lots"}, "one number"),
        ({"expected": "nan"}, "one number"),
        ({"expected": "1.2"}, "0 to 1"),
        ({"quantity": "Pd Sw1 N=0"}, "quantity N = 0"),
        ({"quantity": "Pd Sw1 N=many"}, "quantity N = 'many'"),
        ({"quantity": "Pd Sw5 N=1"}, "Sw0 to Sw4"),
        ({"input": "Pfa=1e-4;SNR=6.8W"}, "in dB"),
        ({"input": "Pfa=1e-4;SNR=6.8dB;N=3"}, "needed is Pfa=...;SNR=...dB"),
        ({"quantity": "ISO 9613-1 absorption", "input": "T=20C;RH=50%;f=1kHz", "expected": "1"}, "in Hz"),
        ({"quantity": "Lu=Lv at h=100 ft", "input": "100 m", "expected": "505 ft; 1.716"}, "in ft"),
        ({"tolerance": "some"}, "tolerance = 'some'"),
        ({"tolerance": ""}, "needed is exact"),
        ({"grade": "Z"}, "grade = 'Z'"),
        ({"quantity": "constant-gamma at 10 GHz", "input": "moon"}, "one of flatland"),
        ({"quantity": "ISO 9613-1 absorption", "input": "T=20C;RH=130%;f=125Hz", "expected": "1"}, "RH (%) = 130"),
        ({"quantity": "rain specific attenuation", "input": "el=1;f=14;R=-3;tau=0", "expected": "1"}, "R (mm/h) = -3"),
        ({"quantity": "EU class C1", "input": "2 kg", "expected": "85", "tolerance": "exact"}, "0 to 0.9"),
    ],
)
def test_a_malformed_row_says_what_is_needed(cells: dict[str, str], says: str) -> None:
    status, note = verdict(**cells)
    assert status == "MALFORMED"
    assert says in note


def test_a_weak_grade_is_shown_and_not_judged() -> None:
    assert verdict(expected="0.3", grade="D")[0] == "not judged"
    assert verdict(expected="0.2036", grade="E")[0] == "ok"
    assert verdict(expected="0.3", grade="C")[0] == "MISSED"


def test_tolerances() -> None:
    assert limit_of("0.5% rel", 20.0) == pytest.approx(0.1)
    assert limit_of("1e-4 rel", 20.0) == pytest.approx(2e-3)
    assert limit_of("0.05 abs", 20.0) == 0.05
    assert limit_of("0.001 (claimed model error <0.2 dB)", 13.0) == 0.001
    assert limit_of("exact", 0.0) == 1e-9
    with pytest.raises(Malformed, match="-1"):
        limit_of("-1", 1.0)


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "figures.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


GOOD = "a.1,radar,Pd Sw1 N=1,Pfa=1e-4;SNR=6.8dB,0.2036,-,0.0005,A,a test"
WRONG = "a.2,radar,Pd Sw1 N=1,Pfa=1e-4;SNR=6.8dB,0.3036,-,0.0005,A,a test"
STRANGE = "a.3,eo,albedo of the moon,full,0.12,-,10%,A,a test"


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ((GOOD, STRANGE), 0, "NOT MODELLED"),
        ((GOOD, WRONG), 1, "MISSED"),
        ((WRONG, "a.4,radar,Pd Sw1 N=1"), 2, "line 3: 3 cells"),
        ((GOOD, GOOD), 2, "that of line 2 too"),
    ],
)
def test_the_command_ends_as_it_should(tmp_path: Path, rows: tuple[str, ...], code: int, says: str) -> None:
    result = CliRunner().invoke(app, ["validate", "--published", str(table(tmp_path, *rows)), "--no-gates"])
    assert result.exit_code == code, result.output
    assert says in result.output


def test_a_table_with_other_columns_and_a_missing_one_are_wrong_input(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    for path in (other, tmp_path / "missing.csv"):
        result = CliRunner().invoke(app, ["validate", "--published", str(path), "--no-gates"])
        assert result.exit_code == 2
        assert str(path) in result.output


def test_the_gates_hold() -> None:
    result = CliRunner().invoke(app, ["validate", "--json", "--quiet"])
    assert result.exit_code == 0, result.output
    verdicts = json.loads(result.stdout)["verdicts"]
    gates = {v["id"]: v["status"] for v in verdicts if v["id"].startswith("gate")}
    assert gates == {f"gate {n}": "no data" if n in (3, 12) else "ok" for n in range(1, 13)}


def test_the_list_names_every_quantity() -> None:
    result = CliRunner().invoke(app, ["validate", "--list"])
    assert result.exit_code == 0
    assert all(quantity.name in result.output for quantity in QUANTITIES)
