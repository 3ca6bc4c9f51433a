"""Invokes a function with an event, as Lambda does: `python -m local.invoke events/form.json`.

Standard output is the function's answer. With a container engine `sam local invoke` runs the function in
Lambda's image, without one it runs under Lambda's runtime interface emulator.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake.gateway import Request
from clemta_intake.sources.config import Webhook
from local import bridge, rie
from local.clients import KEYS, REGION
from local.processes import HOST, ROOT, StackError
from local.sam import TOOLS, ensure_build
from local.sam_local import CONTAINERS_HOST, Configuration, configuration, ensure_template, local_variables
from local.sources import SOURCES
from local.stack import Deployed, Stack
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.files import write_private
from ops.posts import proof

RETRY_SECONDS = 30  # a fresh retry batch was received so long ago


def read_event(file: Path) -> dict[str, Any]:
    """The event in a file; StackError if it is no event of API Gateway or SQS."""
    try:
        event = json.loads(file.read_bytes())
    except OSError as error:
        raise StackError(f"{file}: {error.strerror}") from None
    except ValueError:
        raise StackError(f"{file} is not JSON") from None
    if not isinstance(event, dict) or not ("Records" in event or "httpMethod" in event):
        raise StackError(
            f"{file} is no event of API Gateway or SQS; for a sender's sample: clemta-intake send NAME {file}"
        )
    return event


def function_of(event: Mapping[str, Any]) -> str:
    """The function that gets such an event."""
    return "RedeliverFunction" if "Records" in event else "ReceiveFunction"


def fresh(event: dict[str, Any], env: Environment) -> dict[str, Any]:
    """The event as if it came now: the times of a retry batch, and a webhook's signature by this stack's secret."""
    if "Records" in event:
        return {"Records": [fresh_record(record, time.time()) for record in event["Records"]]}
    name = (event.get("pathParameters") or {}).get("source", "")
    source = env.sources.get(name)
    if isinstance(source, Webhook) and event["httpMethod"] == "POST":
        request = Request.of(event)
        secret = next(iter(env.deps.secrets.signing_secrets(source.auth.secret)), "")
        if secret:
            signed = proof(env, source, secret, request.body(), request.headers, request.uri)
            headers = {**request.headers, **signed}
            many = {key: [value] for key, value in headers.items()}
            return {**event, "headers": headers, "multiValueHeaders": many}
    return event


def fresh_record(record: dict[str, Any], now: float) -> dict[str, Any]:
    """An SQS record with its times moved to just before now."""
    try:
        message = json.loads(record["body"])
        later = now - RETRY_SECONDS - message["received_at"]
        moved = {
            name: message[name] + later
            for name in ("received_at", "first_failure_at", "not_before", "waiting_since")
            if message.get(name)
        }
    except (ValueError, TypeError, KeyError):
        return record  # not a message of ours: the function parks it
    attributes = {
        name: str(int(value) + int(later * 1000)) if name.endswith("Timestamp") else value
        for name, value in record.get("attributes", {}).items()
    }
    return {**record, "body": json.dumps({**message, **moved}), "attributes": attributes}


def container_engine() -> Any:
    """SAM's client of the container engine; None if no engine answers."""
    from samcli.local.docker.exceptions import ContainerEnforcementException, ContainerNotReachableException
    from samcli.local.docker.utils import get_validated_container_client

    try:
        return get_validated_container_client()
    except (ContainerNotReachableException, ContainerEnforcementException):
        return None


class Target:
    """The stack that the function works on."""

    def __init__(self, env: Environment, deployed: Deployed | None, stack: Stack) -> None:
        self.env = env
        self._deployed = deployed  # of the local stack
        self._stack = stack

    @classmethod
    def of(cls, name: str, stack: Stack) -> "Target":
        """The stack of an environment. The local stack is started unless it is up."""
        if name != "local":
            return cls(
                Environment(StackLocation.named(name, ROOT), stack.sources_file or SOURCES), None, stack
            )
        if stack.stack_file.exists() and stack.alive():
            deployed = Deployed(**json.loads(stack.stack_file.read_text()))
        else:
            stack.say("the local stack is not up: starting it; `make down` stops it")
            deployed = stack.up()
        location = StackLocation(
            deployed.stack_name, deployed.region, deployed.aws_endpoint_url, deployed.api_url
        )
        return cls(Environment(location, stack.deployed_sources), deployed, stack)

    def configuration(self, function: str) -> Configuration:
        """The function as it is deployed there."""
        client = self.env.client
        stack_name = self.env.location.stack_name
        return configuration(client("cloudformation"), client("lambda"), stack_name, function)

    def variables(self, variables: Mapping[str, str], host: str) -> dict[str, str]:
        """The function's variables where `host` is this machine."""
        if self._deployed is None:
            return dict(variables)
        return local_variables(variables, self._deployed.aws_endpoint_url, host)

    def credentials(self) -> dict[str, str]:
        """The variables of the caller's own AWS credentials; the local stack's are in `variables`."""
        if self._deployed is not None:
            return {}
        given = boto3.Session().get_credentials()
        if given is None:
            raise OpsError("no AWS credentials: set AWS_PROFILE, or sign in (aws sso login)")
        found = given.get_frozen_credentials()
        region = self.env.location.region
        variables = {
            "AWS_ACCESS_KEY_ID": found.access_key,
            "AWS_SECRET_ACCESS_KEY": found.secret_key,
            "AWS_SESSION_TOKEN": found.token,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
        return {name: value for name, value in variables.items() if value}

    def sam_environment(self) -> dict[str, str]:
        """The environment for SAM itself; with keys but no endpoint it would wait for AWS."""
        env = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
        if self._deployed is None:
            return {**env, "AWS_DEFAULT_REGION": self.env.location.region}
        endpoint = {"AWS_ENDPOINT_URL": self._deployed.aws_endpoint_url, "AWS_DEFAULT_REGION": REGION}
        return {name: value for name, value in env.items() if not name.startswith("AWS_")} | KEYS | endpoint

    @contextmanager
    def opened(self, engine: Any) -> Iterator[str]:
        """This machine's name for a container, which reaches the local stack meanwhile."""
        address = bridge.engine_address(engine)
        if self._deployed is None or address is None:
            yield CONTAINERS_HOST
        elif self._stack.bridge.running():
            yield self._stack.host_in_containers()
        else:
            with bridge.opened(address, self._deployed.ports()):
                yield address


def by_sam(target: Target, engine: Any, build: Path, function: str, event: bytes) -> str:
    """The answer of the function in Lambda's image."""
    with tempfile.TemporaryDirectory(prefix="invoke-") as folder, target.opened(engine) as host:
        event_file, env_file = Path(folder) / "event.json", Path(folder) / "env.json"
        variables = target.variables(target.configuration(function).variables, host)
        write_private(event_file, event.decode())
        write_private(env_file, json.dumps({function: variables}))
        command = [
            *(str(TOOLS / "python"), "-m", "samcli", "local", "invoke", function),
            *("--template", str(ensure_template(build)), "--event", str(event_file)),
            *("--env-vars", str(env_file), "--skip-pull-image"),
            *("--add-host", f"{CONTAINERS_HOST}:host-gateway"),
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=target.sam_environment(), stdout=subprocess.PIPE, text=True, check=False
        )
    if done.returncode != 0:
        raise StackError("sam local invoke failed")
    return done.stdout.strip()


def by_emulator(target: Target, build: Path, function: str, event: bytes) -> str:
    """The answer of the function under Lambda's runtime interface emulator."""
    found = target.configuration(function)
    variables = {**target.variables(found.variables, HOST), **target.credentials()}
    with rie.RuntimeEmulator(build / function, found._replace(variables=variables), sys.stderr) as runtime:
        return runtime.invoke(event).decode()


def failed(answer: str) -> bool:
    """Whether the answer is Lambda's report of an exception."""
    try:
        found = json.loads(answer)
    except ValueError:
        return True
    return isinstance(found, dict) and "errorMessage" in found


def invoke(event_file: Path, env_name: str, stack: Stack) -> str:
    """The function's answer to the event of a file, on the stack of that environment."""
    event = read_event(event_file)
    engine = container_engine()
    if engine is None and (reason := rie.unavailable()):
        raise StackError(
            "no container engine (Docker, Finch) answers; start one. "
            f"Lambda's runtime interface emulator cannot run instead: {reason}"
        )
    target = Target.of(env_name, stack)
    sources = stack.deployed_sources if env_name == "local" else stack.sources_file
    build = ensure_build(sources, stack.state_dir / "logs" / "build.log")
    content = json.dumps(fresh(event, target.env)).encode()
    function = function_of(event)
    if engine is None:
        return by_emulator(target, build, function, content)
    return by_sam(target, engine, build, function, content)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code, 0 unless there is no answer or the function raised."""
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description=__doc__)
    parser.add_argument("event", type=Path)
    parser.add_argument("--env", default="local", help="an environment of samconfig.toml; default: local")
    parser.add_argument("--state-dir", type=Path, default=Stack.state_dir, help="default: .local")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    try:
        stack = Stack.from_environment(os.environ, say, options.state_dir)
        answer = invoke(options.event, options.env, stack)
    except (StackError, OpsError) as error:
        say(str(error))
        return 1
    except (BotoCoreError, ClientError) as error:
        say(f"AWS: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(answer)
    return 1 if failed(answer) else 0


if __name__ == "__main__":
    sys.exit(main())
