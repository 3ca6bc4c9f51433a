"""Prism stands between our client and the stand-in, and holds both to Clemta's OpenAPI, where that is at hand."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from clemta_intake.clemta.client import Clemta
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ContactGone, KeyRefused
from clemta_intake.transport import Transport
from local.bridge import is_open
from local.clemta import DEFAULT_API_KEY, StandIn
from local.processes import HOST, free_port
from tests.support.fakes import FakeRateLimit, contact
from tests.support.judges import installed

SPEC = Path(__file__).parents[3] / "shared" / "clemta" / "openapi.json"
FULL = contact(
    name="Ada Öztürk 🙂",
    description="two\nlines",
    cc_emails=("cc@example.com",),
    bcc_emails=("bcc@example.com",),
    status="active",
    billing={
        "phone": "5321234567",
        "phone_code": "+90",
        "iso_code": "TR",
        "country": "Türkiye",
        "tax_id": "1",
    },
)

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="Clemta's OpenAPI is not at hand")


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(rate_limit=10_000) as clemta:
        yield clemta


@pytest.fixture(scope="module")
def prism(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism's URL: it refuses a request, or an answer of the stand-in's, that the description does not allow."""
    node, folder = installed()
    port = free_port()
    program = folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    command = [node, str(program), "proxy", "--errors", "--host", HOST, "--port", str(port)]
    log = tmp_path_factory.mktemp("prism") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, str(SPEC), stand_in.url], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        eventually_open(port, process, log)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait()


def eventually_open(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Returns when Prism listens."""
    for _ in range(600):
        if is_open(HOST, [port]):
            return
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(log.read_text())


@pytest.fixture
def client(prism: str, stand_in: StandIn) -> Clemta:
    stand_in.reset()
    return Clemta(prism, lambda stale: DEFAULT_API_KEY, FakeRateLimit(), Transport())


def soon() -> Deadline:
    return Deadline.after(20)


def test_what_the_client_creates_finds_and_updates_is_as_described(client: Clemta, stand_in: StandIn) -> None:
    contact_id = client.create(FULL, soon())
    assert [found["id"] for found in client.find(FULL, soon())] == [contact_id]
    client.update(contact_id, FULL.body(), soon())
    assert client.get(contact_id, soon())["full_name"] == FULL.full_name
    assert [stored["id"] for stored in stand_in.contacts()] == [contact_id]


def test_a_refusal_of_the_stand_ins_is_as_described(prism: str, client: Clemta) -> None:
    refused = Clemta(prism, lambda stale: "clemta_wrong", FakeRateLimit(), Transport())
    with pytest.raises(KeyRefused):
        refused.create(FULL, soon())
    with pytest.raises(ContactGone):
        client.get("0" * 24, soon())


def test_prism_refuses_what_the_description_does_not_allow(prism: str) -> None:
    body: dict[str, Any] = {"full_name": 1}
    headers = {"X-API-Key": DEFAULT_API_KEY}
    answer = requests.post(f"{prism}/contacts", json=body, headers=headers, timeout=20, proxies={"http": ""})
    assert answer.status_code == 422
    assert "validation" in answer.json()
