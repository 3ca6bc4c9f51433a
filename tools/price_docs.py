"""The tables of docs/prices.md: `python -m tools.price_docs SIGNUPS` prints what a month with so many costs."""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from samcli.yamlhelper import yaml_parse

from local.processes import ROOT
from tools.aws_costs import INVOCATION_SECONDS, LOG_GB, MEMORY_MB, REGIONS
from tools.performance_docs import table

PAGE = ROOT / "docs" / "prices.md"
SIGNUPS = (100, 1_000, 10_000)
RETRIED = 0.1  # of the sign-ups: Clemta was too slow, or its limit was used up
LEDGER_WRITES = 5  # a sign-up: claim, rate limit, created, and look-ups
SQS_CALLS = 4  # of a sign-up that is retried
IDLE_POLLS = 400_000  # a month, of the retry queue
METRICS = 30  # two sources with four outcomes each, and API Gateway's own
SECRETS = 3
SECRET_READS = 3 * 12 * 24 * 30  # a month at most: each of three once in five minutes
HOURS = 730  # of a month; CloudWatch charges a metric for the hours in which it has values
MAILS = 30  # one a day
PRICING = "https://aws.amazon.com"
SHOWN = (  # name and unit, key of REGIONS, units, AWS's page
    ("API Gateway, REST, 1,000,000 requests", "gateway", 1e6, "api-gateway/pricing"),
    ("Lambda, 1,000,000 requests", "invocation", 1e6, "lambda/pricing"),
    ("Lambda on arm64, a GB-second", "gb_second", 1, "lambda/pricing"),
    ("DynamoDB on demand, 1,000,000 writes", "write", 1e6, "dynamodb/pricing/on-demand"),
    ("DynamoDB on demand, 1,000,000 reads", "read", 1e6, "dynamodb/pricing/on-demand"),
    ("SQS, 1,000,000 calls", "sqs", 1e6, "sqs/pricing"),
    ("Secrets Manager, a secret", "secret", 1, "secrets-manager/pricing"),
    ("Secrets Manager, 10,000 calls", "secret_call", 1e4, "secrets-manager/pricing"),
    ("CloudWatch, a GB of logs", "log_gb", 1, "cloudwatch/pricing"),
    ("CloudWatch, a metric", "metric", 1, "cloudwatch/pricing"),
    ("CloudWatch, an alarm on one metric", "alarm", 1, "cloudwatch/pricing"),
    ("SNS, 100,000 mails", "mail", 1e5, "sns/pricing"),
    ("EventBridge, 1,000,000 events", "event", 1e6, "eventbridge/pricing"),
    ("WAF, a firewall", "firewall", 1, "waf/pricing"),
    ("WAF, a rule", "firewall_rule", 1, "waf/pricing"),
    ("WAF, 1,000,000 requests", "firewall_request", 1e6, "waf/pricing"),
)


class Part(NamedTuple):
    """What one part of AWS is used for in a month: an amount, its price in dollars, and the amount that is free."""

    name: str
    amount: float
    price: float
    free: float = 0

    @property
    def listed(self) -> float:
        """Dollars at list price."""
        return self.amount * self.price

    @property
    def charged(self) -> float:
        """Dollars in an account that uses nothing else."""
        return max(0.0, self.amount - self.free) * self.price


def parts(signups: int, region: str) -> list[Part]:
    """What a month with so many sign-ups uses. The free amounts are those that AWS does not end after a year."""
    prices, runs = REGIONS[region], signups * (1 + RETRIED)
    alarms = alarm_metrics(yaml_parse((ROOT / "template.yaml").read_text()))
    return [
        Part("API Gateway, REST", signups, prices["gateway"]),
        Part("Lambda, requests", runs, prices["invocation"], 1_000_000),
        Part(
            "Lambda, arm64, 1 GB, 0.15 s",
            runs * INVOCATION_SECONDS * MEMORY_MB / 1024,
            prices["gb_second"],
            400_000,
        ),
        Part(f"DynamoDB, {LEDGER_WRITES} writes a sign-up", LEDGER_WRITES * signups, prices["write"]),
        Part("DynamoDB, the live sources file", signups, prices["read"]),
        Part("SQS, idle polling of the retry queue", IDLE_POLLS, prices["sqs"], 1_000_000),
        Part("SQS, 1 sign-up in 10 is retried", RETRIED * SQS_CALLS * signups, prices["sqs"]),
        Part("CloudWatch Logs, 1 KB a run", LOG_GB * runs, prices["log_gb"], 5),
        Part("Secrets Manager, three secrets", SECRETS, prices["secret"]),
        Part("Secrets Manager, calls", min(SECRETS * runs, SECRET_READS), prices["secret_call"]),
        Part(f"CloudWatch, {METRICS} metrics", METRICS * min(1, signups / HOURS), prices["metric"], 10),
        Part(f"CloudWatch, alarms on {alarms} metrics", alarms, prices["alarm"], 10),
        Part("SNS, the daily mail", MAILS, prices["mail"], 1_000),
    ]


def alarm_metrics(template: dict[str, Any]) -> int:
    """Metrics that the alarms watch, without those of options other than AlarmEmail."""
    alarms = [
        entry["Properties"]
        for entry in template["Resources"].values()
        if entry["Type"] == "AWS::CloudWatch::Alarm" and entry.get("Condition") in (None, "HasAlarmEmail")
    ]
    return sum(sum("MetricStat" in one for one in alarm.get("Metrics", [])) or 1 for alarm in alarms)


def month(signups: tuple[int, ...], region: str) -> str:
    """The table of a month: a row for each part, a column for each number of sign-ups."""
    months = [parts(count, region) for count in signups]
    rows = [[same[0].name, *(f"${part.listed:.2f}" for part in same)] for same in zip(*months, strict=True)]
    listed = [f"**${sum(part.listed for part in used):.2f}**" for used in months]
    charged = [f"**${sum(part.charged for part in used):.2f}**" for used in months]
    return table(
        [f"{region}, a month", *(f"{count:,} sign-ups" for count in signups)],
        [*rows, ["**together, at list prices**", *listed], ["**with the free amounts**", *charged]],
    )


def prices() -> str:
    """The table of prices: each for its unit, in each region, with AWS's page."""
    rows = [
        [name, *(_dollars(REGIONS[region][key] * units) for region in REGIONS), f"<{PRICING}/{page}/>"]
        for name, key, units, page in SHOWN
    ]
    return table(["price", *REGIONS, "page"], rows)


def _dollars(amount: float) -> str:
    """At least two decimals, and as many as the price has."""
    text = f"{amount:.10f}".rstrip("0")
    return f"${text}" if len(text.partition(".")[2]) > 1 else f"${amount:.2f}"


def tables() -> dict[Path, dict[str, str]]:
    """The page's generated parts, by page and mark."""
    return {PAGE: {"prices": prices()} | {region: month(SIGNUPS, region) for region in REGIONS}}


if __name__ == "__main__":
    for each in REGIONS:
        print(month(tuple(map(int, sys.argv[1:])), each))
