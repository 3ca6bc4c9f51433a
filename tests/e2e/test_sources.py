"""Every sender's sample, signed by its own rule, through the deployed stack."""

import time
from urllib.parse import urlsplit

import pytest
import requests

from local.stack import Deployed
from ops.signers import SIGNERS
from tests.support.samples import SENDERS, Sample
from tests.support.signers import PAYLOADS, REAL, REAL_HEADERS, real_sample

from .conftest import Clemta

NAMES = SENDERS


def signed(name: str, stack: Deployed) -> tuple[bytes, dict[str, str]]:
    sample = Sample(name)
    headers = sample.signed(time.time())
    if name == "hubspot":  # it signs the address too, as it knows it
        uri = f"https://{urlsplit(stack.api_url).netloc}/v1/signups/{name}"
        headers |= SIGNERS[name](sample.secret, sample.body, int(time.time()), {}, uri=uri)
    return sample.body, headers


@pytest.mark.parametrize("name", NAMES)
def test_sample_of_each_sender_becomes_the_expected_contact(
    stack: Deployed, http: requests.Session, clemta: Clemta, name: str
) -> None:
    body, headers = signed(name, stack)
    answer = http.post(f"{stack.api_url}/signups/{name}", data=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "created")
    [contact] = clemta.contacts()
    assert contact["id"] == answer.json()["contact_id"]
    sample = Sample(name)
    assert sample.is_contact(
        {key: value for key, value in contact.items() if key in {*sample.contact, "description"}}
    )


@pytest.mark.parametrize("name", NAMES)
def test_p5_the_sample_of_another_sender_is_refused(
    stack: Deployed, http: requests.Session, clemta: Clemta, name: str
) -> None:
    body, headers = signed(NAMES[NAMES.index(name) - 1], stack)
    answer = http.post(f"{stack.api_url}/signups/{name}", data=body, headers=headers, timeout=30)
    assert answer.status_code == 401
    assert not clemta.contacts()


def test_token_may_be_in_the_query(stack: Deployed, http: requests.Session, clemta: Clemta) -> None:
    sample = Sample("jotform")
    answer = http.post(
        f"{stack.api_url}/signups/jotform",
        data=sample.body,
        headers={"Content-Type": sample.content_type},
        params={"token": sample.secret},
        timeout=30,
    )
    assert answer.json()["status"] == "created"
    assert len(clemta.contacts()) == 1


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the senders' own samples are not at hand")
@pytest.mark.parametrize("name", sorted(REAL))
def test_the_senders_own_sample_becomes_a_contact(
    stack: Deployed, http: requests.Session, clemta: Clemta, name: str
) -> None:
    """One without an e-mail address is parked."""
    body, content_type = real_sample(name)
    secret = Sample(name).secret
    uri = {"uri": f"https://{urlsplit(stack.api_url).netloc}/v1/signups/hubspot"} if name == "hubspot" else {}
    proof = SIGNERS[name](secret, body, int(time.time()), {}, **uri)
    headers = {"Content-Type": content_type, **REAL_HEADERS, **proof}
    answer = http.post(f"{stack.api_url}/signups/{name}", data=body, headers=headers, timeout=30)
    expected = REAL[name][1]
    assert answer.json()["status"] == ("parked" if expected == "" else "created")
    assert len(clemta.contacts()) == (0 if expected == "" else 1)
    if expected:
        assert clemta.contacts()[0]["email"] == expected
