"""The handler that Powertools tutorials teach: Logger, Tracer, Metrics, resolver, parameters. No promise is kept."""

import os
from typing import Any
from urllib.parse import parse_qs

import requests
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from pydantic import BaseModel

logger = Logger()
tracer = Tracer()
metrics = Metrics()
app = APIGatewayRestResolver()


class Contact(BaseModel):
    """Clemta's four required fields."""

    type: str
    full_name: str
    email: str
    company_id: str


@app.post("/signups/<source>")
@tracer.capture_method
def sign_up(source: str) -> dict[str, Any]:
    """A form post becomes a contact."""
    fields = {name: values[0] for name, values in parse_qs(app.current_event.decoded_body or "").items()}
    contact = Contact(
        type="customer",
        full_name=fields["full_name"],
        email=fields["email"],
        company_id=os.environ["DEFAULT_COMPANY_ID"],
    )
    api_key = parameters.get_secret(os.environ["CLEMTA_SECRET_ID"], max_age=300)
    answer = requests.post(
        os.environ["CLEMTA_BASE_URL"] + "/contacts",
        json=contact.model_dump(),
        headers={"X-API-Key": str(api_key)},
        timeout=5,
    )
    answer.raise_for_status()
    metrics.add_metric(name="Created", unit=MetricUnit.Count, value=1)
    return {"status": "created", "id": answer.json()["data"]["id"]}


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The entry point."""
    return app.resolve(event, context)
