"""The sign-up that `make run` sends through the stack, and the contact that it becomes."""

import json
import time
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request

from local.clients import DIRECT

EXAMPLE_EMAIL = "ada@example.com"


def sign_up(api_url: str) -> bool:
    """Sends a form post as a web page does, prints the answer, and returns whether its status is 200."""
    person = {
        "full_name": "Ada Example",
        "email": EXAMPLE_EMAIL,
        "phone": "+90 532 123 45 67",
        "country": "Türkiye",
    }
    request = Request(f"{api_url}/signups/website", urlencode(person).encode())  # noqa: S310 - our own
    try:
        with DIRECT.open(request, timeout=30) as answer:
            status, body = answer.status, answer.read().decode()
    except HTTPError as error:
        status, body = error.code, error.read().decode()
    print(f"\nPOST /signups/website\n{json.dumps(person, ensure_ascii=False)}\n\nanswered {status}\n{body}")
    return bool(status == HTTPStatus.OK)


def print_contact(clemta_url: str, seconds: float) -> None:
    """Prints the contact of the sign-up as the stand-in has it; waits at most this long for it."""
    contact = wait_for_contact(clemta_url, EXAMPLE_EMAIL, seconds)
    if contact is None:
        print("\nno such contact in Clemta's stand-in yet\nsee the console page")
    else:
        print(f"\nthe contact in Clemta's stand-in\n{json.dumps(contact, indent=2, ensure_ascii=False)}")


def wait_for_contact(clemta_url: str, email: str, seconds: float) -> Any:
    """The stand-in's contact with this address as soon as it exists; None if it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        with DIRECT.open(f"{clemta_url}/_stand-in/contacts", timeout=10) as answer:
            contacts = json.load(answer)["contacts"]
        found = [contact for contact in contacts if contact["email"] == email]
        if found or time.monotonic() > deadline:
            return found[0] if found else None
        time.sleep(0.1)
