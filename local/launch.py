"""Starts ministack, one version of it, with what it lacks of AWS mended; LAMBDA_PYTHON runs the functions."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
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
    from ministack.services import apigateway_v1, cloudwatch, lambda_svc

    apigateway_v1._media_type_matches = media_type_matches
    limit = lambda_svc._sqs_esm_concurrency
    lambda_svc._sqs_esm_concurrency = lambda mapping, *rest: limit(with_whole_concurrency(mapping), *rest)
    lambda_svc._emit_lambda_logs = with_metrics(lambda_svc._emit_lambda_logs, cloudwatch.record_metric)
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": UnpackedOnce})
    app.main()


if __name__ == "__main__":
    main()
