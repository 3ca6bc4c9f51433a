"""Forms of pages in legacy charsets, posted by a real browser to the receiving function."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from clemta_intake import receive
from local.processes import HOST
from tests.support.events import Context, request
from tests.support.fakes import FakeDependencies

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


class Website:
    """Serves one page, and hands what is posted to the receiving function on fakes."""

    def __init__(self) -> None:
        self.page = b""
        self.content_types: list[str] = []
        self.languages: list[str] = []
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200, {"Content-Type": "text/html"}, website.page)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = website.answer(body, dict(self.headers))
                headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
                self.reply(answer["statusCode"], headers, answer["body"].encode())

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Stays silent."""

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.origin = f"http://{HOST}:{self.server.server_port}"
        self.deps = FakeDependencies({"website": {"kind": "form", "success_url": f"{self.origin}/thanks"}})
        self._app = receive.create_app(lambda: self.deps)  # type: ignore[arg-type, return-value]
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        self.content_types.append(headers["Content-Type"])
        self.languages.append(headers["Accept-Language"])
        event = request("POST", "/signups/website", body, headers)
        return self._app.resolve(event, Context())  # type: ignore[arg-type]


@pytest.fixture
def website() -> Iterator[Website]:
    made = Website()
    yield made
    made.server.shutdown()
    made.server.server_close()


def post(
    browser: Chrome, website: Website, language: str, page: str, charset: str, **fields: str
) -> dict[str, Any]:
    """The contact that a visitor of that language makes, who fills in the page's form."""
    website.page = page.encode(charset)
    agent = browser.execute_script("return navigator.userAgent")
    browser.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})
    browser.get(f"{website.origin}/sign-up")
    for name, value in fields.items():
        browser.execute_script(
            "document.getElementsByName(arguments[0])[0].value = arguments[1]", name, value
        )
    browser.find_element(By.TAG_NAME, "button").click()
    WebDriverWait(browser, 20).until(lambda _: browser.current_url == f"{website.origin}/thanks")
    assert language in website.languages[-1]
    assert "charset" not in website.content_types[-1], "browsers name none"
    [contact] = website.deps.clemta.stored.values()
    return contact


def page(charset: str, enctype: str, fields: str, attributes: str = "") -> str:
    head = f'<!doctype html><meta charset="{charset}"><title>.</title>'
    form = f'<form method="post" action="/signups/website" enctype="{enctype}" {attributes}>'
    return f"{head}{form}{fields}<button>OK</button></form>"


INPUTS = '<input name="name"><input name="email"><textarea name="message"></textarea>'
PAGES = [
    ("tr-TR", "windows-1254", "Ayşe Öztürk Iğdır", "ağ “ve” 20 €, 李 🎉"),
    ("ja-JP", "shift_jis", "山田太郎 髙﨑", "ソフト 表示 ①㈱ ｱｲｳ ş 🎉"),
    ("ja-JP", "euc-jp", "山田太郎 髙﨑", "ソフト 表示 ①㈱ ş 🎉"),
    ("ru-RU", "windows-1251", "Анна Каренина", "№ 1 ş"),
    ("pl-PL", "iso-8859-2", "Łucja Źdźbło", "żółć €"),
    ("ko-KR", "euc-kr", "김철수", "똠방각하 ş"),
    ("zh-CN", "gbk", "王小明", "镕 € 🎉"),
    ("zh-TW", "big5", "王小明 許功蓋", "ş 🎉"),
    ("de-DE", "windows-1252", "Jürgen Groß", "20 € Ayşe"),
    ("de-DE", "iso-8859-1", "Агата", "nur Verweise"),
]


@pytest.mark.parametrize("enctype", [URLENCODED, MULTIPART])
@pytest.mark.parametrize(("language", "charset", "name", "message"), PAGES)
def test_form_of_a_page_in_a_legacy_charset_arrives_as_it_was_typed(
    browser: Chrome, website: Website, language: str, charset: str, name: str, message: str, enctype: str
) -> None:
    made = page(charset, enctype, INPUTS)
    contact = post(
        browser, website, language, made, "ascii", name=name, email="visitor@example.com", message=message
    )
    assert (contact["full_name"], contact["email"]) == (name, "visitor@example.com")
    assert message in contact["description"]


@pytest.mark.parametrize("enctype", [URLENCODED, MULTIPART])
def test_names_of_fields_in_the_pages_charset_are_read(
    browser: Chrome, website: Website, enctype: str
) -> None:
    inputs = '<input name="ad soyad"><input name="şirket"><input name="e-posta">'
    fields = {"ad soyad": "İpek Gül", "şirket": "Örnek A.Ş.", "e-posta": "ipek@example.com"}
    contact = post(browser, website, "tr", page("windows-1254", enctype, inputs), "cp1254", **fields)
    assert contact["full_name"] == "İpek Gül"
    assert "Örnek A.Ş." in contact["description"]


@pytest.mark.parametrize("enctype", [URLENCODED, MULTIPART])
@pytest.mark.parametrize(
    "charset", ["windows-1254", "shift_jis", "iso-2022-jp", "gb18030", "koi8-r", "utf-16"]
)
def test_page_that_names_its_charset_is_read_whatever_the_visitors_language(
    browser: Chrome, website: Website, charset: str, enctype: str
) -> None:
    inputs = INPUTS + '<input type="hidden" name="_charset_">'
    made = page(charset, enctype, inputs)
    contact = post(browser, website, "el", made, "ascii", name="Ayşe 山田 Анна", email="visitor@example.com")
    assert contact["full_name"] == "Ayşe 山田 Анна"


def test_form_with_accept_charset_is_read(browser: Chrome, website: Website) -> None:
    made = page("utf-8", URLENCODED, INPUTS, 'accept-charset="windows-1254"')
    contact = post(browser, website, "tr", made, "utf-8", name="Ayşe Öztürk", email="ayse@example.com")
    assert contact["full_name"] == "Ayşe Öztürk"
