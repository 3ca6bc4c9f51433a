"""Import of past sign-ups: every kind of CSV file, and invalid files."""

import json
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.sources.config import Form, to_source
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.imports import Progress, read_rows
from tests.support.fakes import COMPANY

TEXT = "name,email\nAda Çelik,ada@example.com\n"


def form() -> Form:
    source = to_source("website", {"kind": "form"}, COMPANY)
    assert isinstance(source, Form)
    return source


def rows(tmp_path: Path, raw: bytes) -> list[dict[str, Any]]:
    """The fields of each row, all of which can be imported."""
    file = tmp_path / "past.csv"
    file.write_bytes(raw)
    found = read_rows(form(), file)
    assert not [row.problem for row in found if row.problem]
    return [json.loads(row.submission.body) for row in found]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_is_read_with_each_common_separator(tmp_path: Path, separator: str, encoding: str) -> None:
    raw = TEXT.replace(",", separator).replace("\n", "\r\n").encode(encoding)
    assert rows(tmp_path, raw) == [{"name": "Ada Çelik", "email": "ada@example.com"}]


def test_a_value_may_hold_separators_and_lines(tmp_path: Path) -> None:
    [row] = rows(tmp_path, b'name;email;message\n"Ada; A.";ada@example.com;"one, two,\nthree"\n')
    assert row == {"name": "Ada; A.", "email": "ada@example.com", "message": "one, two,\nthree"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (TEXT.encode("cp1254"), "past.csv:2: is not in UTF-8: save it as CSV UTF-8"),
        (TEXT.encode("utf-16"), "past.csv:1: is not in UTF-8: save it as CSV UTF-8"),
        (TEXT.encode("utf-16-le")[:-20], "save it as CSV UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is a workbook, not a CSV file: save it as CSV UTF-8"),
        (b"", "has no header line"),
        (b"name,email\n", "has no rows below its header line"),
        (b'name,email\n"Ada,ada@example.com\n', "is no CSV"),
    ],
)
def test_invalid_csv_file_is_refused_with_advice(tmp_path: Path, raw: bytes, expected: str) -> None:
    with pytest.raises(OpsError, match=expected):
        rows(tmp_path, raw)


def test_p4_a_column_of_passwords_is_not_imported(tmp_path: Path) -> None:
    raw = b"name,email,Password,Verification code\nAda,ada@example.com,kanarya,123456\n"
    assert rows(tmp_path, raw) == [{"name": "Ada", "email": "ada@example.com"}]


def test_import_continues_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "past.csv"
    file.write_text(TEXT)
    env = Environment(StackLocation("stack", "us-east-1"), tmp_path / "sources.toml")
    assert Progress(env, form(), file).sent() == 0
    Progress(env, form(), file).write(7)
    assert Progress(env, form(), file).sent() == 7
    file.write_text(TEXT + TEXT)
    assert Progress(env, form(), file).sent() == 0, "it is another file"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sent": "7"}', '{"sent": -1}', "\xff"])
def test_a_damaged_progress_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "past.csv"
    file.write_text(TEXT)
    (tmp_path / "past.csv.progress").write_bytes(text.encode("latin-1"))
    env = Environment(StackLocation("stack", "us-east-1"), tmp_path / "sources.toml")
    with pytest.raises(OpsError, match=r"past.csv.progress is damaged: delete it"):
        Progress(env, form(), file).sent()
