"""Checks that Clemta accepts the key for each company, and lists the newest contacts first."""

import json
import time
from collections.abc import Iterator
from typing import Any

from clemta_intake.clemta.protocol import Request, read_answer, read_page
from clemta_intake.contact_list import order_of
from clemta_intake.errors import IntakeError, KeyRefused
from clemta_intake.http_values import HttpResponse
from clemta_intake.model import ListState
from clemta_intake.transport import Transport, TransportError

from ..environments import Environment
from ..logs import lines
from ..secrets import API_KEY
from ..times import DAY
from .check import TIMEOUT, Check, check_clock, secret_text

_CLOCK_SKEW = 120  # seconds that Clemta's clock may be behind ours
_MAY_USE_LISTS = "; for a launch day, ListSeconds = 10 nearly doubles the pace (docs/operations.md)"


def clemta_key(env: Environment) -> Iterator[Check]:
    put = env.location.command(f"secrets set {API_KEY}")
    text = secret_text(env, env.settings.clemta_secret_id)
    if not text.strip():
        yield Check("clemta key", "fail", "there is none", put)
        return
    if text.strip().startswith("{"):
        try:
            json.loads(text)
        except ValueError:
            yield Check("clemta key", "fail", 'begins like JSON {"api_key": …}, but is not valid JSON', put)
            return
    try:
        env.deps.secrets.api_key(None)
    except KeyRefused:
        yield Check("clemta key", "fail", 'is not usable: it must be the key, or JSON {"api_key": "…"}', put)
        return
    yield Check("clemta key", "ok", "is there")


def clemta(env: Environment) -> Iterator[Check]:
    """Sends one GET for each company in the sources file."""
    try:
        key = env.deps.secrets.api_key(None)
    except IntakeError:
        return  # reported already
    http = Transport()
    for company in _companies(env):
        try:
            answer = contacts_of(http, env.settings.clemta_base_url, key, company)
        except TransportError as error:
            do = f"check that {env.settings.clemta_base_url} is the right address, and that Clemta is up"
            yield Check("clemta", "fail", f"does not answer: {error}", do)
            return
        yield from _answer(env, company, answer)
        if answer.status == 401:
            return
    yield from check_clock("clemta clock", "this machine's clock", answer)


def _companies(env: Environment) -> list[str]:
    return sorted({to.company_id for source in env.sources.values() for to in source.destinations()})


def contacts_of(http: Transport, base_url: str, key: str, company: str) -> HttpResponse:
    """Asks Clemta for the company's newest contacts; raises TransportError if it does not answer."""
    return http.send(Request.newest(company, 0).to_http(base_url, key), *TIMEOUT)


def _page(company: str, answer: HttpResponse) -> list[Any]:
    """The contacts of the answer; none if it cannot be read."""
    try:
        return read_page(read_answer(Request.newest(company, 0), answer, time.time()))[0]
    except IntakeError:
        return []


def _order(company: str, page: list[Any]) -> Iterator[Check]:
    """Whether the contacts come as asked for; nothing if the page does not tell."""
    match order_of(page):
        case "newest first":
            yield Check("clemta order", "ok", f"lists the newest contacts of company {company} first")
        case "other":
            says = f"does not list the newest contacts of company {company} first"
            do = "keep ListSeconds at 0; import looks each row up, at half the pace"
            yield Check("clemta order", "note", says, do)


def _switched_off(company: str, state: ListState) -> Iterator[Check]:
    minutes = (state.off_until - time.time()) / 60
    if minutes > 0:
        says = f"the list of company {company} is not used for {minutes:.0f} minutes: {state.trouble}"
        yield Check("clemta list", "note", says, "nothing now; if it comes again, set ListSeconds to 0")


def clemta_list(env: Environment) -> Iterator[Check]:
    """Whether Clemta's list is used, and whether it shows the contact that was created last, if that is known."""
    if lists := env.deps.contact_lists:
        for company in _companies(env):
            yield from _switched_off(company, lists.current(company))
    created = lines(env, '{ $.outcome = "created" }', time.time() - DAY)
    last = max(created, key=lambda line: float(line["at"]), default=None)
    if last is None:
        return
    http, key, url = Transport(), env.deps.secrets.api_key(None), env.settings.clemta_base_url
    try:
        pages = [_page(one, contacts_of(http, url, key, one)) for one in _companies(env)]
    except TransportError:
        return  # reported already
    seconds = time.time() - float(last["at"])
    shown = [one for page in pages for one in page if isinstance(one, dict)]
    if any(one.get("id") == last.get("contact_id") for one in shown):
        says = f"its list shows the contact that was created {seconds:.0f} s ago"
        yield Check("clemta list", "ok", says + ("" if env.settings.list_seconds else _MAY_USE_LISTS))
    elif seconds > env.settings.search_lag_seconds and any(
        isinstance(one.get("created_at"), int | float) and one["created_at"] < float(last["at"]) - _CLOCK_SKEW
        for one in shown
    ):
        says = (
            f"its list does not show contact {last.get('contact_id')}, which was created {seconds:.0f} s ago"
        )
        do = "look in Clemta: if it was not deleted there, keep ListSeconds at 0"
        yield Check("clemta list", "note", says, do)


def _answer(env: Environment, company: str, answer: HttpResponse) -> Iterator[Check]:
    match answer.status:
        case 200:
            yield Check("clemta", "ok", f"accepts the key for company {company}")
            yield from _order(company, _page(company, answer))
        case 401:
            yield Check(
                "clemta",
                "fail",
                "refuses the key (401)",
                f"make a new key in Clemta, then {env.location.command(f'secrets set {API_KEY}')}",
            )
        case 403:
            do = "give the key's owner access to the company in Clemta, or set another company"
            yield Check("clemta", "fail", f"the key may not use company {company} (403)", do)
        case 404:
            do = "fix company_id in the sources file, or the parameter DefaultCompanyId"
            yield Check("clemta", "fail", f"does not know company {company} (404)", do)
        case 429:
            yield Check("clemta", "note", "its rate limit is used up now (429)", "try again in a minute")
        case status:
            yield Check(
                "clemta",
                "fail",
                f"answers {status} for company {company}",
                "check that ClemtaBaseUrl is right, and that Clemta is up",
            )
