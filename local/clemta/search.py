"""The search: its query parameters, and how a term matches a contact. Pure."""

import operator
import re
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from local.clemta.answers import Json, Refusal, invalid
from local.clemta.settings import Settings

PARAMETERS = {
    *("company_id", "search", "skip", "limit", "sort", "order"),
    *("created_at", "created_at_value", "end_date"),
}
CHOICES = {
    "sort": ("created_at", "updated_at", "type", "status", "full_name", "email"),
    "order": ("asc", "desc"),
    "created_at": ("gt", "lt", "eq"),
}


class StoredContact(NamedTuple):
    """A contact with its company, its creation on the monotonic clock, and the texts that a search looks through."""

    company_id: str
    created: float  # monotonic; `created_at` has whole seconds only
    contact: Json
    texts: dict[tuple[bool, bool], str]  # by (case_sensitive, names)

    @classmethod
    def of(cls, company_id: str, created: float, contact: Json) -> Self:
        email, both = contact["email"], f"{contact['full_name']}\n{contact['email']}"
        texts = {(True, True): both, (True, False): email}
        texts |= {(False, names): text.casefold() for (_, names), text in texts.items()}
        return cls(company_id, created, contact, texts)


class SearchQuery(NamedTuple):
    """The query parameters of a search, validated."""

    company_id: str
    term: str
    skip: int
    limit: int
    sort: str
    order: str
    end_date: int
    created_at: str | None
    created_at_value: int

    @classmethod
    def parse(cls, params: dict[str, str]) -> Self:
        """Raises a Refusal that names the first wrong parameter."""
        for name in params.keys() - PARAMETERS:
            raise invalid(name, "is not known")
        if not params.get("company_id"):
            raise invalid("company_id", "is required")
        for name, choices in CHOICES.items():
            if name in params and params[name] not in choices:
                raise invalid(name, f"must be one of {', '.join(choices)}")
        return cls(
            company_id=params["company_id"],
            term=params.get("search", ""),
            skip=_whole_number(params, "skip", 0),
            limit=min(_whole_number(params, "limit", 10, least=1), 100),
            sort=params.get("sort", "created_at"),
            order=params.get("order", "asc"),
            end_date=_whole_number(params, "end_date", sys.maxsize),
            created_at=params.get("created_at"),
            created_at_value=_whole_number(params, "created_at_value") if "created_at" in params else 0,
        )


def search(query: SearchQuery, stored: Iterable[StoredContact], settings: Settings, now: float) -> Json:
    """One page of the contacts that match, and their total; `now` is monotonic."""
    found = [entry for entry in stored if entry.company_id == query.company_id]
    if query.term:
        try:
            matches = search_matcher(query.term, settings.search_pattern, settings.search_case_sensitive)
        except re.error:
            raise Refusal(500, "INTERNAL_ERROR") from None
        text = (settings.search_case_sensitive, settings.search_names)
        found = [entry for entry in found if matches(entry.texts[text])]
        found = [entry for entry in found if now - entry.created >= settings.search_lag]
    contacts = [entry.contact for entry in found if entry.contact["created_at"] <= query.end_date]
    if query.created_at:
        compare = getattr(operator, query.created_at)
        contacts = [one for one in contacts if compare(one["created_at"], query.created_at_value)]
    if settings.sorts_lists:
        contacts.sort(key=operator.itemgetter(query.sort))
        if query.order == "desc":
            contacts.reverse()
    else:
        contacts.sort(key=operator.itemgetter("created_at"))
    return {"contacts": contacts[query.skip : query.skip + query.limit], "total": len(contacts)}


def search_matcher(term: str, pattern: str = "text", case_sensitive: bool = False) -> Callable[[str], bool]:
    """A function that says whether a text contains the term; re.error if the term is no valid pattern.

    Unless `case_sensitive`, the text must be casefolded.
    """
    if pattern == "text":
        word = term if case_sensitive else term.casefold()
        return lambda text: word in text
    if pattern == "like":
        term = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in term)
    compiled = re.compile(term, re.MULTILINE if case_sensitive else re.MULTILINE | re.IGNORECASE)
    return lambda text: compiled.search(text) is not None


def _whole_number(params: dict[str, str], name: str, default: int | None = None, least: int = 0) -> int:
    value = params.get(name, "" if default is None else str(default))
    if not re.fullmatch("[0-9]{1,19}", value) or int(value) < least:
        raise invalid(name, f"must be a whole number from {least}")
    return int(value)
