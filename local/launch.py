"""Starts ministack, one version of it, with what it lacks of AWS mended; LAMBDA_PYTHON runs the functions."""

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
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

MADE_FOR = "1.5.33"


def media_type_matches(media_type: str | None, binary_media_types: Iterable[str] | None) -> bool:
    """Matches as API Gateway does: `*~1*` is how a template spells `*/*`, which takes a missing type too."""
    wanted = (media_type or "").partition(";")[0].strip().lower()
    for binary in binary_media_types or ():
        kind, _, subtype = binary.strip().lower().replace("~1", "/").partition("/")
        if (kind, subtype) == ("*", "*") or wanted == f"{kind}/{subtype}":
            return True
        if subtype == "*" and wanted.startswith(f"{kind}/"):
            return True
    return False


def with_whole_concurrency(mapping: dict[str, Any]) -> dict[str, Any]:
    """The event source mapping with a number where a template's `!Ref` of a number left a string."""
    scaling = mapping.get("ScalingConfig") or {}
    if "MaximumConcurrency" not in scaling:
        return mapping
    return mapping | {"ScalingConfig": scaling | {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}}


def embedded_metrics(line: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    """The metrics that CloudWatch makes of a log line: namespace, name, value, unit and dimensions of each."""
    if '"_aws"' not in line:
        return
    try:
        values = json.loads(line)
        for record in values["_aws"]["CloudWatchMetrics"]:
            for metric in record["Metrics"]:
                given = values[metric["Name"]]
                for names in record["Dimensions"]:
                    dimensions = {name: str(values[name]) for name in names}
                    for value in given if isinstance(given, list) else [given]:
                        yield record["Namespace"], metric["Name"], float(value), metric["Unit"], dimensions
    except (ValueError, KeyError, TypeError):
        return  # as CloudWatch: what is no metric stays a log line


def with_metrics(emit: Callable[..., None], record: Callable[..., None]) -> Callable[..., None]:
    """What writes a function's log, and makes metrics of it as CloudWatch does."""

    def emit_and_record(function: Any, request_id: str, text: str, *rest: Any, **named: Any) -> None:
        emit(function, request_id, text, *rest, **named)
        for line in (text or "").splitlines():
            for metric in embedded_metrics(line):
                record(*metric)

    return emit_and_record


_sent_trace: ContextVar[str] = ContextVar("sent_trace", default="")  # the trace header of the request in work
_LINEAGE = re.compile(r"(?:^|;)Lineage=[0-9]+:[0-9a-f]+:([0-9]{1,4})(?=;|$)")


def trace_header(function_arn: str, depth: int) -> str:
    """The `_X_AMZN_TRACE_ID` of the `depth`th invocation in a chain; botocore sends it along with each call."""
    lineage = f"Lineage=1:{zlib.crc32(function_arn.encode()):08x}:{max(depth, 1) - 1}"
    root = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"{root};Parent={secrets.token_hex(8)};Sampled=0;{lineage}"


def next_depth(trace: str | None) -> int:
    """Which invocation in its chain a message starts: the first, unless a function sent the message."""
    found = _LINEAGE.search(trace or "")
    return int(found[1]) + 2 if found else 1


def remember_trace(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """SQS's entry point, which keeps the caller's X-Amzn-Trace-Id for what the call sends."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        _sent_trace.set(headers.get("x-amzn-trace-id", ""))
        return await handle(method, path, headers, *rest)

    return handle_request


def with_trace(build: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """A message's system attributes, AWSTraceHeader among them as SQS takes it from the request's header."""

    def build_attributes(*given: Any) -> dict[str, str]:
        trace = {"AWSTraceHeader": _sent_trace.get()} if _sent_trace.get() else {}
        return trace | build(*given)

    return build_attributes


def guarded(
    run: Callable[..., None],
    drop: Callable[[str, Any, int], Any],
    invoke_depth: ContextVar[int],
) -> Callable[..., None]:
    """Lambda's guard against recursive loops: after 16 invocations in one chain it drops a message.

    `drop` says whether; it knows the function's RecursiveLoop and counts RecursiveInvocationsDropped. On AWS a dropped
    message is received again until its redrive policy moves it; here that policy moves it at once.
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
    """What creates or updates a function, its RecursiveLoop too; `properties` is that argument's position."""

    def provision_function(*given: Any, **named: Any) -> tuple[str, Any]:
        name, attributes = provision(*given, **named)
        functions[name]["recursive_loop"] = given[properties].get("RecursiveLoop", "Terminate")
        return name, attributes

    return provision_function


def with_gateway_responses(
    import_api: Callable[..., str], put: Callable[[str, str, dict[str, Any]], Any]
) -> Callable[..., str]:
    """What imports an API's definition, and the answers in it that API Gateway gives itself."""

    def import_api_whole(definition: dict[str, Any], *rest: Any) -> str:
        api_id = import_api(definition, *rest)
        for kind, response in definition.get("x-amazon-apigateway-gateway-responses", {}).items():
            put(api_id, kind, response)
        return api_id

    return import_api_whole


def with_expressions(record: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """An alarm's record, of an expression too: such an alarm can be seen and set, and never rings by itself."""

    def alarm_record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if "Metrics" not in properties:
            return record(name, properties)
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        return record(name, {**plain, "Namespace": "expression", "MetricName": name})

    return alarm_record


class UnpackedOnce(zipfile.ZipFile):
    """A function's package: unpacked for its first process, while all further ones get links to the same files.

    Lambda has it unpacked before a cold start begins; here it would be half of one, and a laptop has two cores.
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


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.launch")
    parser.add_argument("--port", required=True)
    os.environ["GATEWAY_PORT"] = parser.parse_args().port
    sys.argv[1:] = []  # ministack reads them too
    if (found := version("ministack")) != MADE_FOR:
        sys.exit(
            f"ministack {found} is installed, and local/launch.py was made for {MADE_FOR}: see what it patches"
        )
    # ministack runs every Python function with its own interpreter, whose packages would hide a missing requirement.
    sys.executable = os.environ.pop("LAMBDA_PYTHON")

    from ministack import app
    from ministack.core import lambda_runtime
    from ministack.services import apigateway_v1, cloudwatch, lambda_svc, sqs
    from ministack.services.cloudformation import provisioners

    apigateway_v1._media_type_matches = media_type_matches
    apigateway_v1._import_rest_api = with_gateway_responses(
        apigateway_v1._import_rest_api, apigateway_v1._put_gateway_response
    )
    limit = lambda_svc._sqs_esm_concurrency
    lambda_svc._sqs_esm_concurrency = lambda mapping, *rest: limit(with_whole_concurrency(mapping), *rest)
    lambda_svc._emit_lambda_logs = with_metrics(lambda_svc._emit_lambda_logs, cloudwatch.record_metric)
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": UnpackedOnce})
    depth = lambda_svc._invoke_depth
    lambda_svc._xray_trace_id_for_invocation = lambda config, *_: trace_header(
        config["FunctionArn"], depth.get()
    )
    lambda_svc._run_sqs_batch = guarded(lambda_svc._run_sqs_batch, lambda_svc._recursive_loop_drop, depth)
    sqs.handle_request = remember_trace(sqs.handle_request)
    sqs._build_send_sys_attrs = with_trace(sqs._build_send_sys_attrs)
    provisioners._cw_metric_alarm_record = with_expressions(provisioners._cw_metric_alarm_record)
    provisioned = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    provisioned["create"] = with_recursive_loop(provisioned["create"], lambda_svc._functions, 1)
    provisioned["update"] = with_recursive_loop(provisioned["update"], lambda_svc._functions, 2)
    app.main()


if __name__ == "__main__":
    main()
