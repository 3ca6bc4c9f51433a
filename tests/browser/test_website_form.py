"""The forms of docs/website-form.md in a real browser, from a page of another origin, on the deployed stack."""

import json
import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from axe_selenium_python import Axe
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from local.processes import HOST, ROOT
from local.stack import Deployed, Stack

SCREENSHOTS = ROOT / ".local" / "screenshots"
SOURCES = """
[sources.website]
kind = "form"
allowed_origins = ["{origin}"]
[sources.website.spam]
honeypot = "_leave_empty"
min_seconds = 2

[sources.ours]
kind = "form"
allowed_origins = ["{origin}"]
consent = "body.terms"
[sources.ours.page]
color = "#0b6b53"

[sources.plain]
kind = "form"
allowed_origins = ["{origin}"]
success_url = "{origin}/thanks.html"
error_url = "{origin}/failed.html"
[sources.plain.spam]
honeypot = "_leave_empty"
min_seconds = 2

[sources.guarded]
kind = "form"
success_url = "{origin}/thanks.html"
error_url = "{origin}/failed.html"
[sources.guarded.spam]
turnstile = "captcha"
captcha_outage = "refuse"
"""
TERMS = """<p><label><input type="checkbox" name="terms" style="width: auto"> I accept the terms</label></p>
  <p><button>"""
WIDGET = """
document.addEventListener("DOMContentLoaded", () => {
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: "cf-turnstile-response" });
  document.querySelector(".cf-turnstile").append(field);
});
"""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Stays silent."""


def serve(folder: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((HOST, 0), partial(Silent, directory=str(folder)))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """The folder of a website, its origin, and another origin with the same pages."""
    folder = tmp_path_factory.mktemp("site")
    own, other = serve(folder), serve(folder)
    yield folder, f"http://{HOST}:{own.server_port}", f"http://{HOST}:{other.server_port}"
    for server in (own, other):
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, site: tuple[Path, str, str]) -> Iterator[Deployed]:
    """A stack whose forms belong to that website, and the website's pages with its address."""
    folder, origin, _ = site
    sources = tmp_path_factory.mktemp("sources") / "sources.toml"
    sources.write_text(SOURCES.format(origin=origin))
    made = Stack(
        state_dir=tmp_path_factory.mktemp("stack"),
        aws_port=0,
        clemta_port=0,
        console_port=0,
        sources_file=sources,
    )
    try:
        deployed = made.up()
        text = (ROOT / "docs" / "website-form.md").read_text()
        named = {"plain": "plain", "fetch": "website", "turnstile": "guarded"}
        for name, example in re.findall(r"```html\n<!-- (\w+)\.html -->\n(.*?)```", text, re.S):
            address = f"{deployed.api_url}/signups/{named[name]}"
            page = example.replace("https://api.example.com/v1/signups/website", address)
            page = page.replace("https://challenges.cloudflare.com/turnstile/v0/api.js", "widget.js")
            (folder / f"{name}.html").write_text(page)
        ours = (folder / "plain.html").read_text().replace("/signups/plain", "/signups/ours")
        (folder / "ours.html").write_text(ours.replace("<p><button>", TERMS))
        (folder / "widget.js").write_text(WIDGET)
        (folder / "thanks.html").write_text("<!doctype html><title>Thanks</title><h1>Thank you</h1>")
        (folder / "failed.html").write_text("<!doctype html><title>Failed</title><h1>Not sent</h1>")
        yield deployed
    finally:
        made.down()


@pytest.fixture
def contacts(stack: Deployed) -> Any:
    """The contacts in the stand-in; at first there are none, and the held queue is empty."""
    requests.post(f"{stack.clemta_url}/_stand-in/reset", timeout=10)
    stack.client("sqs").purge_queue(QueueUrl=stack.held_queue_url)

    def read() -> list[str]:
        answer = requests.get(f"{stack.clemta_url}/_stand-in/contacts", timeout=10)
        return [contact["email"] for contact in json.loads(answer.text)["contacts"]]

    return read


def held(stack: Deployed) -> list[str]:
    """The rules that held something."""
    found = stack.client("sqs").receive_message(
        QueueUrl=stack.held_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"])["failure"]["code"] for message in found.get("Messages", [])]


def fill(browser: Chrome, url: str, *, as_fast_as_a_machine: bool = False, **fields: str) -> None:
    browser.get(url)
    for name, value in fields.items():
        browser.find_element(By.NAME, name).send_keys(value)
    # Nobody waits here: the page's clock is set to what a person, or a machine, would need.
    browser.execute_script(f"performance.now = () => {500 if as_fast_as_a_machine else 2500.5};")


def status(browser: Chrome) -> str:
    """What the page says when it has its answer."""
    place = browser.find_element(By.CSS_SELECTOR, "[role=status]")
    WebDriverWait(browser, 20).until(lambda _: place.text not in ("", "Sending …"))
    return place.text


def submit(browser: Chrome) -> None:
    browser.find_element(By.TAG_NAME, "button").click()


def test_plain_form_leads_to_the_success_page(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/plain.html", full_name="Ada Example", email="ada.plain@example.com")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Thanks")
    assert contacts() == ["ada.plain@example.com"]


def test_plain_form_leads_to_the_error_page(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/plain.html", full_name="Ada Example", email="ada@localhost")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Failed")
    assert not contacts()


def test_scripted_form_shows_its_success_message(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/fetch.html", full_name="Ada Example", email="ada.fetch@example.com")
    submit(browser)
    assert status(browser).startswith("Thank you")
    assert contacts() == ["ada.fetch@example.com"]


def test_scripted_form_shows_a_mistake_next_to_its_field(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/fetch.html", full_name="Ada Example", email="nobody")
    submit(browser)
    assert status(browser) == "Please correct the marked fields."
    assert browser.find_element(By.ID, "email-error").text == "must be an e-mail address"
    assert browser.find_element(By.ID, "email").get_attribute("aria-invalid") == "true"
    assert browser.find_element(By.TAG_NAME, "button").is_enabled()
    assert not contacts()


def test_scripted_form_marks_a_missing_name_before_it_sends(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/fetch.html", email="ada@example.com")
    submit(browser)
    assert status(browser) == "Please correct the marked fields."
    assert browser.find_element(By.ID, "full_name-error").text == "is required"
    assert browser.switch_to.active_element.get_attribute("id") == "full_name"
    browser.find_element(By.NAME, "full_name").send_keys("Ada Example")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: status(browser).startswith("Thank you"))
    assert contacts() == ["ada@example.com"]


def test_form_without_success_url_leads_to_our_thank_you_page_and_back_to_the_website(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/ours.html", full_name="Ada Example", email="ada.ours@example.com")
    browser.find_element(By.NAME, "terms").click()
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Thank you")
    assert contacts() == ["ada.ours@example.com"]
    link = browser.find_element(By.LINK_TEXT, "Back to the website")
    assert link.value_of_css_property("background-color") == "rgba(11, 107, 83, 1)", (
        "the policy allows the style"
    )
    link.click()
    WebDriverWait(browser, 20).until(lambda _: browser.current_url == f"{site[1]}/")


def test_our_error_page_names_the_fields_and_going_back_keeps_what_was_typed(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/ours.html", full_name="Ada Example", email="ada@localhost")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Not sent yet")
    mistakes = [item.text for item in browser.find_elements(By.TAG_NAME, "li")]
    assert mistakes == ["E-mail must be an e-mail address", "terms must be ticked"]
    assert "ada@localhost" not in browser.page_source
    browser.back()
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Sign up")
    typed = [browser.find_element(By.NAME, name).get_attribute("value") for name in ("full_name", "email")]
    assert typed == ["Ada Example", "ada@localhost"]
    browser.find_element(By.NAME, "email").send_keys(".example.com")
    browser.find_element(By.NAME, "terms").click()
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Thank you")
    assert contacts() == ["ada@localhost.example.com"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits_the_width(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], scheme: str, width: int
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for page in ("plain", "turnstile"):
            fill(browser, f"{site[1]}/{page}.html", full_name="Ada Example", email="nobody")
            submit(browser)  # the browser marks the wrong field
            check_view(browser, f"{page}-{scheme}-{width}", width)
        fill(browser, f"{site[1]}/fetch.html", full_name="Ada Example", email="nobody")
        submit(browser)
        assert status(browser).startswith("Please correct")
        check_view(browser, f"fetch-{scheme}-{width}", width)
        fill(browser, f"{site[1]}/ours.html", full_name="Ada Example", email="ada@localhost")
        submit(browser)
        WebDriverWait(browser, 20).until(lambda _: browser.title == "Not sent yet")
        check_view(browser, f"error-{scheme}-{width}", width)
        fill(
            browser, f"{site[1]}/ours.html", full_name="Ada Example", email=f"ada.{scheme}{width}@example.com"
        )
        browser.find_element(By.NAME, "terms").click()
        submit(browser)
        WebDriverWait(browser, 20).until(lambda _: browser.title == "Thank you")
        check_view(browser, f"thanks-{scheme}-{width}", width)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def check_view(browser: Chrome, name: str, width: int) -> None:
    """Takes a screenshot, and checks the page as it stands."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    axe = Axe(browser)
    axe.inject()
    found = axe.run()["violations"]
    shown = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
    assert not found, f"{name}: {shown}"


def test_p3_a_double_click_makes_one_contact(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/fetch.html", full_name="Ada Example", email="ada.twice@example.com")
    browser.execute_script(
        "const form = document.getElementById('sign-up'); form.requestSubmit(); form.requestSubmit();"
    )
    assert status(browser).startswith("Thank you")
    assert contacts() == ["ada.twice@example.com"]


def test_a_page_of_another_site_is_refused(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[2]}/fetch.html", full_name="Ada Example", email="ada.foreign@example.com")
    submit(browser)
    assert status(browser).startswith("That did not work")
    fill(browser, f"{site[2]}/plain.html", full_name="Ada Example", email="ada.foreign@example.com")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Failed")
    assert not contacts()


def test_filled_trap_is_answered_as_a_success_and_held(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    fill(browser, f"{site[1]}/fetch.html", full_name="A Machine", email="machine@example.com")
    browser.execute_script("document.getElementById('_leave_empty').value = 'https://spam.example';")
    submit(browser)
    assert status(browser).startswith("Thank you")
    assert not contacts()
    assert held(stack) == ["honeypot"]


@pytest.mark.parametrize("page", ["plain", "fetch"])
def test_form_sent_too_fast_is_answered_as_a_success_and_held(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any, page: str
) -> None:
    person = {"full_name": "A Machine", "email": "fast@example.com"}
    fill(browser, f"{site[1]}/{page}.html", as_fast_as_a_machine=True, **person)
    submit(browser)
    if page == "plain":
        WebDriverWait(browser, 20).until(lambda _: browser.title == "Thanks")
    else:
        assert status(browser).startswith("Thank you")
    assert not contacts()
    assert held(stack) == ["too_fast"]


def test_form_with_turnstile_needs_the_widgets_token(
    browser: Chrome, stack: Deployed, site: tuple[Path, str, str], contacts: Any
) -> None:
    """The widget of the test gives no token: a person is told, and can try again."""
    fill(browser, f"{site[1]}/turnstile.html", full_name="Ada Example", email="ada.turnstile@example.com")
    submit(browser)
    WebDriverWait(browser, 20).until(lambda _: browser.title == "Failed")
    assert not contacts()
    assert held(stack) == []
