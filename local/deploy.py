"""The deployment into the emulator: `sam deploy`, the stack's outputs, the values of its secrets."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.clients import KEYS, REGION, aws_client
from local.processes import ROOT, StackError
from local.sam import sam

STACK_NAME = "clemta-intake-local"


def parameter_overrides(parameters: Mapping[str, str]) -> list[str]:
    """The arguments of `--parameter-overrides`; StackError if template.yaml lacks one of the parameters."""
    known = set(re.findall(r"^  ([A-Za-z]+):$", (ROOT / "template.yaml").read_text(), re.M))
    if unknown := sorted(parameters.keys() - known):
        raise StackError(f"template.yaml has no parameter {', '.join(unknown)}")
    return [f"{name}={value}" for name, value in parameters.items()]


def deploy(build: Path, overrides: list[str], endpoint: str, env: Mapping[str, str], log: Path) -> None:
    """Deploys the build to the emulator at this endpoint."""
    sam(
        [
            *("deploy", "--config-env", "local", "--config-file", str(ROOT / "samconfig.toml")),
            *("--template-file", str(build / "template.yaml")),
            *("--stack-name", STACK_NAME, "--region", REGION),
            *("--no-progressbar", "--parameter-overrides", *overrides),
        ],
        {
            **env,
            **KEYS,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
        },
        log,
    )


def stack_outputs(endpoint: str) -> dict[str, str]:
    """The outputs of the deployed stack, by key."""
    stacks = aws_client("cloudformation", endpoint).describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}


def put_api_key(secrets: Any, secret_id: str, api_key: str) -> None:
    """Puts Clemta's API key unless the secret has a value; `secrets` is a Secrets Manager client."""
    if not secret_value(secrets, secret_id):
        secrets.put_secret_value(SecretId=secret_id, SecretString=api_key)


def put_signing_secrets(secrets: Any, secret_id: str, values: Mapping[str, str]) -> None:
    """Adds the signing secrets that are missing; a secret that is there keeps its value."""
    present = json.loads(secret_value(secrets, secret_id) or "{}")
    if values.keys() - present.keys():
        secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps({**values, **present}))


def secret_value(secrets: Any, secret_id: str) -> str:
    """The secret's value; empty if it has none yet."""
    try:
        return str(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
    except secrets.exceptions.ResourceNotFoundException:
        return ""
