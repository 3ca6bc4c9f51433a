"""Our own sample of each sender, from events/sources/, signed as the sender signs it."""

import json
from pathlib import Path
from typing import Any

from ops.signers import SIGNERS

SAMPLES = Path(__file__).parents[2] / "events" / "sources"


class Sample:
    """One file of events/sources/: a request as the sender makes it, and the contact that it becomes."""

    def __init__(self, name: str) -> None:
        self.name = name
        given = json.loads((SAMPLES / f"{name}.json").read_text())
        self.secret: str = given["secret"]
        self.content_type: str = given["content_type"]
        self.headers: dict[str, str] = given["headers"]
        self.contact: dict[str, Any] = given["contact"]
        text = given["body"] if "body" in given else json.dumps(given["json"], ensure_ascii=False)
        self.body: bytes = text.encode()

    def signed(self, now: float, body: bytes | None = None, secret: str | None = None) -> dict[str, str]:
        """All headers of the request, in lower case."""
        sign = SIGNERS[self.name]
        taken = self.body if body is None else body
        return {
            "content-type": self.content_type,
            **self.headers,
            **sign(self.secret if secret is None else secret, taken, int(now), self.headers),
        }
