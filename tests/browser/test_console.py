"""The console page in a real browser: for a newcomer and an operator, by mouse and keyboard, wide and narrow."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's state folder."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Deployed]:
    """A stack that tries again soon."""
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
    stack.client("sqs").purge_queue(QueueUrl=stack.dead_letter_queue_url)
    browser.set_window_size(1280, 1000)
    browser.get(stack.console_url)
    until(browser, lambda: browser.find_element(By.ID, "dead").text == "Nothing needs you.")
    until(browser, lambda: bool(browser.find_elements(By.CSS_SELECTOR, "[data-key=up]")))
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


def press_in(browser: Chrome, part: str, text: str) -> None:
    """Presses the first button with this text in a part of the page."""
    buttons = browser.find_elements(By.CSS_SELECTOR, f"#{part} button")
    next(button for button in buttons if button.text == text).click()


def row_of(browser: Chrome, who: str) -> Any:
    """That person's row."""
    return next(one for one in browser.find_elements(By.CSS_SELECTOR, "#submissions > li") if who in one.text)


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
    until(browser, lambda: "Waiting for a retry\n1" in page("tiles"))
    assert "Queued" in page("form-answer")
    assert contacts_of(stack, proposed) == 0
    shoot(browser, "console-down")
    switch(browser, "up")
    until(browser, lambda: history_of(browser, proposed)[-1] == "created")
    until(browser, lambda: "Waiting for a retry\n0" in page("tiles"))
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
    press_in(browser, "dead", "Replay")
    until(browser, lambda: history_of(browser, "parked@example.com")[-1] == "created")
    until(browser, lambda: "Nothing needs you." in page("dead"))
    assert contacts_of(stack, "parked@example.com") == 1


def test_dead_letter_is_discarded_with_a_reason(browser: Chrome, stack: Deployed, page: Page) -> None:
    switch(browser, "refuses")
    sign_up(browser, "unwanted@example.com")
    until(browser, lambda: "unwanted@example.com" in page("dead"))
    switch(browser, "up")
    for answer, left in (("dismiss", True), ("accept", False)):
        press_in(browser, "dead", "Discard")
        browser.switch_to.alert.send_keys("a test")
        getattr(browser.switch_to.alert, answer)()
        until(browser, lambda left=left: ("unwanted@example.com" in page("dead")) == left)  # type: ignore[misc]
    assert contacts_of(stack, "unwanted@example.com") == 0
    until(browser, lambda: history_of(browser, "unwanted@example.com")[-1] == "discarded: a test")


def test_group_of_dead_letters_is_replayed_at_once(browser: Chrome, stack: Deployed, page: Page) -> None:
    switch(browser, "refuses")
    for name in ("first", "second"):
        sign_up(browser, f"{name}-of-two@example.com")
        until(browser, lambda name=name: f"{name}-of-two@example.com" in page("dead"))  # type: ignore[misc]
    switch(browser, "up")
    press_in(browser, "dead", "Replay all 2")
    until(browser, lambda: page("review-answer") == "2 replayed")
    for name in ("first", "second"):
        until(
            browser,
            lambda name=name: history_of(browser, f"{name}-of-two@example.com")[-1] == "created",  # type: ignore[misc]
        )
        assert contacts_of(stack, f"{name}-of-two@example.com") == 1


def test_all_dead_letters_since_a_time_are_discarded(browser: Chrome, stack: Deployed, page: Page) -> None:
    switch(browser, "refuses")
    sign_up(browser, "since@example.com")
    until(browser, lambda: "since@example.com" in page("dead"))
    switch(browser, "up")
    for day, left in (("2099-01-01", True), ("2020-01-01", False)):
        browser.execute_script(f"document.querySelector('#dead .since input').value = '{day}T00:00';")
        browser.find_element(By.CSS_SELECTOR, "#dead .since button:last-child").click()
        browser.switch_to.alert.accept()
        said = "nothing chosen in the dead-letter queue" if left else "1 discarded"
        until(browser, lambda said=said: page("review-answer") == said)  # type: ignore[misc]
    until(browser, lambda: page("dead") == "Nothing needs you.")
    assert contacts_of(stack, "since@example.com") == 0


def test_row_opens_to_its_history_and_personal_data_only_when_asked_for(
    browser: Chrome, stack: Deployed, page: Page, folder: Path
) -> None:
    log = folder / "logs" / "console.log"
    before = log.read_text()
    switch(browser, "refuses")
    answer = requests.post(
        f"{stack.api_url}/signups/website",
        data={"full_name": "Ada Row", "email": "row@example.com"},
        timeout=30,
    )
    submission = answer.json()["submission_id"]
    switch(browser, "up")
    until(browser, lambda: page("dead").startswith("INVALID_API_KEY (401)"))
    press_in(browser, "dead", "History")
    until(browser, lambda: submission in page(f"whole-{submission}"))
    shown = page(f"whole-{submission}")
    assert "parked INVALID_API_KEY 401" in shown
    assert "r…(15)" in shown
    assert "row@example.com" not in browser.find_element(By.TAG_NAME, "main").text
    assert log.read_text() == before
    press_in(browser, f"whole-{submission}", "Show personal data")
    until(browser, lambda: "row@example.com" in page(f"whole-{submission}"))
    assert f"personal data shown: submission {submission}" in log.read_text()
    assert "row@example.com" not in log.read_text()
    press_in(browser, "dead", "Replay")
    until(browser, lambda: page("dead") == "Nothing needs you.")


def test_sign_ups_are_found_by_outcome_and_by_e_mail(browser: Chrome, stack: Deployed, page: Page) -> None:
    sign_up(browser, "sought@example.com")
    until(browser, lambda: history_of(browser, "sought@example.com")[-1:] == ["created"])
    form = browser.find_element(By.ID, "filter")
    form.find_element(By.CSS_SELECTOR, "[name=outcome] option[value=discarded]").click()
    form.find_element(By.CSS_SELECTOR, "button.main").click()
    until(browser, lambda: "sought@example.com" not in page("submissions"))
    form.find_element(By.CSS_SELECTOR, "[type=reset]").click()
    until(browser, lambda: "sought@example.com" in page("submissions"))
    form.find_element(By.NAME, "text").send_keys("sought@example.com", Keys.ENTER)
    until(browser, lambda: page("signups-count") == "1")
    assert history_of(browser, "sought@example.com")[-1] == "created"
    row_of(browser, "sought@example.com").find_element(By.CSS_SELECTOR, "button.row").click()
    until(browser, lambda: "contact in Clemta" in page("submissions"))
    press_in(browser, "submissions", "Show the contact in Clemta")
    until(browser, lambda: "Ada Example" in page("submissions"))


def test_pasted_payload_is_tried(browser: Chrome, page: Page) -> None:
    until(browser, lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#try option[value=crm]")))
    browser.find_element(By.CSS_SELECTOR, "#try option[value=crm]").click()
    browser.find_element(By.CSS_SELECTOR, "#try [name=body]").send_keys(
        '{"event": "lead.created", "first": "Ada"}'
    )
    browser.find_element(By.CSS_SELECTOR, "#try button").click()
    until(browser, lambda: page("try-answer").startswith("Not authentic: hmac"))
    assert "email" in page("try-answer")


def test_health_and_numbers_are_shown(browser: Chrome, page: Page) -> None:
    until(
        browser,
        lambda: (
            "Sign-ups of the last 14 days"
            in str(browser.find_element(By.CSS_SELECTOR, "#chart svg").get_attribute("aria-label"))
        ),
    )
    browser.find_element(By.ID, "doctor").click()
    until(browser, lambda: "accepts the key for company" in page("checks"))


def test_operators_page_opens_by_its_whole_address_only(
    browser: Chrome, stack: Deployed, folder: Path, tmp_path: Path
) -> None:
    """The command's page has no switches, and no token in the page or in a URL that is sent."""
    (tmp_path / ".local").symlink_to(folder)
    (tmp_path / "samconfig.toml").write_text("")
    command = [sys.executable, "-m", "ops.cli", "console", "--port", "0", "--json"]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        text = "".join(iter(running.stdout.readline, "}\n")) + "}"
        address, _, token = json.loads(text)["url"].partition("#")
        assert token not in requests.get(address, timeout=10).text
        browser.get(address)
        until(
            browser,
            lambda: "the address that the command printed" in browser.find_element(By.ID, "line").text,
        )
        browser.get("about:blank")
        browser.get(f"{address}#{token}")
        until(browser, lambda: browser.find_element(By.ID, "line").text.startswith("live"))
        assert browser.current_url == address
        assert not browser.find_elements(By.ID, "states")
        until(browser, lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#chart svg")))
        shoot(browser, "console-operator")
        browser.refresh()
        until(browser, lambda: browser.find_element(By.ID, "line").text.startswith("live"))
        assert not violations(browser)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (0, "")


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


def violations(browser: Chrome) -> list[Any]:
    """What axe-core finds."""
    axe = Axe(browser)
    axe.inject()
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe.run()["violations"]]


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
    row_of(browser, f"seen-{scheme}-{width}@example.com").find_element(By.CSS_SELECTOR, "button.row").click()
    until(browser, lambda: "Show personal data" in page("submissions"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert not violations(browser)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
