"""Our own sample of each sender, from events/sources/, signed as the sender signs it."""

import json
from pathlib import Path
from typing import Any

from clemta_intake.sources.config import presets
from ops.signers import SIGNERS, signed_body

SENDERS = sorted(name for name, preset in presets().items() if preset["auth"]["scheme"] != "iam")
"""The presets of senders that post to an address. The others are services of AWS, which invoke a function."""
SAMPLES = Path(__file__).parents[2] / "events" / "sources"


class Sample:
    """One file of events/sources/: a request as the sender makes it, and the contact that it becomes.

    `answers` are the label and the value of each answer that its preset finds, in order.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        given = json.loads((SAMPLES / f"{name}.json").read_text())
        self.secret: str = given["secret"]
        self.content_type: str = given["content_type"]
        self.headers: dict[str, str] = given["headers"]
        self.contact: dict[str, Any] = given["contact"]
        self.answers = [(label, value) for label, value in given.get("answers", [])]
        text = given["body"] if "body" in given else json.dumps(given["json"], ensure_ascii=False)
        self.body = signed_body(name, self.secret, text.encode())

    def is_contact(self, body: dict[str, Any]) -> bool:
        """Whether a request to Clemta is this sample's contact; its description may hold other answers too."""
        given, expected = dict(body), dict(self.contact)
        lines = given.pop("description", "").splitlines()
        return set(expected.pop("description", "").splitlines()) <= set(lines) and given == expected

    def with_proof(self, body: bytes, secret: str) -> bytes:
        """The body as its sender posts it: with the proof, if the proof stands in the body."""
        return signed_body(self.name, secret, body)

    def signed(self, now: float, body: bytes | None = None, secret: str | None = None) -> dict[str, str]:
        """All headers of the request, in lower case."""
        sign = SIGNERS[self.name]
        taken = self.body if body is None else body
        return {
            "content-type": self.content_type,
            **self.headers,
            **sign(self.secret if secret is None else secret, taken, int(now), self.headers),
        }
