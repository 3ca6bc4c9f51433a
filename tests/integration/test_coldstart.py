"""One TLS context for AWS and Clemta: it trusts the same authorities as before, and reads them once."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import certifi
import pytest
import trim_bundle
from botocore.httpsession import URLLib3Session

from clemta_intake import coldstart
from clemta_intake.aws_clients import LambdaClients
from clemta_intake.http_values import HttpRequest
from clemta_intake.settings import Settings
from clemta_intake.transport import NoAnswer, Transport
from local.clemta import StandIn
from tests.integration.conftest import KEYS, Aws


def test_all_clients_of_the_functions_share_one_tls_context(
    aws: Aws, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session_class: Any = URLLib3Session
    monkeypatch.setattr(
        session_class, "_get_ssl_context", session_class._get_ssl_context
    )  # restored afterwards
    coldstart.share_tls_context()
    clients = LambdaClients()
    for service in ("sqs", "dynamodb", "secretsmanager"):
        endpoint = clients.client(service)._endpoint
        assert endpoint.http_session._manager.connection_pool_kw["ssl_context"] is coldstart.tls_context()
    transport = Transport()
    with (
        StandIn(certfile=certificate[0], keyfile=certificate[1]) as server,
        pytest.raises(NoAnswer, match="SSL"),
    ):
        transport.send(HttpRequest("GET", server.url), 1, 2)
    [pool] = transport._adapter.poolmanager.pools._container.values()
    assert pool.conn_kw["ssl_context"] is coldstart.tls_context()


def test_p5_server_with_a_foreign_certificate_gets_no_request(aws: Aws, certificate: tuple[str, str]) -> None:
    with StandIn(certfile=certificate[0], keyfile=certificate[1]) as stranger:
        client = boto3.client("secretsmanager", endpoint_url=stranger.url)
        with pytest.raises(botocore.exceptions.SSLError):
            client.get_secret_value(SecretId="key")
        assert not stranger.requests


def test_certificate_authorities_are_loaded_once(tmp_path: Path) -> None:
    coldstart.tls_context.cache_clear()
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(Path(certifi.where()).read_bytes())
    context = coldstart.tls_context()
    context.load_verify_locations(str(authorities), None, None)
    known = len(context.get_ca_certs())
    authorities.unlink()  # to read it again would fail
    context.load_verify_locations(str(authorities), None, None)
    assert len(context.get_ca_certs()) == known > 100
    coldstart.tls_context.cache_clear()


OWN_AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")  # botocore reads them; nobody reads SSL_CERT_FILE


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """certifi's folder in a bundle; what urllib3 gives to the context is its file."""
    folder = tmp_path / "certifi"
    folder.mkdir()
    shutil.copyfile(certifi.where(), folder / "cacert.pem")
    monkeypatch.setattr(certifi, "where", lambda: str(folder / "cacert.pem"))
    coldstart.tls_context.cache_clear()
    return folder


def loaded(file: Path) -> list[Any]:
    """What a new context reads of the file at once."""
    coldstart.tls_context.cache_clear()
    coldstart.tls_context().load_verify_locations(str(file), None, None)
    return coldstart.tls_context().get_ca_certs()


def answer_over_tls(port: int, authorities: str) -> str:
    """The protocol of a connection under a new context that trusts these authorities."""
    coldstart.tls_context.cache_clear()
    context = coldstart.tls_context()
    context.load_verify_locations(authorities, None, None)
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        return str(secure.version())


def test_p5_a_bundle_trusts_certifis_authorities_and_no_other(
    bundled: Path, certificate: tuple[str, str]
) -> None:
    with StandIn(certfile=certificate[0], keyfile=certificate[1]) as server:
        port = int(server.url.rpartition(":")[2])
        trim_bundle.hash_authorities(bundled)
        with pytest.raises(ssl.SSLCertVerificationError):
            answer_over_tls(port, certifi.where())
        with (bundled / "cacert.pem").open("a") as authorities:
            authorities.write(Path(certificate[0]).read_text())
        trim_bundle.hash_authorities(bundled)
        assert answer_over_tls(port, certifi.where()).startswith("TLS")
        assert len(coldstart.tls_context().get_ca_certs()) == 1, "only what was needed is read"


def test_only_certifis_own_file_is_replaced(bundled: Path, certificate: tuple[str, str]) -> None:
    assert len(loaded(bundled / "cacert.pem")) > 100, "there is no folder of authorities"
    trim_bundle.hash_authorities(bundled)
    assert loaded(bundled / "cacert.pem") == []
    assert len(loaded(Path(certificate[0]))) == 1
    coldstart.tls_context.cache_clear()


@pytest.mark.parametrize("variable", OWN_AUTHORITIES)
def test_own_authorities_of_the_environment_are_trusted(
    aws: Aws, certificate: tuple[str, str], bundled: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    trim_bundle.hash_authorities(bundled)
    monkeypatch.setattr(URLLib3Session, "_get_ssl_context", lambda _: coldstart.tls_context())
    for name in OWN_AUTHORITIES:  # the machine may have its own
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, certificate[0])
    with StandIn(certfile=certificate[0], keyfile=certificate[1]) as server:
        client = boto3.client("secretsmanager", endpoint_url=server.url)
        with pytest.raises(botocore.exceptions.ClientError):  # the server answered: it is no Secrets Manager
            client.get_secret_value(SecretId="key")
    coldstart.tls_context.cache_clear()


def loads(module: str, settings: Settings, aws_url: str) -> int:
    """The number of secrets that the function has read when it is loaded."""
    print_count = (
        "from clemta_intake.dependencies import dependencies; print(len(dependencies().secrets._cached))"
    )
    return int(printed(module, settings, aws_url, print_count))


def printed(module: str, settings: Settings, aws_url: str, then: str) -> str:
    """What a process of the function prints once it is loaded."""
    variables = {name.upper(): str(getattr(settings, name)) for name in settings._fields}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **KEYS, **variables}
    environment["AWS_ENDPOINT_URL"] = aws_url
    command = [sys.executable, "-c", f"import clemta_intake.{module}\n{then}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("module", ["receive", "redeliver"])
def test_a_function_reads_its_secrets_while_it_loads(module: str, aws: Aws) -> None:
    assert loads(module, aws.settings, aws.url) == 3


@pytest.mark.parametrize("module", ["receive", "redeliver"])
def test_p2_a_function_loads_while_aws_is_out_of_reach(module: str, aws: Aws, closed: str) -> None:
    assert loads(module, aws.settings, closed) == 0


@pytest.mark.parametrize(
    ("module", "patched"),
    [
        ("clemta_intake.receive", True),
        ("clemta_intake.redeliver", True),
        ("clemta_intake.cognito", True),
        ("clemta_intake.dependencies", False),
        ("clemta_intake.transport", False),
        ("ops.cli", False),
    ],
)
def test_only_the_entry_points_patch_botocore_and_freeze_the_garbage_collector(
    module: str, patched: bool
) -> None:
    probe = (
        "import gc; from botocore.httpsession import URLLib3Session; before = URLLib3Session._get_ssl_context\n"
        f"import {module}\n"
        "print(URLLib3Session._get_ssl_context is not before, gc.get_freeze_count() > 0, gc.isenabled())"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [str(patched), str(patched), "True"], done.stderr


SELDOM = {
    "captcha",
    "cognito",
    "contact_events",
    "contact_list",
    "contact_lists",
    "sources.page",
    "visitor_page",
}


@pytest.mark.parametrize(
    ("more", "loaded"), [({}, set()), ({"list_seconds": 10.0}, {"contact_list", "contact_lists"})]
)
def test_what_a_stack_does_not_use_is_not_imported(aws: Aws, more: dict[str, Any], loaded: set[str]) -> None:
    then = "import sys; print([name for name in sys.modules if name.startswith('clemta_intake.')])"
    found = printed("receive", aws.settings._replace(**more), aws.url, then)
    assert {name for name in SELDOM if f"'clemta_intake.{name}'" in found} == loaded
