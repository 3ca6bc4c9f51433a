"""The console page in a real browser: what a newcomer does with it, by mouse and by keyboard, wide and narrow."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from axe_selenium_python import Axe
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from local.demo import EXAMPLE_EMAIL
from local.processes import ROOT
from local.stack import Deployed, Stack

SCREENSHOTS = ROOT / ".local" / "screenshots"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack that tries again soon."""
    folder = tmp_path_factory.mktemp("stack")
    made = Stack(
        state_dir=folder,
        aws_port=0,
        clemta_port=0,
        console_port=0,
        retry_base_seconds=1,
        search_lag_seconds=1,
    )
    try:
        yield made.up()
    finally:
        made.down()


type Page = Callable[[str], str]


@pytest.fixture
def page(browser: Chrome, stack: Deployed) -> Page:
    """Opens the console with a working Clemta; returns a function that reads a part of the page."""
    requests.delete(f"{stack.clemta_url}/_stand-in/faults", timeout=10).raise_for_status()
    browser.set_window_size(1280, 1000)
    browser.get(stack.console_url)
    WebDriverWait(browser, 20).until(lambda _: browser.find_elements(By.CSS_SELECTOR, "[data-key=up]"))
    return lambda part: browser.find_element(By.ID, part).text


def until(browser: Chrome, holds: Callable[[], bool]) -> None:
    """Waits for a condition on the page, without reloading it."""
    WebDriverWait(browser, 30, ignored_exceptions=[Exception]).until(lambda _: holds())


def sign_up(browser: Chrome, email: str) -> None:
    field = browser.find_element(By.NAME, "email")
    field.clear()
    field.send_keys(email)
    browser.find_element(By.CSS_SELECTOR, "#form button").click()


def history_of(browser: Chrome, who: str) -> list[str]:
    """The steps of that person's submission."""
    for one in browser.find_elements(By.CSS_SELECTOR, "#submissions > li"):
        if who in one.text:
            return [step.text for step in one.find_elements(By.CSS_SELECTOR, ".steps li")]
    return []


def switch(browser: Chrome, state: str) -> None:
    """Switches Clemta, and waits until the page shows it."""
    browser.find_element(By.CSS_SELECTOR, f"[data-key={state}]").click()
    pressed = f"[data-key={state}][aria-pressed=true]"
    until(browser, lambda: bool(browser.find_elements(By.CSS_SELECTOR, pressed)))


def contacts_of(stack: Deployed, email: str) -> int:
    answer = requests.get(f"{stack.clemta_url}/_stand-in/contacts", timeout=10).json()
    return sum(contact["email"] == email for contact in answer["contacts"])


def shoot(browser: Chrome, name: str) -> None:
    """Saves a screenshot, which is not committed."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


def test_history_of_a_sign_up_appears_without_a_page_reload(
    browser: Chrome, stack: Deployed, page: Page
) -> None:
    sign_up(browser, "new@example.com")
    until(
        browser,
        lambda: history_of(browser, "new@example.com") == ["received", "open form", "mapped", "created"],
    )
    until(browser, lambda: "new@example.com" in page("contacts"))
    assert "Created" in page("form-answer")


def test_clemta_down_queued_back_created_once_in_three_clicks(
    browser: Chrome, stack: Deployed, page: Page
) -> None:
    """With what the page proposes, where `make run` has signed its example up already."""
    example = {"full_name": "Ada Example", "email": EXAMPLE_EMAIL}
    requests.post(f"{stack.api_url}/signups/website", data=example, timeout=30).raise_for_status()
    proposed = browser.find_element(By.NAME, "email").get_property("value")
    assert isinstance(proposed, str)
    assert proposed.endswith("@example.com")
    switch(browser, "down")
    browser.find_element(By.CSS_SELECTOR, "#form button").click()
    until(browser, lambda: "queued: INTERNAL_ERROR" in history_of(browser, proposed))
    until(browser, lambda: proposed in page("retry"))
    assert "Queued" in page("form-answer")
    assert contacts_of(stack, proposed) == 0
    shoot(browser, "console-down")
    switch(browser, "up")
    until(browser, lambda: history_of(browser, proposed)[-1] == "created")
    until(browser, lambda: "The queue is empty." in page("retry"))
    assert contacts_of(stack, proposed) == 1
    assert browser.find_element(By.NAME, "email").get_property("value") != proposed, "the next is another"


def test_typed_address_can_be_sent_twice(browser: Chrome, stack: Deployed, page: Page) -> None:
    sign_up(browser, "twice@example.com")
    until(browser, lambda: "Created" in page("form-answer"))
    browser.find_element(By.CSS_SELECTOR, "#form button").click()
    until(browser, lambda: history_of(browser, "twice@example.com")[-1] == "duplicate")
    assert contacts_of(stack, "twice@example.com") == 1


def test_a_dead_letter_is_replayed(browser: Chrome, stack: Deployed, page: Page) -> None:
    switch(browser, "refuses")
    sign_up(browser, "parked@example.com")
    until(browser, lambda: "parked: INVALID_API_KEY" in history_of(browser, "parked@example.com"))
    until(browser, lambda: "parked@example.com" in page("dead"))
    switch(browser, "up")
    browser.find_element(By.CSS_SELECTOR, "#dead button").click()
    until(browser, lambda: history_of(browser, "parked@example.com")[-1] == "created")
    until(browser, lambda: "Nothing needs you." in page("dead"))
    assert contacts_of(stack, "parked@example.com") == 1


def test_dead_letter_is_discarded_after_a_confirmation(browser: Chrome, stack: Deployed, page: Page) -> None:
    switch(browser, "refuses")
    sign_up(browser, "unwanted@example.com")
    until(browser, lambda: "unwanted@example.com" in page("dead"))
    switch(browser, "up")
    for answer, left in (("dismiss", True), ("accept", False)):
        browser.find_elements(By.CSS_SELECTOR, "#dead button")[1].click()
        getattr(browser.switch_to.alert, answer)()
        until(browser, lambda left=left: ("unwanted@example.com" in page("dead")) == left)  # type: ignore[misc]
    assert contacts_of(stack, "unwanted@example.com") == 0
    until(browser, lambda: history_of(browser, "unwanted@example.com")[-1] == "discarded: in the console")


@pytest.mark.parametrize("sender", ["crm", "typeform", "clerk", "stripe", "hubspot", "netlify", "mailchimp"])
def test_sample_of_a_sender_is_signed_and_accepted(browser: Chrome, page: Page, sender: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"#senders option[value={sender}]").click()
    browser.find_element(By.CSS_SELECTOR, "#sender button").click()
    until(browser, lambda: "Created" in page("sender-answer"))


def test_every_sender_with_a_sample_can_be_selected(browser: Chrome, page: Page) -> None:
    offered = {option.text for option in browser.find_elements(By.CSS_SELECTOR, "#senders option")}
    samples = {file.stem for file in (ROOT / "events" / "sources").glob("*.json")}
    assert offered == samples | {"crm"}


def test_form_mistake_is_shown_with_its_field(browser: Chrome, page: Page) -> None:
    sign_up(browser, "nonsense")
    until(browser, lambda: "email: must be an e-mail address" in page("form-answer"))


def test_console_can_be_used_by_keyboard_only(browser: Chrome, stack: Deployed, page: Page) -> None:
    def press(wanted: Callable[[Any], bool], key: str) -> None:
        for _ in range(60):
            focused = browser.switch_to.active_element
            if wanted(focused):
                focused.send_keys(key)
                return
            focused.send_keys(Keys.TAB)
        raise AssertionError("the element cannot be reached by Tab")

    press(lambda at: at.get_attribute("data-key") == "down", Keys.ENTER)
    pressed = "[data-key=down][aria-pressed=true]"
    until(browser, lambda: bool(browser.find_elements(By.CSS_SELECTOR, pressed)))
    press(lambda at: at.get_attribute("name") == "email", Keys.CONTROL + "a")
    browser.switch_to.active_element.send_keys("keys@example.com", Keys.ENTER)
    until(browser, lambda: "queued: INTERNAL_ERROR" in history_of(browser, "keys@example.com"))
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL + Keys.HOME)
    press(lambda at: at.get_attribute("data-key") == "up", Keys.SPACE)
    until(browser, lambda: history_of(browser, "keys@example.com")[-1] == "created")
    assert contacts_of(stack, "keys@example.com") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_console_is_accessible_and_fits_the_width(
    browser: Chrome, stack: Deployed, page: Page, scheme: str, width: int
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    size = {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    switch(browser, "refuses")
    sign_up(browser, f"seen-{scheme}-{width}@example.com")
    until(browser, lambda: f"seen-{scheme}-{width}@example.com" in page("dead"))
    switch(browser, "up")
    sign_up(browser, f"well-{scheme}-{width}@example.com")
    until(browser, lambda: f"well-{scheme}-{width}@example.com" in page("contacts"))
    shoot(browser, f"console-{scheme}-{width}")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    axe = Axe(browser)
    axe.inject()
    found = axe.run()["violations"]
    assert not found, json.dumps([(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
