"""A deployed stack: its location, outputs, settings and sources file."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from clemta_intake.settings import Settings

from .aws import OperatorClients, default_region
from .errors import OpsError
from .project import present
from .setup.answers import read_answers

if TYPE_CHECKING:
    from clemta_intake.dependencies import Dependencies
    from clemta_intake.sources.config import Form, Webhook


@dataclass(frozen=True)
class StackLocation:
    """The stack's name and region; `endpoint_url` and `api_url` are set for the local stack only."""

    stack_name: str
    region: str
    endpoint_url: str | None = None
    api_url: str | None = None
    options: str = field(default="", compare=False)  # the command's options that select this stack

    def command(self, arguments: str) -> str:
        """The operator's command with these arguments, for this stack."""
        return " ".join(filter(None, ("clemta-intake", arguments, self.options)))

    @classmethod
    def named(cls, env: str, project: Path, region: str | None = None) -> "StackLocation":
        """The stack of an environment: the running local stack, the one that setup made, or the one in samconfig.toml.

        `region` is used instead of the file's; the local stack has its own.
        """
        if env == "local":
            return cls._local(project / ".local" / "stack.json")
        if answers := read_answers(project, env):
            name, own = answers.stack, answers.region
        else:
            match samconfig_parameters(project, env):
                case {"stack_name": str(name), **parameters}:
                    own = str(parameters.get("region", ""))
                case _:
                    raise OpsError(
                        f"samconfig.toml names no stack for {env} ([{env}.deploy.parameters] stack_name): "
                        f"clemta-intake setup --env {env} makes one"
                    )
        given = f" --region {region}" if region else ""
        return replace(cls.stack(name, region or own or None), options=f"--env {env}{given}")

    @classmethod
    def stack(cls, name: str, region: str | None) -> "StackLocation":
        """A stack by its name; the default region is that of the AWS configuration."""
        found = region or default_region()
        if not found:
            raise OpsError("no region: give --region, or set AWS_REGION")
        return cls(name, found, options=f"--stack {name} --region {found}")

    @classmethod
    def _local(cls, file: Path) -> "StackLocation":
        try:
            facts = json.loads(file.read_text())
        except FileNotFoundError:
            raise OpsError(f"the local stack is not up ({file} is not there): run make up") from None
        except ValueError:
            facts = None
        match facts:
            case {
                "stack_name": str(name),
                "region": str(region),
                "aws_endpoint_url": str(aws),
                "api_url": str(api),
            }:
                return cls(name, region, aws, api)
        raise OpsError(f"{file} is damaged: run make up")


def samconfig_parameters(project: Path, env: str) -> dict[str, Any]:
    """The environment's settings for `sam deploy` in samconfig.toml; none if it has no such table."""
    file = project / "samconfig.toml"
    try:
        match tomllib.loads(file.read_text(encoding="utf-8")).get(env):
            case {"deploy": {"parameters": dict(parameters)}}:
                return dict(parameters)
    except FileNotFoundError:
        raise OpsError(f"there is no {file}: run this in the project's folder, or give --stack") from None
    except ValueError as error:
        raise OpsError(f"{file.name} cannot be read: {error}") from error
    return {}


class Environment:
    """One deployed stack; each part is read on first use."""

    def __init__(self, location: StackLocation, sources_file: Path) -> None:
        self.location = location
        self.sources_file = sources_file
        self.clients = OperatorClients(location.region, location.endpoint_url)

    def read_sources_again(self) -> "Environment":
        """The same stack with the sources file as it is now."""
        found = Environment(self.location, self.sources_file)
        known = ("clients", "stack", "outputs", "settings")
        vars(found).update({name: part for name, part in vars(self).items() if name in known})
        return found

    def client(self, service: str) -> Any:
        """A client of the stack's region."""
        return self.clients.client(service)

    @cached_property
    def stack(self) -> dict[str, Any]:
        """CloudFormation's description of the stack."""
        try:
            found: dict[str, Any] = self.client("cloudformation").describe_stacks(
                StackName=self.location.stack_name
            )["Stacks"][0]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            raise OpsError(
                f"there is no stack {self.location.stack_name} in {self.location.region}: "
                "check --env, --stack, --region and the AWS account"
            ) from None
        return found

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by key."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack.get("Outputs", [])}

    @property
    def api_url(self) -> str:
        """The API's base URL; sign-ups are posted to /signups/NAME below it."""
        return self.location.api_url or self._of_emulator() or self._of_stack(self.outputs, "ApiUrl")

    def _of_emulator(self) -> str:
        """The API's address in an emulator of AWS on this machine, if AWS_ENDPOINT_URL names one; else ""."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
        if urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost"):
            return ""
        return f"{endpoint}/_aws/execute-api/{self._of_stack(self.outputs, 'ApiId')}/v1"

    @cached_property
    def settings(self) -> Settings:
        """The functions' settings, from the stack's outputs and parameters."""
        given = self.stack.get("Parameters", [])
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in given}

        def output(key: str) -> str:
            return self._of_stack(self.outputs, key)

        def parameter(key: str) -> str:
            return self._of_stack(parameters, key)

        return Settings.read(
            {
                "CLEMTA_BASE_URL": parameter("ClemtaBaseUrl"),
                "CLEMTA_SECRET_ID": output("ClemtaSecretId"),
                "SIGNING_SECRET_ID": output("SigningSecretId"),
                "LEDGER_TABLE": output("LedgerTableName"),
                "LEDGER_PEPPER_ID": output("LedgerPepperId"),
                "RETRY_QUEUE_URL": output("RetryQueueUrl"),
                "DEAD_LETTER_QUEUE_URL": output("DeadLetterQueueUrl"),
                "HELD_QUEUE_URL": output("HeldQueueUrl"),
                "DEFAULT_COMPANY_ID": parameter("DefaultCompanyId"),
                "RETRY_BASE_SECONDS": parameter("RetryBaseSeconds"),
                "GIVE_UP_HOURS": parameter("GiveUpHours"),
                "SEARCH_LAG_SECONDS": parameter("SearchLagSeconds"),
                "RECHECK_SECONDS": parameter("RecheckSeconds"),
                "CLEMTA_REQUESTS_PER_MINUTE": parameter("ClemtaRequestsPerMinute"),
                "PROVEN_EVERY": parameter("ProvenEvery"),
                "LIST_SECONDS": parameters.get("ListSeconds", "0"),  # earlier templates have none
                "EVENT_BUS": parameters.get("EventBusName", ""),  # earlier templates have none
            }
        )

    def _of_stack(self, values: Mapping[str, str], key: str) -> str:
        if key not in values:
            raise OpsError(f"the stack {self.location.stack_name} has no {key}: is it a clemta-intake stack?")
        return values[key]

    @cached_property
    def deps(self) -> "Dependencies":
        """The functions' dependencies, with the operator's clients and sources file."""
        from clemta_intake.dependencies import Dependencies

        return Dependencies(self.settings, self.clients, lambda: self.tables)

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The unchecked tables of the sources file."""
        from clemta_intake.sources.config import read_sources

        return read_sources(present(self.sources_file))

    @property
    def default_company_id(self) -> str:
        """The company of a source that names none."""
        return self.settings.default_company_id

    @cached_property
    def sources(self) -> "dict[str, Form | Webhook]":
        """Every source of the sources file, validated."""
        from pydantic import ValidationError

        from clemta_intake.sources.config import InvalidSources, to_source

        company = self.default_company_id
        try:
            return {name: to_source(name, table, company) for name, table in self.tables.items()}
        except ValidationError:
            raise InvalidSources(
                f"{self.sources_file} has mistakes: clemta-intake sources check lists them"
            ) from None

    def source(self, name: str) -> "Form | Webhook":
        """The source of that name."""
        if name not in self.sources:
            raise OpsError(f"{self.sources_file.name} has no source {name}; it has {', '.join(self.sources)}")
        return self.sources[name]


class SourcesOnly(Environment):
    """A sources file without a stack. NO_COMPANY stands for the stack's default company."""

    NO_COMPANY = "0" * 24
    default_company_id = NO_COMPANY

    def __init__(self, sources_file: Path) -> None:
        super().__init__(StackLocation("", ""), sources_file)
