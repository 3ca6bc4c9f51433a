"""What `sam local invoke` and `sam local start-api` need: a template, and the functions' environment variables."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from local.clients import KEYS, REGION
from local.processes import HOST

FUNCTIONS = ("ReceiveFunction", "RedeliverFunction")
TEMPLATE = "local.yaml"  # in the folder of a build
CONTAINERS_HOST = "host.docker.internal"  # this machine's name in a container
# SAM passes a variable of --env-vars only if the template declares it.
DECLARED = (
    *("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION"),
)


class Configuration(NamedTuple):
    """A deployed function as Lambda describes it."""

    handler: str
    memory: int  # MB
    timeout: int  # seconds
    variables: Mapping[str, str]


def architecture() -> str:
    """This machine's processor, in Lambda's words."""
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def ensure_template(build: Path) -> Path:
    """The template for `sam local` in the build's folder: it declares AWS's variables, and names unpacked bundles."""
    path = build / TEMPLATE
    if not path.exists():
        from samcli.yamlhelper import yaml_dump, yaml_parse

        template = yaml_parse((build / "template.yaml").read_text())
        template["Parameters"]["Architecture"]["Default"] = architecture()
        template["Globals"]["Function"]["Environment"]["Variables"] |= dict.fromkeys(DECLARED, "")
        for name in FUNCTIONS:
            template["Resources"][name]["Properties"]["CodeUri"] = name
        complete = path.with_suffix(".new")
        complete.write_text(yaml_dump(template))
        complete.replace(path)
    return path


def configuration(cloudformation: Any, functions: Any, stack_name: str, function: str) -> Configuration:
    """The configuration of a deployed stack's function; the clients are CloudFormation's and Lambda's."""
    resource = cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId=function)
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    found = functions.get_function_configuration(FunctionName=name)
    variables = found["Environment"]["Variables"]
    return Configuration(found["Handler"], found["MemorySize"], found["Timeout"], variables)


def local_variables(variables: Mapping[str, str], endpoint: str, host: str) -> dict[str, str]:
    """A function's variables for a place from which `host` is this machine: AWS there is the emulator at `endpoint`."""

    def from_there(value: str) -> str:
        return value.replace(f"//{HOST}:", f"//{host}:")

    return {
        **{name: from_there(value) for name, value in variables.items()},
        **KEYS,
        "AWS_ENDPOINT_URL": from_there(endpoint),
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
