"""Imports past sign-ups from a CSV file: each row is a form's submission, delivered at Clemta's pace."""

import csv
import hashlib
import io
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clemta_intake.bodies.limits import check_size
from clemta_intake.errors import TooLarge
from clemta_intake.intake import Ignored, Invalid, evaluate_queued
from clemta_intake.model import Submission
from clemta_intake.outcomes import OutcomeName
from clemta_intake.sources.config import Form
from clemta_intake.sources.redaction import redact

from .environments import Environment
from .errors import OpsError
from .files import write_private

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "clemta-intake:import")
_SEPARATORS = ",;\t"  # Excel writes semicolons in locales with a decimal comma


@dataclass(frozen=True)
class Row:
    """One row of the file; `problem` says why it cannot be imported."""

    line: int
    submission: Submission
    problem: str = ""


def read_rows(source: Form, file: Path) -> list[Row]:
    """Every row, checked with the source's mapping; raises OpsError if the file is not a CSV with header and rows."""
    text = _text(file)
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        if not reader.fieldnames:
            raise OpsError(f"{file.name}: has no header line with the columns' names")
        rows = [_row(source, reader.line_num, fields) for fields in reader]
    except csv.Error as error:
        raise OpsError(f"{file.name}: is no CSV: {error}") from error
    if not rows:
        raise OpsError(f"{file.name}: has no rows below its header line")
    return rows


def _text(file: Path) -> str:
    """The file's text; raises OpsError, which says how to save the file."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise OpsError(f"{file.name}: {error.strerror}") from error
    if raw.startswith(b"PK\x03\x04"):
        raise OpsError(f"{file.name}: is a workbook, not a CSV file: save it as CSV UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise OpsError(f"{file.name}:{line}: is not in UTF-8: save it as CSV UTF-8") from error
    if "\0" in text:
        raise OpsError(f"{file.name}: is no CSV: save it as CSV UTF-8")
    return text


def _row(source: Form, line: int, fields: dict[str | None, str | None]) -> Row:
    given = {name: value for name, value in fields.items() if name and value}
    # An export of past sign-ups may contain passwords.
    body = json.dumps(redact(given).data, ensure_ascii=False)
    submission = Submission(
        submission_id=str(uuid.uuid5(_NAMESPACE, f"{source.name}\n{body}")),
        source=source.name,
        received_at=time.time(),
        body=body.encode(),
        content_type="application/json",
    )
    if None in fields or None in fields.values():
        return Row(line, submission, "does not have one value for each column")
    try:
        check_size(submission)
    except TooLarge as error:
        return Row(line, submission, str(error))
    match evaluate_queued(submission, source):
        case Invalid(error=refused):
            return Row(line, submission, str(refused))
        case Ignored():
            return Row(line, submission, "is an event that the source does not accept")
    return Row(line, submission)


class Progress:
    """The number of sent rows, kept next to the CSV file: a repeated import continues where the last one stopped."""

    def __init__(self, env: Environment, source: Form, file: Path) -> None:
        self._file = file.with_name(f"{file.name}.progress")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self._of = {"stack": env.location.stack_name, "source": source.name, "sha256": digest}

    def sent(self) -> int:
        """The number of rows already sent; 0 if the file changed: then the ledger prevents duplicates."""
        try:
            said = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return 0
        except ValueError:
            said = None
        match said:
            case {"sent": int(sent), **rest} if sent >= 0:
                return sent if self._of.items() <= rest.items() else 0
        raise OpsError(
            f"{self._file} is damaged: delete it; the import then starts again and creates no duplicates"
        )

    def write(self, sent: int) -> None:
        new = self._file.with_name(f"{self._file.name}.new")
        write_private(new, json.dumps({**self._of, "sent": sent}) + "\n")
        new.replace(self._file)


def deliver_rows(
    env: Environment, source: Form, rows: list[Row], progress: Progress
) -> Iterator[OutcomeName]:
    """Delivers the rows that were not sent yet; yields what became of each."""
    from .row_delivery import RowDelivery

    sent = progress.sent()
    delivery = RowDelivery(env.deps, source, len(rows) - sent)
    for number, row in enumerate(rows[sent:], sent + 1):
        outcome = delivery.deliver(row.submission)
        progress.write(number)
        yield outcome
