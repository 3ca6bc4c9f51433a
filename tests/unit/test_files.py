"""What holds secrets or people is its owner's alone."""

import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.processes import Service
from ops.files import make_private, write_private


@pytest.fixture(autouse=True)
def a_generous_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_p8_private_file_is_readable_by_its_owner_only_even_if_it_existed_before(tmp_path: Path) -> None:
    file = tmp_path / "letters"
    write_private(file, "ä")
    assert (mode(file), file.read_text(encoding="utf-8")) == (0o600, "ä")
    file.chmod(0o644)
    write_private(file, "b")
    assert (mode(file), file.read_text()) == (0o600, "b")


def test_p8_file_behind_standard_output_becomes_readable_by_its_owner_only(tmp_path: Path) -> None:
    with (tmp_path / "letters").open("w") as file:
        assert mode(tmp_path / "letters") == 0o666
        make_private(file)
    assert mode(tmp_path / "letters") == 0o600


def test_stream_that_is_not_a_file_keeps_its_mode() -> None:
    make_private(io.StringIO())
    with open(os.devnull, "w") as nowhere:
        before = mode(Path(os.devnull))
        make_private(nowhere)
    assert mode(Path(os.devnull)) == before


def test_p8_files_of_a_local_service_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Its command holds a key, its log and its files may hold people."""
    script = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(''); time.sleep(60)"
    written = tmp_path / "state"
    service = Service("clemta", "LOCAL_CLEMTA_PORT", tmp_path)
    service.ensure(0, lambda port: [sys.executable, "-c", script, str(written)], {"PATH": os.defpath})
    try:
        service.wait(written.exists, 20)
        assert {mode(file) for file in (written, service.log, tmp_path / "clemta.pid")} == {0o600}
    finally:
        service.stop()
