"""One TLS context for AWS and Clemta: what is trusted is as strict as before, and read once."""

from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import certifi
import pytest

from clemta_intake import coldstart
from clemta_intake.dependencies import Dependencies
from clemta_intake.http_values import HttpRequest
from clemta_intake.transport import NoAnswer, Transport
from local.clemta import StandIn
from tests.integration.conftest import Aws


def test_every_client_uses_it(aws: Aws, parts: Dependencies, certificate: tuple[str, str]) -> None:
    for client in (parts._sqs, parts._dynamodb, parts._secretsmanager):
        endpoint: Any = client._endpoint  # type: ignore[union-attr]
        assert endpoint.http_session._manager.connection_pool_kw["ssl_context"] is coldstart.context()
    transport = Transport()
    with (
        StandIn(certfile=certificate[0], keyfile=certificate[1]) as server,
        pytest.raises(NoAnswer, match="SSL"),
    ):
        transport.send(HttpRequest("GET", server.url), 1, 2)
    [pool] = transport._adapter.poolmanager.pools._container.values()
    assert pool.conn_kw["ssl_context"] is coldstart.context()


def test_p5_a_stranger_who_says_to_be_aws_gets_nothing(aws: Aws, certificate: tuple[str, str]) -> None:
    with StandIn(certfile=certificate[0], keyfile=certificate[1]) as stranger:
        client = boto3.client("secretsmanager", endpoint_url=stranger.url)
        with pytest.raises(botocore.exceptions.SSLError):
            client.get_secret_value(SecretId="key")
        assert not stranger.requests


def test_the_list_of_authorities_is_read_once(tmp_path: Path) -> None:
    coldstart.context.cache_clear()
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(Path(certifi.where()).read_bytes())
    context = coldstart.context()
    context.load_verify_locations(str(authorities), None, None)
    known = len(context.get_ca_certs())
    authorities.unlink()  # to read it again would fail
    context.load_verify_locations(str(authorities), None, None)
    assert len(context.get_ca_certs()) == known > 100
    coldstart.context.cache_clear()
