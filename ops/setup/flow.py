"""The steps of `clemta-intake setup`. Each can be repeated: a killed run goes on where it ended."""

import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from clemta_intake.sources.check import check_file
from clemta_intake.transport import Transport, TransportError

from .. import secrets
from ..aws import OperatorClients, default_region
from ..doctor import examine
from ..doctor.check import Check, secret_text
from ..doctor.clemta import contacts_of
from ..environments import Environment, StackLocation, samconfig_parameters
from ..errors import OpsError
from ..project import OWN_SOURCES, default_sources_file
from . import access_log, stacks, trial
from .answers import FILE, Answers, read_answers, write_answers
from .deployment import Deployment, StepFailed
from .permissions import permissions
from .preconditions import concurrency, require_checkout, tools

_TRIES = 3
_NAME = re.compile("[a-z][a-z0-9-]{0,30}")
_REGION = re.compile("[a-z]{2}(-[a-z]+)+-[0-9]")
_COMPANY = re.compile("[0-9a-f]{24}")
_EMAIL = re.compile(r"[^@\s\"\\]+@[^@\s\"\\]+\.[^@\s\"\\]+")
_YES = ("y", "yes", "true")
CLEMTA = "https://api.clemta.com"
VARIABLES = (
    "AWS_REGION",
    "CLEMTA_COMPANY_ID",
    "CLEMTA_API_KEY",
    "ALARM_EMAIL",
    "CLEMTA_BASE_URL",
    "ACCESS_LOG",
)
"""The environment variables that answer the questions."""
EXAMPLE = {
    "kind": "webhook",
    "auth": {
        "scheme": "hmac",
        "header": "x-signature",
        "encoding": "hex",
        "prefix": "sha256=",
        "secret": "crm",
    },
    "delivery_id": 'headers."x-delivery"',
    "accept": "body.event=='lead.created'",
    "contact": {
        "full_name": "join(' ', [body.first, body.last])",
        "email": "body.email",
        "billing.phone": "body.phone",
        "billing.country": "body.country",
    },
}
"""The table crm of functions/sources.toml, which shows how a sender signs."""
LATER = ("alarm mail", "signing secrets", "captcha", "alarms", "dead letters")
"""Checks of doctor that say nothing about the deployment: a person settles them later."""


class Terminal(Protocol):
    """How setup talks to a person or to a log."""

    def tell(self, text: str, style: str = "") -> None:
        """Shows one line or more."""

    def check(self, check: Check) -> None:
        """Shows a check's finding."""

    def ask(self, question: str, default: str = "", *, hidden: bool = False) -> str:
        """The answer, or the default for an empty one; raises OpsError if nobody can answer."""


@dataclass
class Result:
    """What setup made: `checks` are doctor's; `sign_up` is None if none was sent."""

    env: str
    stack: str
    region: str
    parameters: dict[str, str]
    created: bool = False
    api_url: str = ""
    form: str = ""
    checks: list[Check] = field(default_factory=list)
    sign_up: trial.Trial | None = None

    @property
    def good(self) -> bool:
        """Whether the stack works, apart from what a person does later."""
        failed = [check for check in self.checks if check.state == "fail" and check.name not in LATER]
        return not failed and (self.sign_up is None or self.sign_up.good)


@dataclass
class SetUp:
    """One run: the environment's name, the checkout, who answers; `given` holds the environment variables."""

    env: str
    project: Path
    terminal: Terminal
    given: Mapping[str, str]
    region: str | None = None
    may_ask: bool = True
    dry_run: bool = False

    def run(self) -> Result:
        """Asks, checks, builds, deploys, and tries it. Until the questions and checks are over, nothing is made."""
        if not _NAME.fullmatch(self.env):
            raise OpsError(
                f"an environment's name is lower-case letters, digits and -, such as staging: {self.env}"
            )
        require_checkout(self.project)
        check_file(self.sources_file)
        self._passed(tools(self.project))
        self.answers.region = self._region()
        self._passed(self._of_aws())
        key = self._clemta()
        self._alarm_email()
        makes_role = self._access_log()
        result = Result(self.env, self.answers.stack, self.answers.region, self.answers.parameters)
        self._summary(makes_role)
        if self.dry_run:
            self.terminal.tell("a dry run: nothing was made")
            return result
        deployment = Deployment(self.project, self.env, self.answers, self._own_sources())
        with deployment.alone(self.terminal.tell) as lock:
            write_answers(self.project, self.env, self.answers)
            result.created = self._deploy(deployment, lock, makes_role)
            self._finish(result, key)
        return result

    @cached_property
    def sources_file(self) -> Path:
        """The sources file that is shipped."""
        return default_sources_file(self.project)

    @cached_property
    def answers(self) -> Answers:
        """The kept answers, or those of a first run."""
        kept = read_answers(self.project, self.env)
        if kept:
            return kept
        configured = samconfig_parameters(self.project, self.env)
        name = configured.get("stack_name", f"clemta-intake-{self.env}")
        return Answers(str(name), str(configured.get("region", "")))

    @cached_property
    def clients(self) -> OperatorClients:
        """AWS in the stack's region."""
        return OperatorClients(self.answers.region, None)

    @cached_property
    def stack(self) -> dict[str, Any] | None:
        """The stack as it was before this run; None if there is none, or its first create failed."""
        found = stacks.describe(self.clients.client("cloudformation"), self.answers.stack)
        unused = ("REVIEW_IN_PROGRESS", *stacks.FAILED_CREATES)
        return None if found is None or found["StackStatus"] in unused else found

    @property
    def environment(self) -> Environment:
        """The deployed stack, read anew."""
        location = StackLocation(self.answers.stack, self.answers.region, options=f"--env {self.env}")
        return Environment(location, self.sources_file)

    def _passed(self, checks: Iterator[Check]) -> None:
        """Shows the checks; OpsError if one failed."""
        failed = False
        for check in checks:
            self.terminal.check(check)
            failed = failed or check.state == "fail"
        if failed:
            raise OpsError("nothing was made: do what the lines above say, then run it again")

    # ---- questions ----------------------------------------------------------------------------------------------

    def _region(self) -> str:
        kept = self.answers.region
        if kept and self.region and self.region != kept:
            raise OpsError(f"{self.env} is in {kept} ({FILE}): use another --env for {self.region}")
        configured = self.region or kept or self.given.get("AWS_REGION") or default_region() or ""
        if self.region or kept or (configured and not self.may_ask):
            if not _REGION.fullmatch(configured):
                raise OpsError(f"{configured} is no AWS region, such as eu-central-1")
            return configured
        self._must_ask("AWS_REGION")
        return self._answer("1/4  AWS region, such as eu-central-1", configured, _REGION, "an AWS region")

    def _clemta(self) -> str:
        """Asks for company and key until Clemta accepts them; returns the key, or "" if the stack has it."""
        parameters = self.answers.parameters
        company = self.given.get("CLEMTA_COMPANY_ID") or self._known("DefaultCompanyId")
        if base_url := self.given.get("CLEMTA_BASE_URL"):
            parameters["ClemtaBaseUrl"] = base_url
        if company and not _COMPANY.fullmatch(company):
            raise OpsError("CLEMTA_COMPANY_ID: a company id is 24 hexadecimal characters in lower case")
        stored = self._stored_key()
        key = self.given.get("CLEMTA_API_KEY", "").strip() or stored
        typed = {"company": not company, "key": not key}
        for _ in range(_TRIES):
            if not company:
                company = self._ask_company()
            key = key or self._ask_key()
            refused = self._refused_by_clemta(key, company)
            if not refused:
                parameters["DefaultCompanyId"] = company
                return "" if key == stored else key
            part, why = refused
            self.terminal.tell(why, "red")
            if not self.may_ask or not (typed[part] or self._may_replace(part)):
                break
            company, key = ("", key) if part == "company" else (company, "")
        raise OpsError("nothing was made: Clemta does not accept the key for this company")

    def _may_replace(self, part: str) -> bool:
        """Whether a person may type another one: not if a variable gave it."""
        return not self.given.get({"company": "CLEMTA_COMPANY_ID", "key": "CLEMTA_API_KEY"}[part])

    def _ask_company(self) -> str:
        self._must_ask("CLEMTA_COMPANY_ID")
        # https://docs.clemta.com/api-reference/authentication: Clemta gives the credentials out itself
        question = "2/4  Clemta company id, 24 characters; Clemta gives it with the API key (tech@clemta.com)"
        return self._answer(question, "", _COMPANY, "a company id: 24 characters, 0-9 and a-f")

    def _ask_key(self) -> str:
        self._must_ask("CLEMTA_API_KEY")
        for _ in range(_TRIES):
            key = self.terminal.ask("3/4  Clemta API key (is not shown)", hidden=True).strip()
            if key and key.isascii() and key.isprintable() and " " not in key:
                return key
            self.terminal.tell("that is no API key", "red")
        raise OpsError("nothing was made: there is no API key")

    def _refused_by_clemta(self, key: str, company: str) -> tuple[str, str] | None:
        """What Clemta does not accept, and its answer in words; None if it accepts both."""
        base_url = self._known("ClemtaBaseUrl") or CLEMTA
        try:
            status = contacts_of(Transport(), base_url, key, company).status
        except TransportError as error:
            raise OpsError(f"nothing was made: Clemta does not answer at {base_url}: {error}") from None
        match status:
            case 200:
                self.terminal.check(Check("clemta", "ok", f"accepts the key for company {company}"))
                return None
            case 429:
                says = "its rate limit is used up now (429): the key is not checked"
                self.terminal.check(Check("clemta", "note", says))
                return None
            case 401:
                return "key", "Clemta refuses the key (401)"
            case 403:
                return "company", f"the key may not use company {company} (403)"
            case 404:
                return "company", f"Clemta does not know company {company} (404)"
        raise OpsError(f"nothing was made: Clemta answers {status} at {base_url}")

    def _alarm_email(self) -> None:
        parameters = self.answers.parameters
        email = self.given.get("ALARM_EMAIL")
        if email is None and (self._decided("AlarmEmail") or not self.may_ask):
            return
        if email is None:
            question = "4/4  E-mail address for alarms (Enter for none)"
            email = self._answer(question, "", re.compile(f"({_EMAIL.pattern})?"), "an e-mail address")
        elif email and not _EMAIL.fullmatch(email):
            raise OpsError("ALARM_EMAIL is no e-mail address")
        parameters["AlarmEmail"] = email

    def _access_log(self) -> bool:
        """Decides about the access log; returns whether to make the account's role, which needs a consent."""
        there, variable = access_log.has_role(self.clients), self.given.get("ACCESS_LOG", "").lower()
        decided = self._decided("AccessLog")
        on = self._known("AccessLog") == "true" if decided else there or self.may_ask
        if variable:
            on = variable in _YES
        elif on and not there:
            on = self._consents_to_role()
        self.answers.parameters["AccessLog"] = "true" if on else "false"
        says = "on" if on else "off: what API Gateway refuses itself leaves no trace"
        self.terminal.check(Check("access log", "ok" if on else "note", says))
        return on and not there

    def _consents_to_role(self) -> bool:
        if not self.may_ask:
            raise OpsError(
                "nothing was made: AccessLog is true, but the account has no role for API Gateway's logs; "
                "ACCESS_LOG=true makes it, ACCESS_LOG=false goes without the log"
            )
        self.terminal.tell(
            "API Gateway can log the requests that it refuses itself, by a role in the account's settings "
            f"for all APIs of the region; there is none. Setup can make it ({access_log.ROLE})."
        )
        return self.terminal.ask("Make the role, and log? y or n", "n").lower() in _YES

    def _known(self, parameter: str) -> str:
        """The parameter's value in the answers, else in the deployed stack; "" if it has none."""
        deployed = {
            one["ParameterKey"]: one["ParameterValue"] for one in (self.stack or {}).get("Parameters", [])
        }
        return self.answers.parameters.get(parameter) or deployed.get(parameter, "")

    def _decided(self, parameter: str) -> bool:
        """Whether an earlier setup or deploy decided about it."""
        return parameter in self.answers.parameters or self.stack is not None

    def _stored_key(self) -> str:
        if self.stack is None:
            return ""
        env = self.environment
        try:
            return secrets.key_of(secret_text(env, env.settings.clemta_secret_id))
        except OpsError:  # the first create has not finished: the stack has no outputs
            return ""

    def _must_ask(self, variable: str) -> None:
        if not self.may_ask:
            raise OpsError(f"nothing was made: set the variable {variable}, or run setup without --yes")

    def _answer(self, question: str, default: str, pattern: "re.Pattern[str]", what: str) -> str:
        for _ in range(_TRIES):
            text = self.terminal.ask(question, default).strip()
            if pattern.fullmatch(text):
                return text
            self.terminal.tell(f"{text or 'nothing'} is not {what}", "red")
        raise OpsError("nothing was made: that answer is missing")

    # ---- AWS ----------------------------------------------------------------------------------------------------

    def _of_aws(self) -> Iterator[Check]:
        caller = self.clients.client("sts").get_caller_identity()
        yield Check("credentials", "ok", f"account {caller['Account']}, {caller['Arn'].rpartition(':')[2]}")
        yield from permissions(self.clients, caller["Arn"], self.answers.region, self.answers.stack)
        yield from concurrency(self.clients, self.answers.parameters)
        where = f"{self.answers.stack} in {self.answers.region}"
        says = f"{where} is there: it will be updated" if self.stack else f"{where} will be made"
        yield Check("stack", "ok", says)

    def _summary(self, makes_role: bool) -> None:
        lines = [f"{self.answers.stack} in {self.answers.region}, with {self.sources_file.name} and"]
        lines += [f"  {name} = {value or 'none'}" for name, value in self.answers.parameters.items()]
        if makes_role:
            lines.append(f"  the account's role for API Gateway's logs, {access_log.ROLE}")
        self.terminal.tell("\n".join(lines))

    def _own_sources(self) -> Path:
        """Makes the sources file that is the owner's, which no upgrade changes, if no other one is in use."""
        own = self.project / OWN_SOURCES
        if self.sources_file == self.project / "functions" / "sources.toml":
            text = self.sources_file.read_text(encoding="utf-8")
            own.write_text(text if self.stack else without_example(text), encoding="utf-8")
            self.terminal.tell(
                f"{own.name} is made, from functions/sources.toml: edit it to say who may send"
            )
            self.__dict__["sources_file"] = own
        return self.sources_file

    def _deploy(self, deployment: Deployment, lock: int, makes_role: bool) -> bool:
        """Builds and deploys; returns whether the stack is new. After a failed first create nothing remains of it."""
        cloudformation, name = self.clients.client("cloudformation"), self.answers.stack
        self._timed("build", lambda: deployment.build(lock))
        if makes_role:
            _, partition, *_ = self.clients.client("sts").get_caller_identity()["Arn"].split(":")
            access_log.make_role(self.clients, partition)
            self.terminal.tell(f"✓ role {access_log.ROLE}", "green")
        before = stacks.settled(cloudformation, name, self.terminal.tell)
        if before and before["StackStatus"] in stacks.FAILED_CREATES:
            self._clear(before)
            before = None
        new = before is None or before["StackStatus"] == "REVIEW_IN_PROGRESS"
        self._say_start(new)
        began = time.time()
        try:
            self._timed("deploy", lambda: deployment.deploy(lock))
        except StepFailed as error:
            after = stacks.settled(cloudformation, name, self.terminal.tell)
            reasons = stacks.failures(cloudformation, name, began - 1) if after else []
            for reason in reasons[:3]:
                self.terminal.tell(f"✕ {reason}", "red")
            if after and after["StackStatus"] in stacks.FAILED_CREATES:
                self._clear(after)
                raise OpsError(
                    f"the stack could not be created, and nothing remains of it\n{error}"
                ) from None
            if after and not new:
                raise OpsError(
                    f"the update failed: {name} is as before ({after['StackStatus']})\n{error}"
                ) from None
            raise
        return new

    def _clear(self, stack: Mapping[str, Any]) -> None:
        """Deletes what a failed first create left: such a stack was never in use."""
        name = stack["StackName"]
        self.terminal.tell(
            f"deleting what the failed create of {name} left ({stack['StackStatus']})", "yellow"
        )
        stacks.delete(self.clients.client("cloudformation"), stack["StackId"], self.terminal.tell)

    def _say_start(self, new: bool) -> None:
        self.terminal.tell("deploying: a first deploy takes about three minutes" if new else "deploying")

    def _timed(self, name: str, step: Any) -> None:
        began = time.monotonic()
        step()
        self.terminal.tell(f"✓ {name}, {time.monotonic() - began:.0f} s", "green")

    # ---- the end ------------------------------------------------------------------------------------------------

    def _finish(self, result: Result, key: str) -> None:
        env = self.environment
        if key:
            secrets.put(env, secrets.API_KEY, key)
            self.terminal.tell("✓ the API key is in its secret", "green")
        trial.wait_until_up(env)
        for check in examine(env):
            self.terminal.check(check)
            result.checks.append(check)
        result.api_url = env.api_url
        form = trial.form_to_try(env.sources)
        if form is None:
            self.terminal.tell("no test sign-up was sent: it needs a form without captcha and consent")
            return
        result.form = trial.html(env, form)
        if result.created or not self.answers.tried:
            result.sign_up = trial.sign_up(env, form)
            self.answers.tried = result.sign_up.good
            write_answers(self.project, self.env, self.answers)


def without_example(text: str) -> str:
    """A sources file whose untouched example of a signing sender is commented out: nobody has its secret."""
    if tomllib.loads(text).get("sources", {}).get("crm") != EXAMPLE:
        return text
    lines, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            inside = line.startswith("[sources.crm")
        lines.append(f"# {line}" if inside and line.strip() else line)
    return "".join(lines)


def variables() -> dict[str, str]:
    """The variables of this process that answer questions."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
