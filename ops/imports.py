"""Past sign-ups from a CSV file: each row becomes a submission of a form, in the retry queue, at Clemta's pace."""

import csv
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clemta_intake.errors import IntakeError
from clemta_intake.queues import MAX_DELAY, Envelope, Failure
from clemta_intake.sources.config import Form
from clemta_intake.sources.mapping import read
from clemta_intake.submissions import Submission

from .environments import Environment, OpsError

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "clemta-intake:import")
_CALLS = (
    4  # of Clemta's budget for each row: a look-up and a create, and as much again for the sign-ups of today
)
_BATCH = 10


@dataclass(frozen=True)
class Row:
    """One sign-up of the file; `problem` says why it is none."""

    line: int
    submission: Submission
    problem: str = ""


def read_rows(source: Form, file: Path) -> list[Row]:
    """Every row, gone through the source's mapping; raises OpsError if the file is no CSV with a header."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            if not reader.fieldnames:
                raise OpsError(f"{file.name}: has no header line with the columns' names")
            return [_row(source, reader.line_num, fields) for fields in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OpsError(f"{file.name}: {getattr(error, 'strerror', None) or error}") from error


def _row(source: Form, line: int, fields: dict[str | None, str | None]) -> Row:
    body = json.dumps({name: value for name, value in fields.items() if name and value}, ensure_ascii=False)
    submission = Submission(
        submission_id=str(uuid.uuid5(_NAMESPACE, f"{source.name}\n{body}")),
        source=source.name,
        received_at=time.time(),
        body=body.encode(),
        content_type="application/json",
    )
    if None in fields or None in fields.values():
        return Row(line, submission, "has not as many values as there are columns")
    try:
        submission.check_fits()
        reading = read(submission, source)
    except IntakeError as error:
        return Row(line, submission, str(error))
    return Row(line, submission, "" if reading else "is no event that the source accepts")


class Progress:
    """How many rows of a file were sent, kept beside it, so that a repetition goes on where it stopped."""

    def __init__(self, env: Environment, source: Form, file: Path) -> None:
        self._file = file.with_name(f"{file.name}.progress")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self._of = {"stack": env.place.stack_name, "source": source.name, "sha256": digest}

    def sent(self) -> int:
        """Rows that the retry queue has; 0 if the file is another by now, which the ledger makes harmless."""
        try:
            said = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return 0
        return int(said["sent"]) if self._of.items() <= said.items() else 0

    def write(self, sent: int) -> None:
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(json.dumps({**self._of, "sent": sent}) + "\n")
        new.replace(self._file)


def send_rows(env: Environment, rows: list[Row], progress: Progress) -> Iterator[int]:
    """Puts them into the retry queue, each with the moment at which its turn comes; yields how many it has by now."""
    sent = progress.sent()
    seconds_each = 60 * _CALLS / env.settings.clemta_requests_per_minute
    now = time.time()
    for number, row in enumerate(rows[sent:]):
        due = now + number * seconds_each
        env.parts.queues.retry(_envelope(row.submission, due), min(MAX_DELAY, due - now))
        if number % _BATCH == _BATCH - 1:
            progress.write(sent + number + 1)
        yield sent + number + 1
    progress.write(len(rows))


def _envelope(submission: Submission, due: float) -> Envelope:
    """Received when it is due: waiting for its turn is neither an age nor a failure."""
    from dataclasses import replace

    received = replace(submission, received_at=due)
    return Envelope(received, 0, due, Failure("outage", None, "imported", ""), due)
