"""`make deploy` ships a build of the requested inputs only."""

from pathlib import Path

import pytest

from local.sam import BuildStamp


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


def test_a_build_without_a_stamp_is_not_shipped(build: Path) -> None:
    BuildStamp(build).remove()
    BuildStamp(build).remove()
    assert not BuildStamp(build).matches("inputs")
