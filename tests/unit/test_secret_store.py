"""How old a cached secret may be, and what happens if one is missing or out of reach; the client is hand-written."""

from dataclasses import dataclass
from typing import Any, cast

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError

from clemta_intake.errors import ConfigError, KeyRefused, NotApplied, Unavailable
from clemta_intake.secret_store import SecretStore
from tests.support.fakes import Clock


@dataclass
class SecretsManager:
    """Every secret has this text, none where it is None; raises `error` if it is set; `reads` counts the calls."""

    text: str | None
    error: ClientError | BotoCoreError | None = None
    reads: int = 0

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.reads += 1
        if self.error:
            raise self.error
        return {} if self.text is None else {"SecretString": self.text}


@dataclass
class World:
    clock: Clock
    manager: SecretsManager
    store: SecretStore


@pytest.fixture
def world() -> World:
    clock, manager = Clock(), SecretsManager("clemta_old")
    store = SecretStore(
        lambda: cast(Any, manager), clock, api_key_id="key", signing_id="signing", pepper_id="pepper"
    )
    return World(clock, manager, store)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetSecretValue")


def test_a_key_is_read_once_in_five_minutes(world: World) -> None:
    for seconds, reads in ((0, 1), (299, 1), (1, 2)):
        world.clock.advance(seconds)
        assert world.store.api_key(None) == "clemta_old"
        assert world.manager.reads == reads


@pytest.mark.parametrize("text", ["%s", '{"api_key": "%s"}'], ids=["plain", "JSON"])
def test_a_rejected_key_is_read_afresh_and_the_fresh_one_is_kept(world: World, text: str) -> None:
    world.manager.text = text % "clemta_old"
    assert world.store.api_key(None) == "clemta_old"
    world.manager.text = text % "clemta_new"
    for _ in range(3):
        assert world.store.api_key("clemta_old") == "clemta_new"
    assert world.manager.reads == 2


@pytest.mark.parametrize("text", [" clemta_key\n", '{"api_key": " clemta_key\\n"}'], ids=["plain", "JSON"])
def test_white_space_around_a_key_is_no_part_of_it(world: World, text: str) -> None:
    world.manager.text = text
    assert world.store.api_key(None) == "clemta_key"


def test_a_rejected_key_is_read_afresh_although_the_clock_was_set_back(world: World) -> None:
    assert world.store.api_key(None) == "clemta_old"
    world.manager.text = "clemta_new"
    world.clock.advance(-1)
    assert world.store.api_key("clemta_old") == "clemta_new"


def test_a_rejected_key_that_is_also_too_old_is_read_once(world: World) -> None:
    assert world.store.api_key(None) == "clemta_old"
    world.clock.advance(300)
    assert world.store.api_key("clemta_old") == "clemta_old"
    assert world.manager.reads == 2


def test_p5_signing_secret_that_did_not_match_is_read_again_after_half_a_minute(world: World) -> None:
    world.manager.text = '{"crm": "one"}'
    assert world.store.signing_secrets("crm") == ("one",)
    world.manager.text = '{"crm": "two"}'
    world.clock.advance(29)
    assert world.store.signing_secrets("crm", force_refresh=True) == ("one",)
    world.clock.advance(1)
    assert world.store.signing_secrets("crm") == ("one",), (
        "without a doubt the cached one is good for 5 minutes"
    )
    assert world.store.signing_secrets("crm", force_refresh=True) == ("two",)
    assert world.store.signing_secrets("crm", force_refresh=True) == ("two",)
    assert world.manager.reads == 2


@pytest.mark.parametrize("text", [None, ""])
def test_p4_secret_without_a_value_is_read_again(world: World, text: str | None) -> None:
    world.manager.text = text
    with pytest.raises(KeyRefused, match="no usable key"):
        world.store.api_key(None)
    with pytest.raises(ConfigError, match="has no value"):
        world.store.pepper()
    assert world.store.signing_secrets("crm") == ()
    world.manager.text = "pepper"
    assert world.store.pepper() == "pepper"
    assert world.store.api_key(None) == "pepper"


OUT_OF_REACH: list[ClientError | BotoCoreError] = [
    refusal("ThrottlingException"),
    ConnectTimeoutError(endpoint_url="https://x"),
]


@pytest.mark.parametrize("error", OUT_OF_REACH, ids=["refused", "no answer"])
def test_a_known_secret_outlives_its_age_while_secrets_manager_is_out_of_reach(
    world: World, error: ClientError | BotoCoreError
) -> None:
    assert world.store.api_key(None) == "clemta_old"
    world.manager.error = error
    world.clock.advance(1_000)
    assert world.store.api_key(None) == "clemta_old"
    assert world.store.api_key("clemta_old") == "clemta_old"


@pytest.mark.parametrize(
    ("error", "code"), [(OUT_OF_REACH[0], "ThrottlingException"), (OUT_OF_REACH[1], "ConnectTimeoutError")]
)
def test_p2_an_unknown_secret_is_tried_again_later_while_secrets_manager_is_out_of_reach(
    world: World, error: ClientError | BotoCoreError, code: str
) -> None:
    world.manager.error = error
    with pytest.raises(NotApplied, match=code) as caught:
        world.store.api_key(None)
    assert caught.value.code == "secret_unavailable"
    with pytest.raises(NotApplied, match=code) as caught:
        world.store.pepper()
    assert caught.value.code == "secret_unavailable"
    with pytest.raises(Unavailable, match=code):
        world.store.signing_secrets("crm")


def test_all_secrets_can_be_read_ahead(world: World) -> None:
    world.store.read_all()
    assert world.manager.reads == 3
    assert world.store.api_key(None) == world.store.pepper() == "clemta_old"
    assert world.store.signing_secrets("crm") == ()
    assert world.manager.reads == 3


def test_reading_ahead_waits_for_an_outage_once(world: World) -> None:
    world.manager.error = ConnectTimeoutError(endpoint_url="https://x")
    with pytest.raises(Exception, match="ConnectTimeoutError"):
        world.store.read_all()
    assert world.manager.reads == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
def test_p5_a_deleted_secret_has_no_value_even_if_it_is_cached(world: World, code: str) -> None:
    world.manager.text = '{"crm": "one"}'
    assert world.store.signing_secrets("crm") == ("one",)
    world.manager.error = refusal(code)
    world.clock.advance(300)
    assert world.store.signing_secrets("crm") == ()
