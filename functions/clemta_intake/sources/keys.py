"""What the tables of sources.toml share: strictness, and texts of a given form."""

import re
from typing import Annotated

from pydantic import AfterValidator, ConfigDict

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)
"""A cold start builds only the tables that its sources have: building all takes 3 % of it."""


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Refuses a text that does not match as a whole; `allowed` says what would."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"must be {allowed}")
        return value

    return AfterValidator(check)


type Url = Annotated[str, matching(r"https?://\S+", "an address that begins with https:// or http://")]
