"""What `make deploy` ships is what it was asked for."""

from pathlib import Path

import pytest

from local.sam import Stamp


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build, and the stamp that `make build` leaves beside it."""
    bundle = tmp_path / "build" / "ReceiveFunction"
    bundle.mkdir(parents=True)
    (tmp_path / "build" / "template.yaml").write_text("Resources: {}\n")
    (bundle / "sources.toml").write_text('[sources.website]\nkind = "form"\n')
    Stamp(tmp_path).write("inputs")
    return tmp_path


def test_a_build_that_nobody_touched_is_not_made_again(build: Path) -> None:
    assert Stamp(build).says("inputs")
    assert not Stamp(build).says("other inputs")


def test_a_build_with_another_sources_file_made_by_hand_is_not_shipped(build: Path) -> None:
    (build / "build" / "ReceiveFunction" / "sources.toml").write_text('[sources.other]\nkind = "form"\n')
    assert not Stamp(build).says("inputs")


def test_a_build_that_lost_or_gained_a_file_is_not_shipped(build: Path) -> None:
    added = build / "build" / "more"
    added.touch()
    assert not Stamp(build).says("inputs")
    added.unlink()
    assert Stamp(build).says("inputs")
    (build / "build" / "template.yaml").unlink()
    assert not Stamp(build).says("inputs")


def test_a_build_without_a_stamp_is_not_shipped(build: Path) -> None:
    Stamp(build).remove()
    Stamp(build).remove()
    assert not Stamp(build).says("inputs")
