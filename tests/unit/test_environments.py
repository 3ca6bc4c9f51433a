"""Which stack is meant: files as people leave them, and AWS as it answers or does not."""

import re
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)

from ops.aws import explain
from ops.environments import StackLocation
from ops.errors import OpsError


@pytest.mark.parametrize("text", ["", '{"stack_name": "s"', "{}", "[]", '{"stack_name": 1}', "\xff"])
def test_a_damaged_stack_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "stack.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(OpsError, match=r"stack.json is damaged: run make up"):
        StackLocation.named("local", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "staging = 1",
        "[staging]\ndeploy = 'x'",
        "[staging.deploy]\nparameters = []",
        "[staging.deploy.parameters]\nstack_name = 1",
    ],
)
def test_missing_stack_in_samconfig_is_reported_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "samconfig.toml").write_text(text)
    with pytest.raises(OpsError, match=r"\[staging.deploy.parameters\] stack_name"):
        StackLocation.named("staging", tmp_path)


@pytest.mark.parametrize("raw", [b"[", b"\xff"])
def test_invalid_samconfig_is_reported(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "samconfig.toml").write_bytes(raw)
    with pytest.raises(OpsError, match=r"samconfig.toml cannot be read"):
        StackLocation.named("staging", tmp_path)


def test_a_samconfig_names_stack_and_region(tmp_path: Path) -> None:
    text = '[staging.deploy.parameters]\nstack_name = "s"\nregion = "eu-central-1"\n'
    (tmp_path / "samconfig.toml").write_text(text)
    assert StackLocation.named("staging", tmp_path) == StackLocation("s", "eu-central-1")


def test_a_given_region_is_used_instead_of_the_one_in_samconfig(tmp_path: Path) -> None:
    for own in ("", 'region = "eu-central-1"\n'):
        (tmp_path / "samconfig.toml").write_text(f'[staging.deploy.parameters]\nstack_name = "s"\n{own}')
        found = StackLocation.named("staging", tmp_path, "us-east-1")
        assert found == StackLocation("s", "us-east-1")
        assert found.command("doctor") == "clemta-intake doctor --env staging --region us-east-1"


def test_missing_region_is_reported_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.environments.default_region", lambda: None)
    with pytest.raises(OpsError, match="give --region"):
        StackLocation.stack("s", None)
    assert StackLocation.stack("s", "eu-central-1").command("find x") == (
        "clemta-intake find x --stack s --region eu-central-1"
    )


@pytest.mark.parametrize(
    ("error", "local", "expected"),
    [
        (
            EndpointConnectionError(endpoint_url="http://x"),
            True,
            "the local stack does not answer: run make up",
        ),
        (EndpointConnectionError(endpoint_url="http://x"), False, "AWS does not answer"),
        (NoCredentialsError(), False, "no AWS credentials: set AWS_PROFILE, or sign in"),
        (ProfileNotFound(profile="x"), False, "no AWS credentials: set AWS_PROFILE, or sign in"),
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": ""}}, "X"),
            False,
            r"AWS does not accept the credentials \(ExpiredToken\): set AWS_PROFILE, or sign in",
        ),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetItem"),
            False,
            "AWS refuses GetItem: AccessDenied: no: check your AWS permissions",
        ),
    ],
)
def test_aws_error_is_explained_with_advice(
    error: ClientError | BotoCoreError, local: bool, expected: str
) -> None:
    says, helps = explain(error, local=local)
    assert re.match(expected, f"{says}: {helps}")
