"""The senders' own samples, where they are at hand, and the standard's own signer."""

from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook as Standard

PAYLOADS = Path(__file__).parents[3] / "shared" / "payloads"
"""The senders' own samples, where they are at hand."""


def library_signature(secret: str, identity: str, now: Any, body: str) -> str:
    """The Standard Webhooks library's own."""
    return str(Standard(secret).sign(identity, now, body))


REAL = {
    "auth0": ("auth0/user.created.json", "nick-testing-21@example.com"),
    "clerk": ("clerk/user.created.json", "example@example.org"),
    "supabase": ("supabase/before-user-created.json", "valid.email@supabase.com"),
    "workos": ("workos/user.created.json", "marcelina.davis@example.com"),
    "paddle": ("paddle/customer.created.json", None),
    "shopify": ("shopify/customers.create.json", None),
    "woocommerce": ("woocommerce/customer.created.json", None),
    "polar": ("polar/customer.created.derived.json", None),
    "typeform": ("typeform/form_response.2023.json", ""),
    "tally": ("tally/form_response.all_fields.json", None),
    "webflow": ("webflow/form_submission.json", None),
    "netlify": ("netlify/submission_created.json", None),
    "calendly": ("calendly/invitee.created.json", "test@example.com"),
    "cal-com": ("calcom/BOOKING_CREATED.json", None),
    "lemon-squeezy": ("lemonsqueezy/order_created.json", None),
    "mailchimp": ("mailchimp/subscribe.urlencoded.txt", None),
    "jotform": ("jotform/form_submission_contact.multipart.txt", None),
    "stripe": ("stripe/customer.created.json", ""),
    "hubspot": ("hubspot/contact.creation.json", ""),
    "zapier": ("zapier/post.json", ""),
}

REAL_HEADERS = {"x-shopify-topic": "customers/create", "x-wc-webhook-topic": "customer.created"}


def real_sample(name: str) -> tuple[bytes, str]:
    """The body and content type of a sender's own sample."""
    path = PAYLOADS / REAL[name][0]
    recorded = path.with_suffix(".headers")
    content_type = "application/json"
    if recorded.exists():
        lines = [line.partition(":") for line in recorded.read_text().splitlines()]
        given = [value.strip() for key, _, value in lines if key.lower() == "content-type"]
        content_type = given[0] if given else content_type
    elif path.name.endswith("urlencoded.txt"):
        content_type = "application/x-www-form-urlencoded"
    return path.read_bytes(), content_type
