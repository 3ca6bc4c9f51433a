"""What doctor says of what the emulator does not have: API Gateway's account settings, a DNS name, other companies."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.model import ListState
from clemta_intake.settings import Settings
from clemta_intake.sources.config import to_source
from clemta_intake.transport import Transport, TransportError
from ops.doctor import deployment
from ops.doctor.clemta import clemta, clemta_list
from ops.environments import Environment, StackLocation
from ops.people import as_contacts
from tests.support.fakes import COMPANY
from tests.unit.test_settings_and_deadlines import ENVIRONMENT


class Gateway:
    """API Gateway's answers."""

    def __init__(self, stages: tuple[str, ...], role: str | None) -> None:
        self._stages = stages
        self._role = role

    def get_stages(self, **_: str) -> dict[str, Any]:
        return {"item": [{"stageName": name} for name in self._stages]}

    def get_account(self) -> dict[str, Any]:
        return {"cloudwatchRoleArn": self._role} if self._role else {}


class Deployed(Environment):
    """A stack with these outputs."""

    def __init__(self, gateway: Gateway, outputs: dict[str, str]) -> None:
        super().__init__(StackLocation("stack", "eu-central-1"), Path("sources.toml"))
        self.outputs = {"ApiId": "a1", **outputs}
        self._gateway = gateway

    def client(self, service: str) -> Any:
        assert service == "apigateway"
        return self._gateway


def states(
    stages: tuple[str, ...] = ("v1",), role: str | None = None, outputs: dict[str, str] | None = None
) -> dict[str, str]:
    checks = list(deployment.gateway(Deployed(Gateway(stages, role), outputs or {})))
    assert all(check.do for check in checks if check.state != "ok")
    return {check.name: check.state for check in checks}


def test_a2_doctor_finds_a_stage_that_an_early_template_left() -> None:
    assert states() == {"stages": "ok"}
    [check] = deployment.gateway(Deployed(Gateway(("Stage", "v1"), None), {}))
    assert check.state == "fail"
    assert check.do == "aws apigateway delete-stage --rest-api-id a1 --stage-name Stage"


@pytest.mark.parametrize(("role", "state"), [(None, "note"), ("arn:aws:iam::0:role/logs", "ok")])
def test_a21_doctor_says_when_the_account_lacks_the_role_that_the_access_log_needs(
    role: str | None, state: str
) -> None:
    assert states(role=role, outputs={"AccessLogGroup": "group"}) == {"stages": "ok", "access log": state}


@pytest.mark.parametrize("outputs", [{}, {"DomainTarget": "d-1.execute-api.eu-central-1.amazonaws.com"}])
def test_a6_doctor_names_the_dns_entry_that_a_custom_domain_needs(
    tmp_path: Path, outputs: dict[str, str]
) -> None:
    url = "http://127.0.0.1:1/v1"  # where nobody listens
    env = Environment(StackLocation("t", "eu-central-1", None, url), tmp_path / "sources.toml")
    vars(env)["outputs"] = outputs
    [check] = deployment.api(env)
    assert check.state == "fail"
    assert f"open {url}/health" in check.do
    for target in outputs.values():
        assert f"point its name at {target} in your DNS" in check.do


OTHER = "0123456789abcdef01234567"


class Routed(Environment):
    """A stack with one source, which routes."""

    def __init__(self) -> None:
        super().__init__(StackLocation("stack", "eu-central-1"), Path("sources.toml"))
        to = {"izmir": {"company_id": OTHER}, "press": {"contact_type": "vendor"}}
        table = {"kind": "form", "route": {"by": "body.office", "to": to}}
        self.sources = {"website": to_source("website", table, COMPANY)}
        self.settings = SimpleNamespace(clemta_base_url="https://clemta.example.com")  # type: ignore[assignment]
        self.deps = SimpleNamespace(secrets=SimpleNamespace(api_key=lambda _: "k"), contact_lists=None)  # type: ignore[assignment]


def test_doctor_asks_clemta_about_every_company_that_a_route_leads_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def send(_self: object, request: HttpRequest, *_timeout: float) -> HttpResponse:
        asked.append(request.query["company_id"])
        return HttpResponse(200, {}, b"{}")

    monkeypatch.setattr(Transport, "send", send)
    assert [check.state for check in clemta(Routed()) if check.name == "clemta"] == ["ok", "ok"]
    assert asked == sorted([COMPANY, OTHER])


@pytest.mark.parametrize(
    ("created_at", "states"),
    [
        ([300, 200, 200, 100], ["ok", "ok"]),
        ([100, 200, 300], ["note", "note"]),
        ([300, 300], []),  # which tells nothing
        ([], []),
    ],
)
def test_doctor_says_whether_clemta_lists_the_newest_contacts_first(
    monkeypatch: pytest.MonkeyPatch, created_at: list[int], states: list[str]
) -> None:
    page = [{"id": str(n), "created_at": at} for n, at in enumerate(created_at)]
    body = json.dumps({"success": True, "data": {"contacts": page}}).encode()
    monkeypatch.setattr(Transport, "send", lambda *_: HttpResponse(200, {}, body))
    checks = [check for check in clemta(Routed()) if check.name == "clemta order"]
    assert [check.state for check in checks] == states
    assert all(check.do for check in checks if check.state == "note")


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("created", "page", "state"),
    [
        ([("c9", NOW - 5), ("c1", NOW - 50)], [("c9", NOW - 5), ("c1", NOW - 50)], "ok"),
        ([("c9", NOW - 500)], [("c1", NOW - 900)], "note"),
        ([("c9", NOW - 5)], [("c1", NOW - 900)], ""),  # it may still come
        ([("c9", NOW - 500)], [("c1", NOW - 50)], ""),  # it may be on a later page
        ([], [("c1", NOW - 50)], ""),
    ],
)
def test_doctor_says_whether_clemtas_list_shows_the_contact_that_was_created_last(
    monkeypatch: pytest.MonkeyPatch,
    created: list[tuple[str, float]],
    page: list[tuple[str, float]],
    state: str,
) -> None:
    contacts = [{"id": contact_id, "created_at": at} for contact_id, at in page]
    body = json.dumps({"success": True, "data": {"contacts": contacts}}).encode()
    monkeypatch.setattr(Transport, "send", lambda *_: HttpResponse(200, {}, body))
    monkeypatch.setattr(time, "time", lambda: NOW)
    logged = [{"contact_id": contact_id, "at": at} for contact_id, at in created]
    monkeypatch.setitem(clemta_list.__globals__, "lines", lambda *_: logged)
    env = Routed()
    for list_seconds, advice in ((0, True), (10, False)):
        env.settings = SimpleNamespace(  # type: ignore[assignment]
            clemta_base_url="https://clemta.example.com", search_lag_seconds=120, list_seconds=list_seconds
        )
        checks = [*clemta_list(env)]
        assert [check.state for check in checks] == ([state] if state else [])
        if state == "ok":
            assert ("ListSeconds" in checks[0].says) is advice
        assert all(check.do for check in checks if check.state == "note")


def test_doctor_says_why_clemtas_list_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {COMPANY: ListState(off_until=time.time() + 1_200, trouble="not the newest first")}
    monkeypatch.setitem(clemta_list.__globals__, "lines", lambda *_: [])
    env = Routed()
    lists = SimpleNamespace(current=lambda company: states.get(company, ListState()))
    env.deps = SimpleNamespace(contact_lists=lists)  # type: ignore[assignment]
    [check] = clemta_list(env)
    assert (check.state, "20 minutes: not the newest first" in check.says) == ("note", True)
    assert COMPANY in check.says


def test_doctor_says_nothing_of_the_list_of_a_clemta_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> HttpResponse:
        raise TransportError("timeout")

    monkeypatch.setattr(Transport, "send", fails)
    monkeypatch.setitem(clemta_list.__globals__, "lines", lambda *_: [{"contact_id": "c9", "at": NOW}])
    assert [*clemta_list(Routed())] == []


def test_p4_find_and_erase_look_wherever_a_route_leads() -> None:
    found = [(one.company_id, one.type) for one in as_contacts(Routed(), "ada@example.com")]
    assert found == [(OTHER, "customer"), (COMPANY, "customer"), (COMPANY, "vendor")]


class Bridge:
    """EventBridge's answer: the bus, or an error with this code."""

    def __init__(self, code: str = "") -> None:
        self._code = code

    def describe_event_bus(self, **_: str) -> dict[str, str]:
        if self._code:
            raise ClientError({"Error": {"Code": self._code}}, "DescribeEventBus")
        return {"Name": "sign-ups"}


class Announcing(Environment):
    """A stack with this EventBusName."""

    def __init__(self, bus: str, bridge: Bridge) -> None:
        super().__init__(StackLocation("stack", "eu-central-1"), Path("sources.toml"))
        self.settings = Settings.read(ENVIRONMENT | {"EVENT_BUS": bus})
        self._bridge = bridge

    def client(self, service: str) -> Any:
        assert service == "events"
        return self._bridge


def test_doctor_checks_the_event_bus_if_the_stack_has_one() -> None:
    assert not [*deployment.event_bus(Announcing("", Bridge("AccessDenied")))]
    [good] = deployment.event_bus(Announcing("sign-ups", Bridge()))
    assert (good.state, good.says) == ("ok", "sign-ups")
    [missing] = deployment.event_bus(Announcing("sign-ups", Bridge("ResourceNotFoundException")))
    assert missing.state == "fail"
    assert "there is no bus sign-ups in eu-central-1" in missing.says
    with pytest.raises(ClientError):
        list(deployment.event_bus(Announcing("sign-ups", Bridge("AccessDeniedException"))))
