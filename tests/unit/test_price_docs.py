"""What a month costs: the calculation behind docs/prices.md."""

import re

import pytest

from tools.aws_costs import REGIONS
from tools.price_docs import SIGNUPS, Part, month, parts, prices


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("count", SIGNUPS)
def test_the_totals_are_the_sums_of_the_rows(region: str, count: int) -> None:
    rows = re.findall(r"^\| [^*|]+\| \$([\d.]+) \|$", month((count,), region), re.M)
    [total] = re.findall(r"at list prices\*\* \| \*\*\$([\d.]+)", month((count,), region))
    assert len(rows) == len(parts(count, region))
    assert sum(map(float, rows)) == pytest.approx(float(total), abs=0.06)


def test_a_free_amount_is_not_charged_and_what_is_above_it_is() -> None:
    assert Part("calls", 3, 2.0, free=1).charged == 4
    assert Part("calls", 1, 2.0, free=3).charged == 0
    assert Part("calls", 3, 2.0, free=1).listed == 6


def test_a_metric_is_charged_for_the_hours_with_values() -> None:
    [few] = [part for part in parts(73, "us-east-1") if part.name.endswith("30 metrics")]
    [many] = [part for part in parts(100_000, "us-east-1") if part.name.endswith("30 metrics")]
    assert (few.amount, many.amount) == (3, 30)


def test_each_price_is_shown_for_its_unit_and_region() -> None:
    rows = {row.partition(" | ")[0]: row for row in prices().splitlines()}
    writes = rows["| DynamoDB on demand, 1,000,000 writes"]
    assert writes.startswith(
        "| DynamoDB on demand, 1,000,000 writes | $0.625 | $0.7625 | <https://aws.amazon.com/"
    )
    assert " | $0.0000133334 | $0.0000133334 | " in rows["| Lambda on arm64, a GB-second"]
    assert " | $3.50 | $3.70 | " in rows["| API Gateway, REST, 1,000,000 requests"]
