"""Runs ministack, the emulator of AWS, with patches for behaviour of AWS that it lacks.

`python -m local.emulator --port N` is one version of ministack plus the patches below; `main` applies them.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local.processes import HOST

PATCHED_VERSION = "1.5.33"


def media_type_matches(media_type: str | None, binary_media_types: Iterable[str] | None) -> bool:
    """API Gateway's match: a template writes `*/*` as `*~1*`, and that matches a missing type too."""
    wanted = (media_type or "").partition(";")[0].strip().lower()
    for binary in binary_media_types or ():
        kind, _, subtype = binary.strip().lower().replace("~1", "/").partition("/")
        if (kind, subtype) == ("*", "*") or wanted == f"{kind}/{subtype}":
            return True
        if subtype == "*" and wanted.startswith(f"{kind}/"):
            return True
    return False


def with_integer_concurrency(mapping: dict[str, Any]) -> dict[str, Any]:
    """The event source mapping with MaximumConcurrency as a number; a template's `!Ref` leaves it a string."""
    scaling = mapping.get("ScalingConfig") or {}
    if "MaximumConcurrency" not in scaling:
        return mapping
    return mapping | {"ScalingConfig": scaling | {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}}


def embedded_metrics(line: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    """The metrics that CloudWatch reads from a log line: namespace, name, value, unit and dimensions of each."""
    if '"_aws"' not in line:
        return
    try:
        values = json.loads(line)
        for record in values["_aws"]["CloudWatchMetrics"]:
            for metric in record["Metrics"]:
                value = values[metric["Name"]]
                for names in record["Dimensions"]:
                    dimensions = {name: str(values[name]) for name in names}
                    for one in value if isinstance(value, list) else [value]:
                        yield record["Namespace"], metric["Name"], float(one), metric["Unit"], dimensions
    except (ValueError, KeyError, TypeError):
        return  # not a metric: CloudWatch ignores it too


def with_metrics(emit: Callable[..., None], record: Callable[..., None]) -> Callable[..., None]:
    """Wraps `emit`, which writes a function's log, to record the metrics in its lines."""

    def emit_and_record(function: Any, request_id: str, text: str, *rest: Any, **kwargs: Any) -> None:
        emit(function, request_id, text, *rest, **kwargs)
        for line in (text or "").splitlines():
            for metric in embedded_metrics(line):
                record(*metric)

    return emit_and_record


_sent_trace: ContextVar[str] = ContextVar("sent_trace", default="")  # of the request that this task handles
_LINEAGE = re.compile(r"(?:^|;)Lineage=[0-9]+:[0-9a-f]+:([0-9]{1,4})(?=;|$)")


def trace_header(function_arn: str, depth: int) -> str:
    """The `_X_AMZN_TRACE_ID` of invocation number `depth` in a chain; botocore sends it with each call."""
    lineage = f"Lineage=1:{zlib.crc32(function_arn.encode()):08x}:{max(depth, 1) - 1}"
    root = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"{root};Parent={secrets.token_hex(8)};Sampled=0;{lineage}"


def next_depth(trace: str | None) -> int:
    """The depth of the invocation that a message starts: 1, or the sender's plus 1 if a function sent the message."""
    found = _LINEAGE.search(trace or "")
    return int(found[1]) + 2 if found else 1


def remember_trace(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wraps SQS's entry point to remember the caller's X-Amzn-Trace-Id."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        _sent_trace.set(headers.get("x-amzn-trace-id", ""))
        return await handle(method, path, headers, *rest)

    return handle_request


def with_trace(build: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Wraps `build`, which makes a message's system attributes, to add AWSTraceHeader from the request's header."""

    def build_attributes(*args: Any) -> dict[str, str]:
        trace = {"AWSTraceHeader": _sent_trace.get()} if _sent_trace.get() else {}
        return trace | build(*args)

    return build_attributes


def with_loop_guard(
    run: Callable[..., None],
    drop: Callable[[str, Any, int], Any],
    invoke_depth: ContextVar[int],
) -> Callable[..., None]:
    """Wraps `run`, which invokes a function with a batch, in Lambda's guard against recursive loops.

    After 16 invocations in a chain Lambda drops a message. `drop` decides that: it knows the function's RecursiveLoop
    and counts RecursiveInvocationsDropped. On AWS a dropped message is received again until its redrive policy moves
    it; here the policy moves it at once.
    """

    def run_batch(
        mapping: Any, function: Any, event: dict[str, Any], batch: list[dict[str, Any]], *rest: Any
    ) -> None:
        depths = {message["id"]: next_depth(message["sys"].get("AWSTraceHeader")) for message in batch}
        dropped = {name for name, depth in depths.items() if drop(mapping["FunctionName"], function, depth)}
        for message in batch:
            if message["id"] in dropped:
                message.update(receive_count=sys.maxsize, visible_at=0)
        batch = [message for message in batch if message["id"] not in dropped]
        records = [record for record in event["Records"] if record["messageId"] not in dropped]
        if records:
            invoke_depth.set(max(depths[record["messageId"]] for record in records))
            run(mapping, function, {"Records": records}, batch, *rest)

    return run_batch


def with_recursive_loop(
    provision: Callable[..., tuple[str, Any]], functions: Any, properties: int
) -> Callable[..., tuple[str, Any]]:
    """Wraps the creation or update of a function to set RecursiveLoop; `properties` is that argument's position."""

    def provision_function(*args: Any, **kwargs: Any) -> tuple[str, Any]:
        name, attributes = provision(*args, **kwargs)
        functions[name]["recursive_loop"] = args[properties].get("RecursiveLoop", "Terminate")
        return name, attributes

    return provision_function


def with_gateway_responses(
    import_api: Callable[..., str], put: Callable[[str, str, dict[str, Any]], Any]
) -> Callable[..., str]:
    """Wraps the import of an API's definition to import its gateway responses too: API Gateway's own answers."""

    def import_api_and_responses(definition: dict[str, Any], *rest: Any) -> str:
        api_id = import_api(definition, *rest)
        for kind, response in definition.get("x-amazon-apigateway-gateway-responses", {}).items():
            put(api_id, kind, response)
        return api_id

    return import_api_and_responses


def with_expression_alarms(record: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wraps `record`, which makes an alarm, to accept one on an expression; only SetAlarmState changes its state."""

    def alarm_record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if "Metrics" not in properties:
            return record(name, properties)
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        return record(name, {**plain, "Namespace": "expression", "MetricName": name})

    return alarm_record


class SharedZipFile(zipfile.ZipFile):
    """A function's package, unpacked for its first process; later processes get hard links to the same files.

    Lambda unpacks it before a cold start; here unpacking would take half of each cold start.
    """

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, *_: Any) -> None:
        content = repr([(entry.filename, entry.CRC) for entry in self.infolist()])
        folder = Path(tempfile.gettempdir()) / "unpacked" / hashlib.sha256(content.encode()).hexdigest()
        with self._unpacking:
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(folder)
        shutil.copytree(folder, path, copy_function=os.link, dirs_exist_ok=True)


def with_log_group_arns(extract: Callable[..., str]) -> Callable[..., str]:
    """Wraps `extract`, which names a request's resource, to end a log group's ARN in `:*`, as IAM compares it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """

    def extract_arn(service: str, method: str, path: str, headers: Mapping[str, str], *rest: Any) -> str:
        arn = extract(service, method, path, headers, *rest)
        about_tags = "Tag" in headers.get("x-amz-target", "")
        return f"{arn}:*" if service == "logs" and ":log-group:" in arn and not about_tags else arn

    return extract_arn


def command(port: int) -> list[str]:
    """The command that runs the emulator on this port."""
    return [sys.executable, "-m", "local.emulator", "--port", str(port)]


def settings(folder: Path, lambda_python: Path | str) -> dict[str, str]:
    """The emulator's environment variables: its state is kept in `folder`, `lambda_python` runs the functions."""
    return {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,  # the host in queue URLs; its default, localhost, may be IPv6
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str(folder / "state"),
        "LAMBDA_PYTHON": str(lambda_python),
    }


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator")
    parser.add_argument("--port", required=True)
    os.environ["GATEWAY_PORT"] = parser.parse_args().port
    sys.argv[1:] = []  # ministack reads sys.argv too
    if (found := version("ministack")) != PATCHED_VERSION:
        sys.exit(
            f"ministack {found} is installed, but local/emulator.py patches {PATCHED_VERSION}: check its patches"
        )
    # ministack runs Python functions with its own interpreter; its packages would hide a missing requirement.
    sys.executable = os.environ.pop("LAMBDA_PYTHON")

    from ministack import app
    from ministack.core import iam_actions, lambda_runtime
    from ministack.services import apigateway_v1, cloudwatch, lambda_svc, sqs
    from ministack.services.cloudformation import provisioners

    apigateway_v1._media_type_matches = media_type_matches
    apigateway_v1._import_rest_api = with_gateway_responses(
        apigateway_v1._import_rest_api, apigateway_v1._put_gateway_response
    )
    limit = lambda_svc._sqs_esm_concurrency
    lambda_svc._sqs_esm_concurrency = lambda mapping, *rest: limit(with_integer_concurrency(mapping), *rest)
    lambda_svc._emit_lambda_logs = with_metrics(lambda_svc._emit_lambda_logs, cloudwatch.record_metric)
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedZipFile})
    depth = lambda_svc._invoke_depth
    lambda_svc._xray_trace_id_for_invocation = lambda config, *_: trace_header(
        config["FunctionArn"], depth.get()
    )
    lambda_svc._run_sqs_batch = with_loop_guard(
        lambda_svc._run_sqs_batch, lambda_svc._recursive_loop_drop, depth
    )
    sqs.handle_request = remember_trace(sqs.handle_request)
    sqs._build_send_sys_attrs = with_trace(sqs._build_send_sys_attrs)
    provisioners._cw_metric_alarm_record = with_expression_alarms(provisioners._cw_metric_alarm_record)
    provisioned = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    provisioned["create"] = with_recursive_loop(provisioned["create"], lambda_svc._functions, 1)
    provisioned["update"] = with_recursive_loop(provisioned["update"], lambda_svc._functions, 2)
    iam_actions.extract_resource_arn = with_log_group_arns(iam_actions.extract_resource_arn)
    app.main()


if __name__ == "__main__":
    main()
