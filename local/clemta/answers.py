"""Clemta's answers as values: the envelope of a success, and Refusal for every other answer."""

from typing import Any

type Json = dict[str, Any]


class Refusal(Exception):
    """An answer with a status other than 200."""

    def __init__(self, status: int, code: str, details: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {details}")
        self.status, self.retry_after = status, retry_after
        message, error = code.replace("_", " ").capitalize(), {"code": code, "details": details}
        self.envelope: Json = {"success": False, "message": message, "data": None, "error": error}


def success(operation: str, data: Json | None) -> Json:
    """The envelope of an answer with status 200."""
    return {"success": True, "message": f"Done: {operation}", "data": data}


def invalid(name: str, problem: str) -> Refusal:
    """The refusal of a field or query parameter; its details begin with the name."""
    return Refusal(400, "VALIDATION_FAILED", f"{name} {problem}")
