"""Checks that Clemta accepts the key for each company, and lists the newest contacts first."""

import json
import time
from collections.abc import Iterator

from clemta_intake.clemta.protocol import Request, read_answer, read_page
from clemta_intake.contact_list import order_of
from clemta_intake.errors import IntakeError, KeyRefused
from clemta_intake.http_values import HttpResponse
from clemta_intake.transport import Transport, TransportError

from ..environments import Environment
from ..secrets import API_KEY
from .check import TIMEOUT, Check, check_clock, secret_text


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
    for company in sorted({to.company_id for source in env.sources.values() for to in source.destinations()}):
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


def contacts_of(http: Transport, base_url: str, key: str, company: str) -> HttpResponse:
    """Asks Clemta for the company's newest contacts; raises TransportError if it does not answer."""
    return http.send(Request.newest(company, 0).to_http(base_url, key), *TIMEOUT)


def _order(company: str, answer: HttpResponse) -> Iterator[Check]:
    """Whether the contacts come as asked for; nothing if the page does not tell."""
    try:
        page, _ = read_page(read_answer(Request.newest(company, 0), answer, time.time()))
    except IntakeError:
        return
    match order_of(page):
        case "newest first":
            yield Check("clemta order", "ok", f"lists the newest contacts of company {company} first")
        case "other":
            says = f"does not list the newest contacts of company {company} first"
            yield Check("clemta order", "note", says, "nothing: import looks each row up, at half the pace")


def _answer(env: Environment, company: str, answer: HttpResponse) -> Iterator[Check]:
    match answer.status:
        case 200:
            yield Check("clemta", "ok", f"accepts the key for company {company}")
            yield from _order(company, answer)
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
