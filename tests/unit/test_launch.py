"""What the emulator lacks: metrics out of log lines, and packages that are unpacked once."""

import json
import tempfile
import zipfile
from pathlib import Path

import pytest

from clemta_intake import telemetry
from local.launch import UnpackedOnce, embedded_metrics, with_metrics
from tests.conftest import Lines


def test_a_functions_log_line_becomes_metrics(logged: Lines) -> None:
    telemetry._measured.clear()
    telemetry.measured("ClemtaLatency", 80)
    telemetry.measured("ClemtaLatency", 90)
    telemetry.outcome("created", submission_id="s1", source="website", seconds=0.1)
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
def test_any_other_line_stays_a_line(line: str) -> None:
    assert list(embedded_metrics(line)) == []


def test_what_is_logged_is_still_logged() -> None:
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
        with UnpackedOnce(path) as packed:
            packed.extractall(str(tmp_path / name))
        return tmp_path / name / "folder" / "module.py"

    one, another = unpacked(package("1"), "one"), unpacked(package("1"), "another")
    assert one.read_text() == another.read_text() == "1"
    assert one.samefile(another)
    assert unpacked(package("2"), "newer").read_text() == "2"
