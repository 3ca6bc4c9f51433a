"""The whole stack on this machine: emulator, Clemta's stand-in, console. `python -m local.stack run|up|down`."""

import argparse
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO
from urllib.parse import urlsplit

from clemta_intake.sources.config import InvalidSources
from local import bridge, emulator
from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID
from local.clients import REGION, answered, aws_client
from local.demo import print_contact, sign_up
from local.deploy import (
    STACK_NAME,
    deploy,
    parameter_overrides,
    put_api_key,
    put_signing_secrets,
    stack_outputs,
)
from local.processes import HOST, ROOT, Running, Service, StackError
from local.sam import TOOLS, ensure_build, fingerprint, locked, sources_file_from
from local.sam_local import (
    CONTAINERS_HOST,
    FUNCTIONS,
    Configuration,
    architecture,
    configuration,
    ensure_template,
    local_variables,
)
from local.served_sources import messages_file, serve, served_text
from local.sources import SOURCES, signing_secrets
from ops.environments import Environment, StackLocation
from ops.files import write_private

# Environment variables that set a parameter of the template; a field of Stack has the same name in lower case.
PARAMETERS = {
    "RETRY_BASE_SECONDS": "RetryBaseSeconds",
    "SEARCH_LAG_SECONDS": "SearchLagSeconds",
    "RECHECK_SECONDS": "RecheckSeconds",
    "CLEMTA_REQUESTS_PER_MINUTE": "ClemtaRequestsPerMinute",
    "LIST_SECONDS": "ListSeconds",
    "REDELIVER_CONCURRENCY": "RedeliverConcurrency",
}


def silent(_: str) -> None:
    """Prints nothing."""


@dataclass(frozen=True)
class Deployed:
    """The contents of `.local/stack.json`, which exists while the stack is up."""

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
        """A boto3 client of the emulator."""
        return aws_client(service, self.aws_endpoint_url)

    def configuration(self, function: str) -> Configuration:
        """A function as it was deployed."""
        return configuration(self.client("cloudformation"), self.client("lambda"), self.stack_name, function)

    def ports(self) -> list[int]:
        """The ports of this machine that the functions call: the emulator's, and the stand-in's if that is Clemta."""
        urls = map(urlsplit, (self.aws_endpoint_url, self.clemta_url))
        return [url.port for url in urls if url.hostname == HOST and url.port]

    def variables(self, function: str, host: str) -> dict[str, str]:
        """A function's environment variables for a place from which `host` is this machine."""
        return local_variables(self.configuration(function).variables, self.aws_endpoint_url, host)


@dataclass(frozen=True)
class Stack:
    """A stack with all its state in one folder. Port 0 takes a free one; None is the template's default."""

    state_dir: Path = ROOT / ".local"
    aws_port: int = 4566
    clemta_port: int = 8788
    console_port: int = 8789
    host: str | None = (
        None  # a container engine's bridge, to which the emulator and the stand-in are opened too
    )
    sources_file: Path | None = None  # None: the project's own plus a source for every preset
    clemta_base_url: str | None = None
    clemta_api_key: str = DEFAULT_API_KEY
    retry_base_seconds: float | None = 5  # short, as a person watches
    search_lag_seconds: float | None = 2
    recheck_seconds: float | None = None
    clemta_requests_per_minute: float | None = None
    list_seconds: float | None = None
    redeliver_concurrency: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)  # more parameters of the template
    functions_aws_url: str | None = None  # AWS for the functions; None is the emulator
    say: Callable[[str], None] = silent

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], say: Callable[[str], None] = silent, state_dir: Path | None = None
    ) -> "Stack":
        """The stack that the environment variables describe; StackError names a wrong variable."""

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
            host=bridge.checked_address(environ.get("LOCAL_HOST", "")),
            sources_file=sources_file_from(environ),
            clemta_base_url=environ.get("CLEMTA_BASE_URL", "").rstrip("/") or None,
            clemta_api_key=environ.get("CLEMTA_API_KEY") or cls.clemta_api_key,
            retry_base_seconds=number("RETRY_BASE_SECONDS", cls.retry_base_seconds),
            search_lag_seconds=number("SEARCH_LAG_SECONDS", cls.search_lag_seconds),
            recheck_seconds=number("RECHECK_SECONDS"),
            clemta_requests_per_minute=number("CLEMTA_REQUESTS_PER_MINUTE"),
            list_seconds=number("LIST_SECONDS"),
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
    def bridge(self) -> Service:
        return Service("bridge", "LOCAL_HOST", self.state_dir)

    @property
    def stack_file(self) -> Path:
        return self.state_dir / "stack.json"

    @property
    def env_file(self) -> Path:
        """The functions' environment variables for `sam local`, which exists while the stack is up."""
        return self.state_dir / "env.json"

    def host_in_containers(self) -> str:
        """This machine's name in the env file."""
        variables = json.loads(self.env_file.read_text())[FUNCTIONS[0]]
        return urlsplit(variables["AWS_ENDPOINT_URL"]).hostname or CONTAINERS_HOST

    @property
    def build(self) -> Path:
        """A link to the build that was deployed; `sam local` takes its template."""
        return self.state_dir / "build"

    @property
    def served_sources(self) -> Path:
        """A copy of the sources file in use."""
        return self.state_dir / "sources.toml"

    @property
    def deployed_sources(self) -> Path:
        """A copy of the sources file that was deployed, which is used until another one is pushed."""
        return self.state_dir / "deployed.toml"

    @property
    def _deployed_mark(self) -> Path:
        return self.state_dir / "deployed"

    def up(self) -> Deployed:
        """Starts and deploys the parts that are not up, and returns when all answer; a failure stops everything."""
        with locked(self.state_dir / "lock"):
            try:
                return self._up()
            except BaseException:
                self._down()
                raise

    def emulator_pid(self) -> int:
        """The emulator's process; the functions' processes are its children."""
        running = self.emulator.running()
        if running is None:
            raise StackError("the emulator is not running")
        return running.pid

    def down(self) -> None:
        """Stops the processes that this folder's stack started, and no others."""
        with locked(self.state_dir / "lock"):
            self._down()

    def alive(self) -> bool:
        """Whether every service still runs."""
        services = [self.emulator, self.console] + ([] if self.clemta_base_url else [self.clemta])
        return all(service.running() for service in services)

    def _up(self) -> Deployed:
        running = self._start_emulator()
        if self.clemta_base_url:
            self.clemta.stop()
            clemta_url = self.clemta_base_url
        else:
            clemta_url = f"http://{HOST}:{self._start_clemta().port}"
        overrides = self._overrides(clemta_url)
        deployment = self._deployment(running.identity, overrides)
        build = None
        if not self._is_deployed(deployment):
            with self._step("built"):
                build = self._build()
        endpoint = f"http://{HOST}:{running.port}"
        with self._step("emulator and Clemta's stand-in started"):
            self.emulator.wait(lambda: answered(f"{endpoint}/_ministack/ready", "completed"), seconds=60)
            if not self.clemta_base_url:
                self.clemta.wait(lambda: answered(f"{clemta_url}/_stand-in/health"), seconds=20)
        if build:
            with self._step("deployed"):
                self._deployed_mark.unlink(missing_ok=True)
                deploy(
                    build, overrides, endpoint, self._environment(), self.state_dir / "logs" / "deploy.log"
                )
                self._deployed_mark.write_text(deployment)
        with self._step("answers"):
            console = self._start_console()
            deployed = self._deployed(endpoint, clemta_url, f"http://{HOST}:{console.port}")
            self._serve_sources(deployed)
            self._put_secrets(deployed)
            wait_until_answered(f"{deployed.api_url}/health", seconds=60)
            self.console.wait(lambda: answered(f"{deployed.console_url}/health"), seconds=20)
            self._prepare_sam_local(build or self.build.resolve(), deployed)
        write_json(self.stack_file, asdict(deployed))
        return deployed

    def _down(self) -> None:
        for file in (self.stack_file, self.env_file, self.build, self._deployed_mark):
            file.unlink(missing_ok=True)
        for service in (self.bridge, self.console, self.clemta, self.emulator):
            service.stop()
        shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)

    def _start_emulator(self) -> Running:
        if self.emulator.running() is None:
            # An emulator that was killed leaves its copies of the functions.
            shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)
        (self.state_dir / "tmp").mkdir(parents=True, exist_ok=True)
        interpreter = self.state_dir / "lambda-python"
        settings = emulator.settings(self.state_dir / "tmp", interpreter) | {
            "AUTH": "true",  # enforces the permissions that the template gives
        }
        write_lambda_python(interpreter, unset=settings)
        env = self._environment() | settings
        if self.functions_aws_url:
            env["AWS_ENDPOINT_URL"] = self.functions_aws_url
        return self.emulator.ensure(self.aws_port, emulator.command, env)

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
                *("--stack", str(self.stack_file)),
                *(("--sources", str(self.sources_file)) if self.sources_file else ()),
            ]

        env = self._environment() | {"PYTHONPATH": str(ROOT / "functions")}
        return self.console.ensure(self.console_port, command, env)

    def _prepare_sam_local(self, build: Path, deployed: Deployed) -> None:
        """Opens the stack to containers if `host` is set, and writes what `sam local` needs."""
        if self.host is None:
            self.bridge.stop()
        else:
            ports = deployed.ports()
            command = bridge.command(self.host, ports)
            address = self.host
            self.bridge.ensure(0, lambda _: command, self._environment())
            self.bridge.wait(lambda: bridge.is_open(address, ports), seconds=20)
        ensure_template(build)
        link = self.build.with_suffix(".new")
        link.unlink(missing_ok=True)
        link.symlink_to(build)
        link.replace(self.build)
        write_json(
            self.env_file,
            {name: deployed.variables(name, self.host or CONTAINERS_HOST) for name in FUNCTIONS},
        )

    def _environment(self) -> dict[str, str]:
        """The environment of the background processes, without this machine's AWS settings and proxies."""
        return {
            "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.state_dir),
            "TMPDIR": str(self.state_dir / "tmp"),
            "LANG": "C.UTF-8",
        }

    def _overrides(self, clemta_url: str) -> list[str]:
        """The template's parameters."""
        settings = {parameter: getattr(self, name.lower()) for name, parameter in PARAMETERS.items()}
        return parameter_overrides(
            {name: f"{value:g}" for name, value in settings.items() if value is not None}
            | {
                "Architecture": architecture(),
                "ClemtaBaseUrl": clemta_url,
                "DefaultCompanyId": DEFAULT_COMPANY_ID,
            }
            | dict(self.parameters)
        )

    def _deployment(self, emulator_identity: str, overrides: list[str]) -> str:
        """A hash of what only a deploy can change: not of the sources file, which can be pushed."""
        code = fingerprint(None, with_sources=False)
        return hashlib.sha256(json.dumps([code, emulator_identity, overrides]).encode()).hexdigest()

    def _is_deployed(self, deployment: str) -> bool:
        """Whether this emulator process already has this code with the same parameters."""
        return (
            self.build.exists()
            and self._deployed_mark.exists()
            and self._deployed_mark.read_text() == deployment
        )

    def _build(self) -> Path:
        """Builds with the sources file, and keeps a copy of the file."""
        if not self.sources_file:
            self.deployed_sources.write_text(served_text(None))
        build = ensure_build(
            self.sources_file or self.deployed_sources, self.state_dir / "logs" / "build.log"
        )
        if self.sources_file:
            shutil.copyfile(self.sources_file, self.deployed_sources)
        return build

    def _serve_sources(self, deployed: Deployed) -> None:
        """Makes the sources file live, if another one is; StackError names its mistakes."""
        location = StackLocation(deployed.stack_name, REGION, deployed.aws_endpoint_url, deployed.api_url)
        text, file = served_text(self.sources_file), self.sources_file or SOURCES
        try:
            env = Environment(location, self.served_sources)
            serve(env, text, file.name, self.deployed_sources.read_text())
        except InvalidSources as error:
            raise StackError(f"{file} is wrong:\n{error}") from error
        self.served_sources.write_text(text)

    def _deployed(self, endpoint: str, clemta_url: str, console_url: str) -> Deployed:
        outputs = stack_outputs(endpoint)
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
        secrets = deployed.client("secretsmanager")
        put_api_key(secrets, deployed.clemta_secret_id, self.clemta_api_key)
        sources = tomllib.loads(self.served_sources.read_text())
        put_signing_secrets(secrets, deployed.signing_secret_id, signing_secrets(sources))

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.say(f"{time.monotonic() - started:6.1f} s  {name}")


def write_lambda_python(path: Path, unset: Iterable[str]) -> None:
    """Writes the interpreter of the functions, without site-packages and without the variables to unset."""
    base = Path(sys.executable).resolve()
    # -S leaves out site-packages: an import that the bundle lacks fails here as on AWS. The emulator's settings
    # are unset because its LOG_LEVEL would also silence the function.
    script = f"#!/bin/sh\nunset GATEWAY_PORT {' '.join(unset)}\nexec '{base}' -I -S \"$@\"\n"
    if not path.exists() or path.read_text() != script:
        path.write_text(script)
        path.chmod(0o755)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a file that only its owner reads; a reader never sees half of it."""
    complete = path.with_suffix(".new")
    write_private(complete, json.dumps(content, indent=2) + "\n")
    complete.replace(path)


def wait_until_answered(url: str, seconds: float) -> None:
    """Returns when the URL answers 200; StackError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not answered(url):
        if time.monotonic() > deadline:
            raise StackError(f"{url} does not answer 200 within {seconds:.0f} s")
        time.sleep(0.1)


def run(stack: Stack) -> None:
    """Brings the stack up, sends a sign-up through it, and stays until Ctrl-C, SIGTERM or the end of a service.

    Raises StackError if another process does so already.
    """
    held = "make run runs already in another terminal: Ctrl-C there stops it, and so does make down"
    with locked(stack.state_dir / "run.lock", held):
        _run(stack)


def _run(stack: Stack) -> None:
    try:
        deployed = stack.up()
        if sign_up(deployed.api_url) and stack.clemta_base_url is None:
            print_contact(deployed.clemta_url, seconds=30)
        print(f"\n{addresses(deployed)}\n\nAn edited sources file is live within seconds. Ctrl-C stops it")
        with followed(messages_file(stack.state_dir)) as messages:
            while stack.alive():
                time.sleep(1)
                for line in messages:
                    print(line, end="")
        raise StackError(f"a service of the stack ended unexpectedly; logs: {stack.state_dir / 'logs'}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stop
        stack.down()
        print("\nstopped")


@contextmanager
def followed(file: Path) -> Iterator[TextIO]:
    """The lines that are appended to the file from now on."""
    file.touch()
    with file.open() as lines:
        lines.seek(0, os.SEEK_END)
        yield lines


def addresses(deployed: Deployed) -> str:
    """The addresses of the stack, and a command to paste."""
    return (
        f"console   {deployed.console_url}\n"
        f"API       {deployed.api_url}\n"
        f"Clemta    {deployed.clemta_url}\n\n"
        f"curl -d full_name='Grace Example' -d email=grace@example.com {deployed.api_url}/signups/website"
    )


def interrupt(number: int, _: FrameType | None) -> None:
    """A signal handler that ends the command as Ctrl-C does."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code, 0 only on success."""
    parser = argparse.ArgumentParser(prog="python -m local.stack", description=__doc__)
    parser.add_argument("command", choices=["run", "up", "down"])
    parser.add_argument("--state-dir", type=Path, default=Stack.state_dir, help="default: .local")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    command = options.command
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        if command == "down":
            Stack(state_dir=options.state_dir.absolute()).down()
            print("down")
            return 0
        stack = Stack.from_environment(os.environ, print, options.state_dir)
        if command == "run":
            run(stack)
        else:
            print(f"\n{addresses(stack.up())}\n\n`make down` stops it")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if command == "run" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
