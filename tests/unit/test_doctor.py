"""What doctor says where the stack's address does not answer."""

from pathlib import Path

import pytest

from ops.doctor import _api
from ops.environments import Environment, Place


@pytest.mark.parametrize("outputs", [{}, {"DomainTarget": "d-1.execute-api.eu-central-1.amazonaws.com"}])
def test_a6_doctor_names_the_dns_entry_that_a_custom_domain_needs(
    tmp_path: Path, outputs: dict[str, str]
) -> None:
    url = "http://127.0.0.1:1/v1"  # where nobody listens
    env = Environment(Place("t", "eu-central-1", None, url), tmp_path / "sources.toml")
    vars(env)["outputs"] = outputs
    [check] = _api(env)
    assert check.state == "fail"
    assert f"open {url}/health" in check.do
    for target in outputs.values():
        assert f"point its name at {target} in your DNS" in check.do
