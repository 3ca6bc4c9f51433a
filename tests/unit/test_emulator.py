"""The emulator's patches: metrics from log lines, the guard against loops, packages that are unpacked once."""

import asyncio
import json
import sys
import tempfile
import zipfile
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from clemta_intake import telemetry
from local.emulator import (
    SharedZipFile,
    embedded_metrics,
    next_depth,
    remember_trace,
    trace_header,
    with_expression_alarms,
    with_gateway_responses,
    with_log_group_arns,
    with_loop_guard,
    with_metrics,
    with_recursive_loop,
    with_trace,
)
from tests.conftest import Lines


def test_a_functions_log_line_becomes_metrics(logged: Lines) -> None:
    telemetry._pending.clear()
    telemetry.record("ClemtaLatency", 80)
    telemetry.record("ClemtaLatency", 90)
    telemetry.log_outcome("created", submission_id="s1", source="website", seconds=0.1)
    service = {"service": telemetry.log.service}
    assert list(embedded_metrics(json.dumps(logged()[0]))) == [
        ("ClemtaIntake", "ClemtaLatency", 80.0, "Milliseconds", service),
        ("ClemtaIntake", "ClemtaLatency", 90.0, "Milliseconds", service),
        ("ClemtaIntake", "Submissions", 1.0, "Count", {**service, "source": "website", "outcome": "created"}),
        ("ClemtaIntake", "Submissions", 1.0, "Count", {**service, "outcome": "created"}),
    ]


@pytest.mark.parametrize(
    "line", ["", "START", '{"message": "no metric"}', '{"_aws": 1}', '{"_aws": {}}', '"_aws"', '{"_aws":']
)
def test_a_line_without_metrics_records_none(line: str) -> None:
    assert list(embedded_metrics(line)) == []


def test_a_line_with_metrics_is_still_logged() -> None:
    logged: list[str] = []
    recorded: list[str] = []
    emit = with_metrics(
        lambda function, request_id, text, *rest: logged.append(text),
        lambda *metric: recorded.append(metric[1]),
    )
    metrics = {"Namespace": "N", "Dimensions": [[]], "Metrics": [{"Name": "M", "Unit": "Count"}]}
    line = json.dumps({"_aws": {"CloudWatchMetrics": [metrics]}, "M": 1})
    emit({}, "r1", f"START\n{line}", False, 3)
    emit({}, "r2", None, False, 3)
    assert logged == [f"START\n{line}", None]
    assert recorded == ["M"]


@pytest.mark.parametrize("depth", [0, 1, 2, 16])
def test_a1_a_message_that_a_function_sends_starts_the_next_invocation_of_its_chain(depth: int) -> None:
    assert next_depth(trace_header("arn:aws:lambda:us-east-1:0:function:f", depth)) == max(depth, 1) + 1


@pytest.mark.parametrize(
    "trace", [None, "", "Root=1-0-0;Sampled=1", "Lineage=", "Lineage=1:ab:x", "xLineage=1:ab:9"]
)
def test_a1_a_message_that_no_function_sent_starts_a_chain(trace: str | None) -> None:
    assert next_depth(trace) == 1


def test_a1_a_message_carries_the_trace_header_of_the_request_that_sent_it() -> None:
    async def send(*_: Any) -> dict[str, str]:
        return with_trace(lambda *given: {"SentTimestamp": "1"})(1, {})

    handle = remember_trace(send)

    async def sent(headers: dict[str, str]) -> Any:
        return await handle("POST", "/", headers, b"", {})

    traced = {"AWSTraceHeader": "Lineage=1:ab:3", "SentTimestamp": "1"}
    assert asyncio.run(sent({"x-amzn-trace-id": "Lineage=1:ab:3"})) == traced
    assert asyncio.run(sent({})) == {"SentTimestamp": "1"}


def test_a1_the_guard_drops_a_message_after_16_invocations_and_leaves_its_neighbour() -> None:
    depth = ContextVar("depth", default=0)
    ran: list[Any] = []
    batch = [
        {
            "id": name,
            "sys": {"AWSTraceHeader": f"Lineage=1:ab:{count}"},
            "receive_count": 1,
            "visible_at": 9.0,
        }
        for name, count in (("young", 3), ("old", 15))
    ]
    run = with_loop_guard(
        lambda *args: ran.append((*args, depth.get())), lambda name, function, count: count > 16, depth
    )
    event = {"Records": [{"messageId": "young"}, {"messageId": "old"}]}
    run({"FunctionName": "f"}, {}, event, batch, "url")
    assert ran == [({"FunctionName": "f"}, {}, {"Records": [{"messageId": "young"}]}, [batch[0]], "url", 5)]
    assert batch[1] | {"receive_count": sys.maxsize, "visible_at": 0} == batch[1], (
        "its redrive policy moves it"
    )
    run({"FunctionName": "f"}, {}, {"Records": [{"messageId": "old"}]}, batch[1:], "url")
    assert len(ran) == 1


def test_a1_the_recursive_loop_of_a_function_is_that_of_the_template() -> None:
    functions: dict[str, dict[str, str]] = {"f": {}}
    create = with_recursive_loop(lambda *given, **named: ("f", {}), functions, 1)
    create("F", {"RecursiveLoop": "Allow"}, "stack")
    assert functions["f"]["recursive_loop"] == "Allow"
    create("F", {}, "stack")
    assert functions["f"]["recursive_loop"] == "Terminate"


def test_a15_an_api_is_imported_with_its_gateway_responses() -> None:
    put: list[Any] = []
    import_api = with_gateway_responses(lambda definition, *_: "api", lambda *given: put.append(given))
    answers = {"THROTTLED": {"statusCode": "429"}}
    assert import_api({"x-amazon-apigateway-gateway-responses": answers}, {}) == "api"
    assert put == [("api", "THROTTLED", {"statusCode": "429"})]
    assert import_api({}) == "api"


@pytest.mark.parametrize(
    ("service", "target", "expected"),
    [
        ("logs", "Logs_20140328.FilterLogEvents", "arn:aws:logs:r:1:log-group:g:*"),
        ("logs", "Logs_20140328.TagResource", "arn:aws:logs:r:1:log-group:g"),
        ("other", "", "arn:aws:logs:r:1:log-group:g"),
    ],
)
def test_iam_compares_a_log_groups_arn_with_its_ending(service: str, target: str, expected: str) -> None:
    extract = with_log_group_arns(lambda *_: "arn:aws:logs:r:1:log-group:g")
    assert extract(service, "POST", "/", {"x-amz-target": target}, b"{}") == expected


def test_an_alarm_on_an_expression_can_be_created() -> None:
    record = with_expression_alarms(lambda name, properties: {"AlarmName": name, **properties})
    plain = {"Namespace": "N", "MetricName": "M", "Threshold": 1}
    assert record("a", plain) == {"AlarmName": "a", **plain}
    expression = record("b", {"Metrics": [{"Id": "m"}], "Threshold": 1})
    assert expression == {"AlarmName": "b", "Namespace": "expression", "MetricName": "b", "Threshold": 1}


def test_a_package_is_unpacked_once_for_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def package(text: str) -> Path:
        path = tmp_path / "code.zip"
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("folder/module.py", text)
        return path

    def unpacked(path: Path, name: str) -> Path:
        (tmp_path / name).mkdir()
        with SharedZipFile(path) as packed:
            packed.extractall(str(tmp_path / name))
        return tmp_path / name / "folder" / "module.py"

    one, another = unpacked(package("1"), "one"), unpacked(package("1"), "another")
    assert one.read_text() == another.read_text() == "1"
    assert one.samefile(another)
    assert unpacked(package("2"), "newer").read_text() == "2"
