"""A deployed stack as the operator sees it: where it is, what it is made of, and its parts with the operator's keys."""

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from pydantic import ValidationError

from clemta_intake.clemta.client import Clemta
from clemta_intake.dependencies import Dependencies
from clemta_intake.settings import Settings
from clemta_intake.sources.config import Form, InvalidSources, Webhook, read_sources, to_source
from clemta_intake.transport import Transport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


_SIGN_IN = "set AWS_PROFILE, or sign in (aws sso login)"
_SIGNED_OUT = (
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("AuthFailure", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class OpsError(Exception):
    """What the operator asked for cannot be done; the text is one line that says why, and what helps."""


@dataclass(frozen=True)
class Place:
    """Which stack, and how its AWS is reached: `endpoint_url` and `api_url` are given for the local one."""

    stack_name: str
    region: str
    endpoint_url: str | None = None
    api_url: str | None = None

    @classmethod
    def named(cls, env: str, project: Path) -> "Place":
        """The stack of an environment: the local one that is up, or what samconfig.toml says."""
        if env == "local":
            return cls._local(project / ".local" / "stack.json")
        file = project / "samconfig.toml"
        try:
            match tomllib.loads(file.read_text(encoding="utf-8")).get(env):
                case {"deploy": {"parameters": {"stack_name": str(name), "region": str(region)}}}:
                    return cls.stack(name, region)
                case {"deploy": {"parameters": {"stack_name": str(name)}}}:
                    return cls.stack(name, None)
        except FileNotFoundError:
            raise OpsError(f"there is no {file}: run this in the project's folder, or give --stack") from None
        except ValueError as error:
            raise OpsError(f"{file.name} cannot be read: {error}") from error
        raise OpsError(f"{file.name} names no stack for {env}: [{env}.deploy.parameters] stack_name")

    @classmethod
    def stack(cls, name: str, region: str | None) -> "Place":
        """A stack by its name; without a region, in the one of the AWS settings."""
        found = region or boto3.Session().region_name
        if not found:
            raise OpsError("no region: give --region, or set AWS_REGION")
        return cls(name, found)

    @classmethod
    def _local(cls, file: Path) -> "Place":
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


class Environment:
    """One deployed stack; everything is read when it is first needed."""

    def __init__(self, place: Place, sources_file: Path) -> None:
        self.place = place
        self.sources_file = sources_file
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's region, one a service; the emulator is asked with its own keys alone."""
        if service not in self._clients:
            if self.place.endpoint_url:
                bare = botocore.session.Session({"profile": (None, None, None, None)})
                session = boto3.Session(
                    aws_access_key_id="test",
                    aws_secret_access_key="test",  # noqa: S106 - the emulator's, and no secret
                    botocore_session=bare,
                )
                config = _CONFIG.merge(Config(proxies={}))
            else:
                session, config = boto3.Session(), _CONFIG
            self._clients[service] = session.client(  # type: ignore[call-overload]
                service,
                region_name=self.place.region,
                endpoint_url=self.place.endpoint_url,
                config=config,
            )
        return self._clients[service]

    @cached_property
    def stack(self) -> dict[str, Any]:
        """CloudFormation's description of it."""
        try:
            found: dict[str, Any] = self.client("cloudformation").describe_stacks(
                StackName=self.place.stack_name
            )["Stacks"][0]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            raise OpsError(
                f"there is no stack {self.place.stack_name} in {self.place.region}: "
                "look at --env, --stack, --region and the AWS account"
            ) from None
        return found

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by key."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack.get("Outputs", [])}

    @property
    def api_url(self) -> str:
        """Where sign-ups are posted, below /signups/."""
        return self.place.api_url or self._of_stack(self.outputs, "ApiUrl")

    @cached_property
    def settings(self) -> Settings:
        """What the functions are told, from the stack's outputs and parameters."""
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
            }
        )

    def _of_stack(self, values: Mapping[str, str], key: str) -> str:
        if key not in values:
            raise OpsError(f"the stack {self.place.stack_name} has no {key}: is it a clemta-intake stack?")
        return values[key]

    @cached_property
    def parts(self) -> "Parts":
        """The functions' own parts."""
        return Parts(self.settings, self.client, self.sources_file)

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The sources file as it is written."""
        return read_sources(present(self.sources_file))

    @cached_property
    def sources(self) -> dict[str, Form | Webhook]:
        """Every source of the sources file, checked."""
        company = self.settings.default_company_id
        try:
            return {name: to_source(name, table, company) for name, table in self.tables.items()}
        except ValidationError:
            raise InvalidSources(
                f"{self.sources_file} has mistakes: clemta-intake sources check lists them"
            ) from None

    def source(self, name: str) -> Form | Webhook:
        """The source of that name."""
        if name not in self.sources:
            raise OpsError(f"{self.sources_file.name} has no source {name}; it has {', '.join(self.sources)}")
        return self.sources[name]


class Parts(Dependencies):
    """The parts that run in Lambda, over the operator's clients and sources file."""

    def __init__(self, settings: Settings, client: Callable[[str], Any], sources_file: Path) -> None:
        super().__init__(settings)
        self._client = client
        self._sources_file = sources_file

    @cached_property
    def clemta(self) -> Clemta:
        """Clemta, within the request budget that the functions share."""
        return Clemta(self.settings.clemta_base_url, self.api_key, self.budget, Transport())

    @cached_property
    def _tables(self) -> dict[str, Any]:
        return read_sources(self._sources_file)

    @cached_property
    def _sqs(self) -> "SQSClient":
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def _secretsmanager(self) -> "SecretsManagerClient":
        client: SecretsManagerClient = self._client("secretsmanager")
        return client


def trouble(error: ClientError | BotoCoreError, *, local: bool) -> tuple[str, str]:
    """What is wrong with AWS, and what helps."""
    if isinstance(error, ClientError):
        code, text = (error.response.get("Error", {}).get(key) for key in ("Code", "Message"))
        if code in _SIGNED_OUT:
            return f"AWS does not accept the credentials ({code})", _SIGN_IN
        return f"AWS refuses {error.operation_name}: {code}: {text}", "look at your AWS permissions"
    if isinstance(error, _NO_CREDENTIALS):
        return "no AWS credentials", _SIGN_IN
    if local:
        return "the local stack does not answer", "run make up"
    return f"AWS does not answer: {type(error).__name__}", "look at region and network"


def present(file: Path) -> Path:
    """The sources file, if there is one."""
    if not file.is_file():
        raise OpsError(
            f"there is no sources file {file}: run this in the project's folder, or give --sources"
        )
    return file


def project_folder() -> Path:
    """The nearest folder from here up with a samconfig.toml; here if there is none."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "samconfig.toml").is_file()), here)


def sources_file(project: Path) -> Path:
    """The sources file: SOURCES_FILE, or the project's."""
    given = os.environ.get("SOURCES_FILE")
    return Path(given) if given else project / "functions" / "sources.toml"
