"""AWS prices in two regions, and what an invocation, a sign-up and a burst cost: dollars, us-east-1, Lambda on arm64.

AWS published these prices in September 2026; docs/prices.md names its pages.
"""

from collections.abc import Mapping
from typing import Any

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: this much memory comes with one vCPU.
FULL_CORE_MB = 1769
MEMORY_MB = 1024
INVOCATION_SECONDS = 0.15  # an estimate, until it is measured on AWS
POSTPONED_SECONDS = 0.01  # an estimate, for a message that arrives before its slot and is sent back
LOG_GB = 1e-6  # one log line
WRITES = 3  # claim, budget, created
REGIONS = {
    "us-east-1": {
        "gateway": 3.50e-6,  # a request
        "invocation": 0.20e-6,
        "gb_second": 0.0000133334,
        "write": 0.625e-6,  # of up to 1 KB
        "read": 0.125e-6,  # of up to 4 KB
        "sqs": 0.40e-6,  # a call
        "log_gb": 0.50,
        "secret": 0.40,  # a month
        "secret_call": 0.05e-4,
        "metric": 0.30,  # a month, by the hour
        "alarm": 0.10,  # a month, for each metric that it watches
        "mail": 2e-5,
        "event": 1e-6,
        "firewall": 5.00,  # a month
        "firewall_rule": 1.00,  # a month
        "firewall_request": 0.60e-6,
    },
}
REGIONS["eu-central-1"] = REGIONS["us-east-1"] | {
    "gateway": 3.70e-6,
    "write": 0.7625e-6,
    "read": 0.1525e-6,
    "log_gb": 0.63,
}
PRICES = REGIONS["us-east-1"]


def cpu_share(memory_mb: int) -> float:
    """The share of a vCPU that comes with this much memory, at most one."""
    return min(1.0, memory_mb / FULL_CORE_MB)


def invocation(memory_mb: int, seconds: float) -> float:
    """One invocation of that length."""
    return PRICES["invocation"] + PRICES["gb_second"] * memory_mb / 1024 * seconds


def signup() -> dict[str, float]:
    """One sign-up that Clemta accepts at once, by service."""
    return {
        "API Gateway, REST": PRICES["gateway"],
        "Lambda, arm64, 1 GB": invocation(MEMORY_MB, INVOCATION_SECONDS),
        f"DynamoDB, {WRITES} write units": WRITES * PRICES["write"],
        "SQS, 1 in 10, 3 calls": 0.3 * PRICES["sqs"],
        "CloudWatch Logs, 1 KB": PRICES["log_gb"] * LOG_GB,
    }


def burst(result: Mapping[str, Any]) -> float:
    """A burst. Each attempt is an invocation; each after a sign-up's first adds a message with three SQS calls."""
    attempts = result["invocations"] + result["looks_before_time"]
    seconds = result["invocations"] * INVOCATION_SECONDS + result["looks_before_time"] * POSTPONED_SECONDS
    messages = attempts - result["signups"]
    return float(
        result["signups"] * PRICES["gateway"]
        + attempts * (PRICES["invocation"] + PRICES["log_gb"] * LOG_GB)
        + seconds * PRICES["gb_second"] * MEMORY_MB / 1024
        + result["ledger_writes"] * PRICES["write"]
        + messages * 3 * PRICES["sqs"]
    )
