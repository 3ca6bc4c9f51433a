"""The whole stack on this machine: emulator, Clemta's stand-in, console. `python -m local.stack run|up|down`."""

import argparse
import hashlib
import io
import json
import os
import platform
import re
import shutil
import signal
import sys
import time
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import boto3
import botocore.session
from botocore.config import Config

from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID
from local.files import write_private
from local.processes import HOST, ROOT, Running, Service, StackError
from local.sam import TOOLS, ensure_build, locked, sam, sources_file_from

SOURCES = ROOT / "functions" / "sources.toml"
REGION = "us-east-1"
EXAMPLE_EMAIL = "ada@example.com"
STACK_NAME = "clemta-intake-local"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # the emulator's root
PARAMETERS = {
    "RETRY_BASE_SECONDS": "RetryBaseSeconds",
    "SEARCH_LAG_SECONDS": "SearchLagSeconds",
    "RECHECK_SECONDS": "RecheckSeconds",
    "CLEMTA_REQUESTS_PER_MINUTE": "ClemtaRequestsPerMinute",
    "REDELIVER_CONCURRENCY": "RedeliverConcurrency",
}
NAMES_A_SECRET = ("secret", "turnstile", "hcaptcha", "recaptcha")
DIRECT = build_opener(ProxyHandler({}))  # what is on this machine is never asked for through a proxy


def nothing(_: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Deployed:
    """What `.local/stack.json` holds while the stack is up."""

    api_url: str
    clemta_url: str
    console_url: str
    aws_endpoint_url: str
    region: str
    stack_name: str
    retry_queue_url: str
    dead_letter_queue_url: str
    held_queue_url: str
    ledger_table: str
    ledger_pepper_id: str
    clemta_secret_id: str
    signing_secret_id: str

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator, whatever profile, proxy or endpoint this environment names."""
        return aws_client(service, self.aws_endpoint_url)


@dataclass(frozen=True)
class Stack:
    """A stack with all its state in one folder; port 0 takes a free one, and None the template's default."""

    state_dir: Path = ROOT / ".local"
    aws_port: int = 4566
    clemta_port: int = 8788
    console_port: int = 8789
    sources_file: Path | None = None  # None: the project's own, and every sender known by name beside
    clemta_base_url: str | None = None
    clemta_api_key: str = DEFAULT_API_KEY
    retry_base_seconds: float | None = 5  # a person watches
    search_lag_seconds: float | None = 2
    recheck_seconds: float | None = None
    clemta_requests_per_minute: float | None = None
    redeliver_concurrency: float | None = None
    functions_aws_url: str | None = None  # where the functions find AWS, if not at the emulator itself
    say: Callable[[str], None] = nothing

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], say: Callable[[str], None] = nothing, state_dir: Path | None = None
    ) -> "Stack":
        """The stack that the environment asks for; StackError names the variable that is wrong."""

        def number(name: str, default: float | None = None) -> float | None:
            try:
                return float(environ[name]) if environ.get(name) else default
            except ValueError:
                raise StackError(f"{name} must be a number, not {environ[name]!r}") from None

        def port(name: str, default: int) -> int:
            given = number(name, default)
            if given is None or given not in range(65536):
                raise StackError(f"{name} must be a port, not {environ[name]!r}")
            return int(given)

        return cls(
            state_dir=(state_dir or cls.state_dir).absolute(),
            aws_port=port("LOCAL_AWS_PORT", cls.aws_port),
            clemta_port=port("LOCAL_CLEMTA_PORT", cls.clemta_port),
            console_port=port("LOCAL_CONSOLE_PORT", cls.console_port),
            sources_file=sources_file_from(environ),
            clemta_base_url=environ.get("CLEMTA_BASE_URL", "").rstrip("/") or None,
            clemta_api_key=environ.get("CLEMTA_API_KEY") or cls.clemta_api_key,
            retry_base_seconds=number("RETRY_BASE_SECONDS", cls.retry_base_seconds),
            search_lag_seconds=number("SEARCH_LAG_SECONDS", cls.search_lag_seconds),
            recheck_seconds=number("RECHECK_SECONDS"),
            clemta_requests_per_minute=number("CLEMTA_REQUESTS_PER_MINUTE"),
            redeliver_concurrency=number("REDELIVER_CONCURRENCY"),
            say=say,
        )

    @property
    def emulator(self) -> Service:
        return Service("emulator", "LOCAL_AWS_PORT", self.state_dir)

    @property
    def clemta(self) -> Service:
        return Service("clemta", "LOCAL_CLEMTA_PORT", self.state_dir)

    @property
    def console(self) -> Service:
        return Service("console", "LOCAL_CONSOLE_PORT", self.state_dir)

    @property
    def facts(self) -> Path:
        return self.state_dir / "stack.json"

    @property
    def deployed_sources(self) -> Path:
        """The sources file as it was deployed."""
        return self.state_dir / "sources.toml"

    def up(self) -> Deployed:
        """Starts and deploys what is not up yet, and returns when it answers; what fails leaves nothing running."""
        with locked(self.state_dir / "lock"):
            try:
                return self._up()
            except BaseException:
                self._down()
                raise

    def emulator_pid(self) -> int:
        """The process whose children are the functions'."""
        running = self.emulator.running()
        if running is None:
            raise StackError("the emulator does not run")
        return running.pid

    def down(self) -> None:
        """Ends what this folder's stack started, and nothing else."""
        with locked(self.state_dir / "lock"):
            self._down()

    def alive(self) -> bool:
        """Whether every part that was started still runs."""
        services = [self.emulator, self.console] + ([] if self.clemta_base_url else [self.clemta])
        return all(service.running() for service in services)

    def _up(self) -> Deployed:
        emulator = self._start_emulator()
        if self.clemta_base_url:
            self.clemta.stop()
            clemta_url = self.clemta_base_url
        else:
            clemta_url = f"http://{HOST}:{self._start_clemta().port}"
        with self._step("built"):
            if not self.sources_file:
                self.deployed_sources.write_text(with_every_sender(SOURCES.read_text()))
            build = ensure_build(
                self.sources_file or self.deployed_sources, self.state_dir / "logs" / "build.log"
            )
            if self.sources_file:
                shutil.copyfile(self.sources_file, self.deployed_sources)
        endpoint = f"http://{HOST}:{emulator.port}"
        with self._step("emulator and Clemta's stand-in started"):
            self.emulator.wait(lambda: answered(f"{endpoint}/_ministack/ready", "completed"), seconds=60)
            if not self.clemta_base_url:
                self.clemta.wait(lambda: answered(f"{clemta_url}/_stand-in/health"), seconds=20)
        with self._step("deployed"):
            self._deploy(build, endpoint, clemta_url, emulator)
        with self._step("answers"):
            console = self._start_console()
            deployed = self._deployed(endpoint, clemta_url, f"http://{HOST}:{console.port}")
            self._put_secrets(deployed)
            wait_for(lambda: answered(f"{deployed.api_url}/health"), f"{deployed.api_url}/health", seconds=60)
            self.console.wait(lambda: answered(f"{deployed.console_url}/health"), seconds=20)
        written = self.facts.with_suffix(".new")
        write_private(written, json.dumps(asdict(deployed), indent=2) + "\n")
        written.replace(self.facts)
        return deployed

    def _down(self) -> None:
        self.facts.unlink(missing_ok=True)
        (self.state_dir / "deployed").unlink(missing_ok=True)
        for service in (self.console, self.clemta, self.emulator):
            service.stop()
        shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)

    def _start_emulator(self) -> Running:
        if self.emulator.running() is None:
            # A killed one leaves its copies of the functions.
            shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)
        (self.state_dir / "tmp").mkdir(parents=True, exist_ok=True)
        settings = {
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,  # else its queue URLs name localhost, which may mean IPv6
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",  # a permission that the template does not give is missing here too
            "LOG_LEVEL": "WARNING",
            "STATE_DIR": str(self.state_dir / "tmp" / "state"),
        }
        interpreter = self.state_dir / "lambda-python"
        base = Path(sys.executable).resolve()
        # Without site-packages: what a function imports is in its bundle, or the import fails as on AWS. Without the
        # emulator's settings: LOG_LEVEL would silence the function.
        script = f"#!/bin/sh\nunset GATEWAY_PORT {' '.join(settings)}\nexec '{base}' -I -S \"$@\"\n"
        if not interpreter.exists() or interpreter.read_text() != script:
            interpreter.write_text(script)
            interpreter.chmod(0o755)

        def command(port: int) -> list[str]:
            return [str(TOOLS / "python"), "-m", "local.launch", "--port", str(port)]

        env = self._environment() | settings | {"LAMBDA_PYTHON": str(interpreter)}
        if self.functions_aws_url:
            env["AWS_ENDPOINT_URL"] = self.functions_aws_url
        return self.emulator.ensure(self.aws_port, command, env)

    def _start_clemta(self) -> Running:
        def command(port: int) -> list[str]:
            return [
                *(str(TOOLS / "python"), "-m", "local.clemta", "--port", str(port)),
                *("--api-key", self.clemta_api_key),
            ]

        return self.clemta.ensure(self.clemta_port, command, self._environment())

    def _start_console(self) -> Running:
        def command(port: int) -> list[str]:
            return [
                *(str(TOOLS / "python"), "-m", "local.console", "--port", str(port)),
                *("--stack", str(self.facts)),
            ]

        env = self._environment() | {"PYTHONPATH": str(ROOT / "functions")}
        return self.console.ensure(self.console_port, command, env)

    def _environment(self) -> dict[str, str]:
        """All that the background sees of the environment: nothing of this machine's AWS settings or proxies."""
        return {
            "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.state_dir),
            "TMPDIR": str(self.state_dir / "tmp"),
            "LANG": "C.UTF-8",
        }

    def _deploy(self, build: Path, endpoint: str, clemta_url: str, emulator: Running) -> None:
        """Deploys the build unless this very emulator has it already, with these parameters."""
        given = {name: getattr(self, name.lower()) for name in PARAMETERS}
        parameters = {
            PARAMETERS[name]: f"{value:g}" for name, value in given.items() if value is not None
        } | {
            "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
            "ClemtaBaseUrl": clemta_url,
            "DefaultCompanyId": DEFAULT_COMPANY_ID,
        }
        known = set(re.findall(r"^  ([A-Za-z]+):$", (ROOT / "template.yaml").read_text(), re.M))
        if unknown := sorted(parameters.keys() - known):
            raise StackError(f"template.yaml has no parameter {', '.join(unknown)}")
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        state = hashlib.sha256(json.dumps([str(build), emulator.identity, overrides]).encode()).hexdigest()
        done = self.state_dir / "deployed"
        if done.exists() and done.read_text() == state:
            return
        done.unlink(missing_ok=True)
        sam(
            [
                *("deploy", "--config-env", "local", "--config-file", str(ROOT / "samconfig.toml")),
                *(
                    "--template-file",
                    str(build / "template.yaml"),
                    "--stack-name",
                    STACK_NAME,
                    "--region",
                    REGION,
                ),
                *("--no-progressbar", "--parameter-overrides", *overrides),
            ],
            self._environment()
            | KEYS
            | {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_DEFAULT_REGION": REGION,
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "1",
            },
            self.state_dir / "logs" / "deploy.log",
        )
        done.write_text(state)

    def _deployed(self, endpoint: str, clemta_url: str, console_url: str) -> Deployed:
        stacks = aws_client("cloudformation", endpoint).describe_stacks(StackName=STACK_NAME)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        return Deployed(
            api_url=f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/v1",
            clemta_url=clemta_url,
            console_url=console_url,
            aws_endpoint_url=endpoint,
            region=REGION,
            stack_name=STACK_NAME,
            retry_queue_url=outputs["RetryQueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            held_queue_url=outputs["HeldQueueUrl"],
            ledger_table=outputs["LedgerTableName"],
            ledger_pepper_id=outputs["LedgerPepperId"],
            clemta_secret_id=outputs["ClemtaSecretId"],
            signing_secret_id=outputs["SigningSecretId"],
        )

    def _put_secrets(self, deployed: Deployed) -> None:
        """Puts a value where there is none yet; what somebody put there stays."""
        secrets = deployed.client("secretsmanager")
        if not secret_value(secrets, deployed.clemta_secret_id):
            secrets.put_secret_value(SecretId=deployed.clemta_secret_id, SecretString=self.clemta_api_key)
        wanted = signing_secrets(tomllib.loads(self.deployed_sources.read_text()))
        present = json.loads(secret_value(secrets, deployed.signing_secret_id) or "{}")
        if missing := wanted.keys() - present.keys():
            values = {name: wanted[name] for name in wanted if name in missing} | present
            secrets.put_secret_value(SecretId=deployed.signing_secret_id, SecretString=json.dumps(values))

    @contextmanager
    def _step(self, done: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.say(f"{time.monotonic() - began:6.1f} s  {done}")


def aws_client(service: str, endpoint: str, authorities: str | None = None) -> Any:
    """A client with the emulator's keys alone; `authorities` is a file of certificates, for https."""
    session = boto3.Session(
        botocore_session=botocore.session.Session({"profile": (None, None, None, None)}),
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(proxies={}, retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30)
    given = {"endpoint_url": endpoint, "config": config, "verify": authorities}
    return session.client(service, **given)  # type: ignore[call-overload]


def with_every_sender(own: str) -> str:
    """A sources file's text, and each sender that is known by name as a source: the console sends their samples."""
    names = sorted(presets().keys() - tomllib.loads(own).get("sources", {}).keys())
    return own + "".join(f'\n[sources.{name}]\nkind = "{name}"\nsecret = "{name}"\n' for name in names)


def presets() -> dict[str, Any]:
    """The senders that are known by name."""
    return tomllib.loads((ROOT / "functions" / "clemta_intake" / "sources" / "presets.toml").read_text())


def signing_secrets(sources: Mapping[str, Any]) -> dict[str, str]:
    """A secret for every name in a sources file, of the form that its source takes."""
    secrets = {"crm": "local-crm-secret"}
    known = presets()
    for table in sources.get("sources", {}).values():
        auth = {**known.get(table.get("kind"), {}).get("auth", {}), **table.get("auth", {})}
        coded = auth.get("key", "base64" if auth.get("scheme") == "standard-webhooks" else "text") == "base64"
        for name in secret_names(table):
            text = f"local-{name}-secret"
            secrets[name] = f"whsec_{b64encode(text.encode()).decode()}" if coded else text
    return secrets


def secret_names(table: Mapping[str, Any]) -> Iterator[str]:
    """The secrets that a sources file names, wherever in it."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from secret_names(value)
        elif isinstance(value, str) and key in NAMES_A_SECRET:
            yield value


def secret_value(secrets: Any, secret_id: str) -> str:
    """The secret's value; empty where none was put yet."""
    try:
        return str(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
    except secrets.exceptions.ResourceNotFoundException:
        return ""


def answered(url: str, containing: str = "") -> bool:
    """Whether the address answers 200, and with this text in it."""
    try:
        with DIRECT.open(url, timeout=10) as answer:
            return containing in answer.read().decode()
    except (OSError, HTTPException):
        return False


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Returns when the condition holds; StackError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{what} does not answer 200 within {seconds:.0f} s")
        time.sleep(0.1)


def sign_up(deployed: Deployed) -> bool:
    """Sends one form post the way a page would, prints what came back, and says whether it was taken."""
    person = {
        "full_name": "Ada Example",
        "email": EXAMPLE_EMAIL,
        "phone": "+90 532 123 45 67",
        "country": "Türkiye",
    }
    request = Request(f"{deployed.api_url}/signups/website", urlencode(person).encode())  # noqa: S310 - our own
    try:
        with DIRECT.open(request, timeout=30) as answer:
            status, body = answer.status, answer.read().decode()
    except HTTPError as refused:
        status, body = refused.code, refused.read().decode()
    print(f"\nPOST /signups/website\n{json.dumps(person, ensure_ascii=False)}\n\nanswered {status}\n{body}")
    return bool(status == HTTPStatus.OK)


def contact(clemta_url: str, email: str, seconds: float) -> Any:
    """The stand-in's contact with this address, once it is there; None if it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        with DIRECT.open(f"{clemta_url}/_stand-in/contacts", timeout=10) as answer:
            contacts = json.load(answer)["contacts"]
        found = [contact for contact in contacts if contact["email"] == email]
        if found or time.monotonic() > deadline:
            return found[0] if found else None
        time.sleep(0.1)


def run(stack: Stack) -> None:
    """Brings all up, sends a sign-up through, and stays until Ctrl-C, SIGTERM or the end of a part."""
    try:
        deployed = stack.up()
        if sign_up(deployed) and stack.clemta_base_url is None:
            found = contact(deployed.clemta_url, EXAMPLE_EMAIL, seconds=30)
            print(
                "\nthe contact in Clemta's stand-in"
                if found
                else "\nno such contact in Clemta's stand-in yet"
            )
            print(json.dumps(found, indent=2, ensure_ascii=False) if found else "see the console page")
        print(f"\n{addresses(deployed)}\n\nCtrl-C stops it")
        while stack.alive():
            time.sleep(1)
        raise StackError(f"a part of the stack ended by itself; logs: {stack.state_dir / 'logs'}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it behind
        stack.down()
        print("\nstopped")


def addresses(deployed: Deployed) -> str:
    """Where to look, and a command to paste."""
    return (
        f"console   {deployed.console_url}\n"
        f"API       {deployed.api_url}\n"
        f"Clemta    {deployed.clemta_url}\n\n"
        f"curl -d full_name='Grace Example' -d email=grace@example.com {deployed.api_url}/signups/website"
    )


def interrupted(number: int, _: FrameType | None) -> None:
    """SIGTERM and SIGHUP end what runs as Ctrl-C does."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 only if it did what was asked."""
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    parser.add_argument("command", choices=["run", "up", "down"])
    parser.add_argument("--state-dir", type=Path, default=Stack.state_dir, help="default: .local")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    command = options.command
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        if command == "down":
            Stack(state_dir=options.state_dir.absolute()).down()
            print("down")
            return 0
        stack = Stack.from_environment(os.environ, print, options.state_dir)
        if command == "run":
            run(stack)
        else:
            print(f"\n{addresses(stack.up())}\n\nmake down ends it")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if command == "run" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
