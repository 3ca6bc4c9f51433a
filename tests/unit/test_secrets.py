"""How old a secret may be that is taken from memory; Secrets Manager is asked through a hand-written client."""

from dataclasses import dataclass, fields
from typing import Any

import pytest

from clemta_intake.dependencies import Dependencies
from clemta_intake.errors import ConfigError, KeyRefused
from clemta_intake.settings import Settings
from tests.support.fakes import Clock


@dataclass
class SecretsManager:
    """Every secret has this text, none where it is None; `read` counts how often it was asked for."""

    text: str | None
    read: int = 0

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.read += 1
        return {} if self.text is None else {"SecretString": self.text}


@dataclass
class World:
    clock: Clock
    manager: SecretsManager
    parts: Dependencies


@pytest.fixture
def world() -> World:
    settings: dict[str, Any] = {one.name: one.name for one in fields(Settings)}
    clock, manager = Clock(), SecretsManager("clemta_old")
    parts = Dependencies(Settings(**settings), clock)
    vars(parts)["_secretsmanager"] = manager
    return World(clock, manager, parts)


def test_a_key_is_read_once_in_five_minutes(world: World) -> None:
    for seconds, reads in ((0, 1), (299, 1), (1, 2)):
        world.clock.advance(seconds)
        assert world.parts.api_key(None) == "clemta_old"
        assert world.manager.read == reads


@pytest.mark.parametrize("text", ["%s", '{"api_key": "%s"}'], ids=["plain", "JSON"])
def test_a_stale_key_is_read_afresh_and_the_fresh_one_is_kept(world: World, text: str) -> None:
    world.manager.text = text % "clemta_old"
    assert world.parts.api_key(None) == "clemta_old"
    world.manager.text = text % "clemta_new"
    for _ in range(3):
        assert world.parts.api_key("clemta_old") == "clemta_new"
    assert world.manager.read == 2


def test_p5_a_signing_secret_that_proved_nothing_is_read_afresh_after_half_a_minute(world: World) -> None:
    world.manager.text = '{"crm": "one"}'
    assert world.parts.signing_secrets("crm") == ("one",)
    world.manager.text = '{"crm": "two"}'
    world.clock.advance(29)
    assert world.parts.signing_secrets("crm", force_refresh=True) == ("one",)
    world.clock.advance(1)
    assert world.parts.signing_secrets("crm") == ("one",), "nobody doubts it"
    assert world.parts.signing_secrets("crm", force_refresh=True) == ("two",)
    assert world.parts.signing_secrets("crm", force_refresh=True) == ("two",)
    assert world.manager.read == 2


@pytest.mark.parametrize("text", [None, ""])
def test_p4_a_secret_without_a_value_is_asked_for_again(world: World, text: str | None) -> None:
    world.manager.text = text
    with pytest.raises(KeyRefused, match="no usable key"):
        world.parts.api_key(None)
    with pytest.raises(ConfigError, match="has no value"):
        world.parts.pepper()
    assert world.parts.signing_secrets("crm") == ()
    world.manager.text = "pepper"
    assert world.parts.pepper() == "pepper"
    assert world.parts.api_key(None) == "pepper"
