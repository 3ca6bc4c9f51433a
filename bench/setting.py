"""AWS and Clemta on this machine for the benchmarks: the emulator and the stand-in, with nothing deployed."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError

from local import emulator
from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID, StandIn
from local.clients import KEYS, REGION, aws_client
from local.processes import HOST, Service

COMPANY = DEFAULT_COMPANY_ID


@contextmanager
def setting(
    certfile: Path | None = None, keyfile: Path | None = None
) -> Iterator[tuple[StandIn, dict[str, str]]]:
    """The stand-in, and the environment variables with which a function finds it, its table, queues and secrets.

    With a certificate, both speak TLS, as Clemta and AWS do.
    """
    tls = {"certfile": str(certfile), "keyfile": str(keyfile)} if certfile else {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        StandIn(**tls, rate_limit=10**8) as clemta,  # type: ignore[arg-type]
    ):
        service = Service("emulator", "LOCAL_AWS_PORT", Path(folder))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "TMPDIR": folder,
        } | emulator.settings(Path(folder), sys.executable)
        if certfile:
            environment |= {
                "USE_SSL": "1",
                "MINISTACK_SSL_CERT": str(certfile),
                "MINISTACK_SSL_KEY": str(keyfile),
            }
        running = service.ensure(0, emulator.command, environment)
        url = f"{'https' if certfile else 'http'}://{HOST}:{running.port}"
        authorities = str(certfile) if certfile else None
        try:
            service.wait(lambda: listening(url, authorities), 60)
            yield clemta, environment_of(url, clemta.url, authorities)
        finally:
            service.stop()


def listening(aws_url: str, authorities: str | None) -> bool:
    """Whether the emulator answers."""
    try:
        aws_client("sqs", aws_url, authorities).list_queues()
    except BotoCoreError:
        return False
    return True


def environment_of(aws_url: str, clemta_url: str, authorities: str | None) -> dict[str, str]:
    """Creates the table, the queues and the secrets, and names them in variables, as template.yaml does."""
    sqs = aws_client("sqs", aws_url, authorities)
    secrets = aws_client("secretsmanager", aws_url, authorities)
    aws_client("dynamodb", aws_url, authorities).create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )

    def secret(name: str, text: str) -> str:
        return str(secrets.create_secret(Name=name, SecretString=text)["ARN"])

    return {
        **KEYS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "CLEMTA_BASE_URL": clemta_url,
        "BENCH_API_KEY": DEFAULT_API_KEY,
        "CLEMTA_SECRET_ID": secret("key", DEFAULT_API_KEY),
        "SIGNING_SECRET_ID": secret("signing", json.dumps({"crm": "local-crm-secret"})),
        "LEDGER_PEPPER_ID": secret("pepper", "pepper"),
        "LEDGER_TABLE": "ledger",
        "RETRY_QUEUE_URL": sqs.create_queue(QueueName="retry")["QueueUrl"],
        "DEAD_LETTER_QUEUE_URL": sqs.create_queue(QueueName="dead")["QueueUrl"],
        "HELD_QUEUE_URL": sqs.create_queue(QueueName="held")["QueueUrl"],
        "DEFAULT_COMPANY_ID": COMPANY,
        "RETRY_BASE_SECONDS": "30",
        "GIVE_UP_HOURS": "72",
        "SEARCH_LAG_SECONDS": "30",
        "RECHECK_SECONDS": "300",
        "CLEMTA_REQUESTS_PER_MINUTE": "100000000",
        "PROVEN_EVERY": "5",
        "LIST_SECONDS": "0",
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
        "PYTHONHASHSEED": "0",
    }
