"""Is everything in place? Each check says what it found and, where that is wrong, what to do."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import requests
from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake import transport
from clemta_intake.captcha import NO_TOKEN
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import IntakeError, KeyRefused, Retryable
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import Form, Hmac, InvalidSources, StandardWebhooks, Webhook

from .aws import explain
from .dead_letters import WHAT_TO_DO, Choice, read_letters
from .environments import Environment
from .errors import OpsError
from .messages import depth
from .people import redelivery
from .project import present
from .status import age, duration

_SKEW = 60  # seconds; senders' signatures allow 300, and delivery takes Clemta's clock to be within 120
_TIMEOUT = (5, 10)


@dataclass(frozen=True)
class Check:
    """One line: `do` says what helps where the state is not "ok"; a "note" is nothing wrong."""

    name: str
    state: Literal["ok", "note", "fail"]
    says: str
    do: str = ""


def examine(env: Environment) -> Iterator[Check]:
    """Every check in turn; without credentials or a stack there is nothing to go on with."""
    for first in (_credentials, _stack):
        checks = list(_guarded(first, env))
        yield from checks
        if any(check.state == "fail" for check in checks):
            return
    sources = list(_guarded(_sources_file, env))
    yield from sources
    rest = [_api, _clemta_key, _ledger, _retry_queue, _dead_letters, _held, _alarms, _subscription, _gateway]
    if all(check.state == "ok" for check in sources):
        rest[2:2] = [_clemta, _signing_secrets, _captcha]
    for check in rest:
        yield from _guarded(check, env)


def _guarded(check: Callable[[Environment], Iterator[Check]], env: Environment) -> Iterator[Check]:
    """What a check cannot find out is a finding too."""
    name = check.__name__.strip("_").replace("_", " ")
    try:
        yield from check(env)
    except (ClientError, BotoCoreError) as error:
        yield Check(name, "fail", *explain(error, local=bool(env.place.endpoint_url)))
    except (IntakeError, OpsError, InvalidSources) as error:
        yield Check(name, "fail", str(error), "mend that first")


def _credentials(env: Environment) -> Iterator[Check]:
    yield Check("credentials", "ok", f"account {env.client('sts').get_caller_identity()['Account']}")


def _stack(env: Environment) -> Iterator[Check]:
    where = f"{env.place.stack_name} in {env.place.region}"
    status = env.stack["StackStatus"]
    _ = env.settings  # raises where it is another stack than ours
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        yield Check("stack", "ok", f"{where}: {status}")
    else:
        yield Check(
            "stack", "fail", f"{where}: {status}", "look at its events in CloudFormation, and deploy again"
        )


def _sources_file(env: Environment) -> Iterator[Check]:
    try:
        names = check_file(present(env.sources_file))
    except InvalidSources as error:
        first, *others = str(error).splitlines()
        more = f" (and {len(others)} more)" if others else ""
        yield Check(
            "sources file", "fail", first + more, "mend it; clemta-intake sources check lists all mistakes"
        )
        return
    yield Check(
        "sources file",
        "ok",
        f"{len(names)} source{'' if len(names) == 1 else 's'} in {env.sources_file.name}",
    )


def _api(env: Environment) -> Iterator[Check]:
    http = transport.session()
    try:
        answer = http.get(f"{env.api_url}/health", timeout=_TIMEOUT)
        missing = [
            name
            for name in _names(env)
            if http.get(f"{env.api_url}/signups/{name}", timeout=_TIMEOUT).status_code == 404
        ]
    except requests.RequestException as error:
        target = env.outputs.get("DomainTarget")
        dns = f"point its name at {target} in your DNS; then " if target else ""
        yield Check(
            "api", "fail", f"does not answer: {type(error).__name__}", f"{dns}open {env.api_url}/health"
        )
        return
    if answer.status_code == 200:
        yield Check("api", "ok", env.api_url)
    else:
        do = "read the receive function's log: sam logs"
        yield Check("api", "fail", f"/health answers {answer.status_code}", do)
    if missing:
        yield Check("api sources", "fail", f"not deployed: {', '.join(missing)}", "deploy: make deploy ENV=…")
    yield from _clock("clock", "this machine's clock", answer)


def _names(env: Environment) -> list[str]:
    try:
        return list(env.sources)
    except (InvalidSources, OpsError):  # said already
        return []


def _clock(name: str, whose: str, answer: requests.Response) -> Iterator[Check]:
    """Compares the answer's Date with this machine's clock."""
    try:
        skew = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return
    if abs(skew) <= _SKEW:
        yield Check(name, "ok", f"within {_SKEW} s")
    else:
        behind = "ahead of" if skew > 0 else "behind"
        says = f"{whose} is {duration(abs(skew))} {behind} the other side's"
        yield Check(name, "fail", says, "set the clocks (NTP): signatures and look-ups depend on them")


def _clemta_key(env: Environment) -> Iterator[Check]:
    put = f"aws secretsmanager put-secret-value --secret-id {env.settings.clemta_secret_id} --secret-string 'clemta_…'"
    text = _secret(env, env.settings.clemta_secret_id)
    if not text.strip():
        yield Check("clemta key", "fail", "there is none", put)
        return
    if text.strip().startswith("{"):
        try:
            json.loads(text)
        except ValueError:
            yield Check("clemta key", "fail", 'begins like JSON {"api_key": …} and is none', put)
            return
    try:
        env.deps.secrets.api_key(None)
    except KeyRefused:
        yield Check("clemta key", "fail", 'is not usable: it must be the key, or JSON {"api_key": "…"}', put)
        return
    yield Check("clemta key", "ok", "is there")


def _clemta(env: Environment) -> Iterator[Check]:
    """One GET for each company that a source has."""
    try:
        key = env.deps.secrets.api_key(None)
    except IntakeError:
        return  # said already
    http = transport.session()
    for company in sorted({source.company_id for source in env.sources.values()}):
        try:
            answer = http.get(
                f"{env.settings.clemta_base_url}/contacts",
                params={"company_id": company, "limit": "1"},
                headers={"X-API-Key": key, "Accept": "application/json"},
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            do = f"look whether {env.settings.clemta_base_url} is the right address, and Clemta up"
            yield Check("clemta", "fail", f"does not answer: {type(error).__name__}", do)
            return
        yield from _answer(company, answer)
        if answer.status_code == 401:
            return
    yield from _clock("clemta clock", "this machine's clock", answer)


def _answer(company: str, answer: requests.Response) -> Iterator[Check]:
    match answer.status_code:
        case 200:
            yield Check("clemta", "ok", f"accepts the key for company {company}")
        case 401:
            yield Check(
                "clemta",
                "fail",
                "refuses the key (401)",
                "make a new key in Clemta and put it into the secret",
            )
        case 403:
            do = "give the key's owner access to it in Clemta, or name another company"
            yield Check("clemta", "fail", f"the key may not use company {company} (403)", do)
        case 404:
            do = "mend company_id in the sources file, or the parameter DefaultCompanyId"
            yield Check("clemta", "fail", f"does not know company {company} (404)", do)
        case 429:
            yield Check(
                "clemta", "note", "its rate limit is used up at the moment (429)", "try again in a minute"
            )
        case status:
            yield Check(
                "clemta",
                "fail",
                f"answers {status} for company {company}",
                "is ClemtaBaseUrl right, and Clemta up?",
            )


def _signing_secrets(env: Environment) -> Iterator[Check]:
    secret_id = env.settings.signing_secret_id
    put = f'aws secretsmanager put-secret-value --secret-id {secret_id} --secret-string \'{{"NAME": "…"}}\''
    text = _secret(env, secret_id)
    needed = {name: source for name, source in env.sources.items() if _secret_name(source)}
    if not needed:
        yield Check("signing secrets", "ok", "no source needs one")
        return
    try:
        known = json.loads(text or "{}")
        if not isinstance(known, dict):
            raise ValueError
    except ValueError:
        yield Check("signing secrets", "fail", "are no JSON object of names and secrets", put)
        return
    wrong = 0
    for name, source in needed.items():
        secret = _secret_name(source)
        values = [value for value in env.deps.secrets.signing_secrets(secret) if value.strip()]
        if not values:
            wrong += 1
            says = f"{secret} is missing, which source {name} needs"
            yield Check("signing secrets", "fail", says, put.replace("NAME", secret) + " (with the others)")
        elif not all(_well_formed(source, value) for value in values):
            wrong += 1
            says = f"{secret} of source {name} is not base64, as whsec_… secrets are"
            yield Check("signing secrets", "fail", says, "copy it whole from the sender")
    if not wrong:
        yield Check(
            "signing secrets", "ok", f"there for {len(needed)} source{'' if len(needed) == 1 else 's'}"
        )


def _captcha(env: Environment) -> Iterator[Check]:
    """Asks each captcha's verifier about a token that nobody made: a secret that it does not know it names first."""
    for name, source in env.sources.items():
        if not isinstance(source, Form) or not source.spam or not source.spam.captcha:
            continue
        provider, secret_name = source.spam.captcha
        found = ""
        for secret in filter(str.strip, env.deps.secrets.signing_secrets(secret_name)):
            try:
                said = env.deps.captcha.verify(provider, secret, NO_TOKEN, Deadline.after(_TIMEOUT[1]))
            except Retryable as error:
                found = error.code
                continue
            if said.person:
                do = f"put your own secret key of {provider} into the signing secret under {secret_name}"
                yield Check("captcha", "note", f"{name}: {provider}'s test secret lets everybody pass", do)
            else:
                yield Check("captcha", "ok", f"{provider} takes the secret of {name}")
            break
        else:
            if found:  # a secret that is missing is said already
                do = (
                    f"put the secret key of the page's site key into the signing secret under {secret_name}"
                    if found == "captcha_secret_refused"
                    else f"look at {provider}'s status page, and try again"
                )
                yield Check("captcha", "fail", f"{name}: {provider} cannot be asked ({found})", do)


def _secret_name(source: Form | Webhook) -> str:
    if isinstance(source, Webhook):
        return source.auth.secret
    return source.spam.captcha[1] if source.spam and source.spam.captcha else ""


def _well_formed(source: Form | Webhook, secret: str) -> bool:
    from base64 import b64decode

    if not isinstance(source, Webhook) or not isinstance(source.auth, Hmac | StandardWebhooks):
        return True
    if source.auth.key != "base64":
        return True
    try:
        for part in secret.split("|"):
            text = part.strip().removeprefix("v1,").removeprefix("whsec_")
            b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False
    return True


def _ledger(env: Environment) -> Iterator[Check]:
    table = env.client("dynamodb").describe_table(TableName=env.settings.ledger_table)["Table"]
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        yield Check(
            "ledger", "fail", f"the table is {table['TableStatus']}", "wait, or look at it in DynamoDB"
        )
    elif not _secret(env, env.settings.ledger_pepper_id).strip():
        do = "restore the secret's former value: with another one the ledger knows nobody"
        yield Check("ledger", "fail", "its pepper is empty", do)
    else:
        yield Check("ledger", "ok", "answers")


def _retry_queue(env: Environment) -> Iterator[Check]:
    counts = depth(env.client("sqs"), env.settings.retry_queue_url)
    oldest = age(env, env.settings.retry_queue_url)
    total = sum(counts.values())
    says = f"{total} waiting" + (
        f", the oldest for {duration(oldest)}" if total and oldest is not None else ""
    )
    yield Check("retry queue", "ok", says)
    pollers = redelivery(env)
    if pollers and all(poller["State"].startswith(("Enabl", "Creat", "Updat")) for poller in pollers):
        yield Check("redelivery", "ok", "is switched on")
    else:
        do = "switch on the retry queue's event source mapping (aws lambda update-event-source-mapping --enabled)"
        yield Check("redelivery", "fail", "is switched off: nothing is tried again", do)


def _dead_letters(env: Environment) -> Iterator[Check]:
    if not sum(depth(env.client("sqs"), env.settings.dead_letter_queue_url).values()):
        yield Check("dead letters", "ok", "none")
        return
    letters, elsewhere = read_letters(env, Choice())
    classes = sorted({letter.failure_class for letter in letters})
    for name in classes:
        some = [letter for letter in letters if letter.failure_class == name]
        oldest = duration(time.time() - min(letter.sent_at for letter in some))
        says = f"{len(some)} of class {name}, the oldest for {oldest}"
        yield Check("dead letters", "fail", says, f"clemta-intake dlq list; {WHAT_TO_DO[name]}")
    if elsewhere:
        says = f"{elsewhere} could not be seen: somebody is working on them"
        yield Check("dead letters", "note", says, "look again in a minute")


def _held(env: Environment) -> Iterator[Check]:
    held = sum(depth(env.client("sqs"), env.settings.held_queue_url).values())
    do = "clemta-intake held list; then release what a person sent: it is deleted after 14 days"
    yield Check("held", "note" if held else "ok", f"{held or 'nothing'} taken for spam", do if held else "")


def _alarms(env: Environment) -> Iterator[Check]:
    pages = env.client("cloudformation").get_paginator("list_stack_resources")
    names = {
        resource["PhysicalResourceId"]: resource["LogicalResourceId"]
        for page in pages.paginate(StackName=env.place.stack_name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    if not names:
        yield Check("alarms", "fail", "the stack has none", "deploy it again")
        return
    alarms = env.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        does = " ".join(alarm.get("AlarmDescription", "").split())
        yield Check("alarms", "fail", f"{names[alarm['AlarmName']]} rings", does)
    if not ringing:
        yield Check("alarms", "ok", f"{len(alarms)}, none rings")


def _subscription(env: Environment) -> Iterator[Check]:
    topic = env.outputs.get("AlarmTopicArn", "")
    found = env.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    waiting = [one for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    if waiting:
        do = "open the mail that SNS sent to the address, and confirm it"
        yield Check("alarm mail", "fail", f"{len(waiting)} not confirmed: no alarm reaches it", do)
    elif not found:
        yield Check(
            "alarm mail", "note", "nobody is told of an alarm", "deploy with the parameter AlarmEmail"
        )
    else:
        yield Check("alarm mail", "ok", f"{len(found)} confirmed")


def _gateway(env: Environment) -> Iterator[Check]:
    """What of API Gateway a deploy leaves as it is: a stage of an early template, the account's settings."""
    client, api = env.client("apigateway"), env.outputs.get("ApiId", "")
    names = {stage["stageName"] for stage in client.get_stages(restApiId=api)["item"]}
    if others := sorted(names - {"v1"}):
        says = f"{', '.join(others)} is open beside v1, and has neither throttle nor firewall"
        do = f"aws apigateway delete-stage --rest-api-id {api} --stage-name {others[0]}"
        yield Check("stages", "fail", says, do)
    else:
        yield Check("stages", "ok", "v1 is the only one")
    if "AccessLogGroup" not in env.outputs:
        return
    if client.get_account().get("cloudwatchRoleArn"):
        yield Check("access log", "ok", "is on")
    else:
        says = "is on, but the account has no CloudWatch role for API Gateway, so nothing is written"
        do = "set the role in API Gateway's settings, or deploy with AccessLog=false"
        yield Check("access log", "note", says, do)


def _secret(env: Environment, secret_id: str) -> str:
    client = env.client("secretsmanager")
    try:
        return str(client.get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except client.exceptions.ResourceNotFoundException:
        return ""
