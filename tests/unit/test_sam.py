"""`make deploy` ships a build of the requested inputs only."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from local import sam
from local.processes import ROOT, StackError
from local.sam import BuildStamp, locked, sources_file_from
from local.stack import Stack, followed, run


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build with the stamp that `make build` writes."""
    bundle = tmp_path / "build" / "ReceiveFunction"
    bundle.mkdir(parents=True)
    (tmp_path / "build" / "template.yaml").write_text("Resources: {}\n")
    (bundle / "sources.toml").write_text('[sources.website]\nkind = "form"\n')
    BuildStamp(tmp_path).write("inputs")
    return tmp_path


def test_an_unchanged_build_is_not_built_again(build: Path) -> None:
    assert BuildStamp(build).matches("inputs")
    assert not BuildStamp(build).matches("other inputs")


def test_a_build_made_by_hand_with_another_sources_file_is_not_shipped(build: Path) -> None:
    (build / "build" / "ReceiveFunction" / "sources.toml").write_text('[sources.other]\nkind = "form"\n')
    assert not BuildStamp(build).matches("inputs")


def test_a_build_with_a_lost_or_added_file_is_not_shipped(build: Path) -> None:
    added = build / "build" / "more"
    added.touch()
    assert not BuildStamp(build).matches("inputs")
    added.unlink()
    assert BuildStamp(build).matches("inputs")
    (build / "build" / "template.yaml").unlink()
    assert not BuildStamp(build).matches("inputs")


def test_second_run_says_that_one_runs_and_stops_nothing(tmp_path: Path) -> None:
    with locked(tmp_path / "run.lock"), pytest.raises(StackError, match="make run runs already"):
        run(Stack(state_dir=tmp_path))


def test_lock_is_free_again_after_its_holder_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "run.lock", "held"):
            pass


def test_run_shows_what_becomes_of_an_edited_sources_file(tmp_path: Path) -> None:
    file = tmp_path / "sources.log"
    file.write_text("before\n")
    with followed(file) as messages, file.open("a") as log:
        assert [*messages] == []
        for text in ("first\n", "second\n"):
            log.write(text)
            log.flush()
            assert [*messages] == [text]


def test_a_build_without_a_stamp_is_not_shipped(build: Path) -> None:
    BuildStamp(build).remove()
    BuildStamp(build).remove()
    assert not BuildStamp(build).matches("inputs")


def test_build_takes_the_variables_file_then_ones_own_then_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sam, "ROOT", tmp_path)
    assert sources_file_from({}) is None
    own, other = tmp_path / "sources.toml", tmp_path / "other.toml"
    for file in (own, other):
        file.touch()
    assert sources_file_from({}) == own
    assert sources_file_from({"SOURCES_FILE": str(other)}) == other


def test_equal_bundles_are_zipped_once(tmp_path: Path) -> None:
    for name, text in (("FirstFunction", "same"), ("SecondFunction", "same"), ("OtherFunction", "other")):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "folder" / "file.py").write_text(text)
    uris = [f"      CodeUri: {name}Function\n" for name in ("First", "Second", "Other")]
    (tmp_path / "template.yaml").write_text("".join(uris))
    sam.zip_functions(tmp_path)
    first, second, other = (tmp_path / f"{name}Function.zip" for name in ("First", "Second", "Other"))
    assert first.samefile(second)
    assert not first.samefile(other)
    with zipfile.ZipFile(other) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"folder/file.py": b"other"}
    assert (tmp_path / "template.yaml").read_text() == "".join(uris).replace("Function\n", "Function.zip\n")


@pytest.mark.parametrize("complete", [True, False])
def test_a_bundle_is_a_copy_of_the_first_one_only_if_that_is_made_of_the_same_files(
    tmp_path: Path, complete: bool
) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"include {ROOT}/functions/Makefile\nshow:\n\t@echo $(INPUTS)\n")

    def make(target: str) -> "subprocess.CompletedProcess[str]":
        """Without an interpreter nothing can be built: what succeeds is a copy."""
        settings = [f"ARTIFACTS_DIR={tmp_path}/build/RedeliverFunction", "PYTHON=false"]
        command = ["make", "-s", "-f", str(makefile), target, *settings]
        environment = {"PATH": os.environ["PATH"]}
        return subprocess.run(
            command, cwd=ROOT / "functions", env=environment, capture_output=True, text=True, check=False
        )

    for name in ("ReceiveFunction", "RedeliverFunction"):
        (tmp_path / "build" / name).mkdir(parents=True)
    (tmp_path / "build" / "ReceiveFunction" / "code.py").write_text("code")
    inputs = make("show").stdout
    assert inputs.strip()
    (tmp_path / "build" / "ReceiveFunction.inputs").write_text(inputs if complete else f"other {inputs}")
    assert (make("build-RedeliverFunction").returncode == 0) == complete
    assert (tmp_path / "build" / "RedeliverFunction" / "code.py").exists() == complete
