"""Our own answer pages for a visitor whose browser posted a form. Loaded when one is first needed.

A page holds the operator's texts and ours, and nothing of what was posted. It runs no script.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Literal, NamedTuple

from aws_lambda_powertools.event_handler import Response

from .errors import Refused, TooLarge, Unmappable
from .gateway import RETRY_AFTER, Request
from .sources.config import Form
from .sources.page import Page
from .sources.spam import TOKENS
from .visitor_texts import TEXTS, Texts

_STYLE = """
:root{color-scheme:light dark;--back:#f2f4f7;--card:#fff;--text:#1c2024;--line:#d8dde3;--wrong:#b3261e;--on-wrong:#fff}
@media(prefers-color-scheme:dark){:root{--back:#101418;--card:#1a2027;--text:#e9edf1;--line:#323b45;--wrong:#ffb4ab;
--on-wrong:#5c0b06}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:1.25rem;background:var(--back);
color:var(--text);font:1.0625rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
main{width:100%;max-width:30rem;padding:2rem 1.75rem;background:var(--card);border:1px solid var(--line);
border-radius:.875rem;text-align:center}
svg{width:3.5rem;height:3.5rem;border-radius:50%;background:var(--mark)}
path{fill:none;stroke:var(--on-mark);stroke-width:4;stroke-linecap:round;stroke-linejoin:round}
.error{--mark:var(--wrong);--on-mark:var(--on-wrong)}
h1,p{text-wrap:balance}
h1{margin:1rem 0 .5rem;font-size:1.625rem;line-height:1.25}
p{margin:.5rem 0}
ul{margin:1rem 0;padding:.25rem 1rem;border-left:.25rem solid var(--wrong);list-style:none;text-align:start}
li{margin:.5rem 0}
a{display:inline-block;margin-top:1rem;padding:.625rem 1.25rem;border-radius:.5rem;background:var(--mark);
color:var(--on-mark);font-weight:600;text-decoration:none}
a:hover{text-decoration:underline}
a:focus-visible{outline:.1875rem solid var(--text);outline-offset:.1875rem}
"""
_MARKS = {"thanks": "M14 25l7 7 14-15", "error": "M24 12v15m0 7v.5"}  # a tick, an exclamation mark


class _Content(NamedTuple):
    """What differs between two pages; `inner` is HTML."""

    kind: Literal["thanks", "error"]
    title: str
    inner: str


def thanks(source: Form, request: Request) -> Response[str]:
    """The page after a sign-up: the same whatever became of it (P8)."""
    language = _language(source, request)
    texts, own = TEXTS[language], _own(source)
    inner = _paragraph(own.thanks_text or texts.thanks_text)
    home = own.home_url or next((origin for origin in source.allowed_origins if origin != "*"), None)
    if home:
        inner += f'<p><a href="{escape(home)}">{escape(texts.home)}</a></p>\n'
    content = _Content("thanks", own.thanks_title or texts.thanks_title, inner)
    return _response(200, language, own.color, content)


def refusal(error: Refused, source: Form, request: Request) -> Response[str]:
    """The page that names each wrong field with its mistake, and the way back to the form as it was filled in."""
    language = _language(source, request)
    texts, own = TEXTS[language], _own(source)
    inner = _paragraph(own.error_text or _reason(error, texts))
    if isinstance(error, Unmappable):
        inner += f"<ul>{''.join(_mistake(texts, *field) for field in error.fields)}</ul>\n"
    content = _Content("error", own.error_title or texts.error_title, inner + _paragraph(texts.back))
    return _response(error.status, language, own.color, content)


def unavailable(source: Form, request: Request) -> Response[str]:
    """The page after a failure of ours: the visitor can send the same form again (P2)."""
    language = _language(source, request)
    texts = TEXTS[language]
    inner = _paragraph(texts.unavailable) + _paragraph(texts.back)
    response = _response(503, language, _own(source).color, _Content("error", texts.error_title, inner))
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _own(source: Form) -> Page:
    own: Page = source.page or Page()
    return own


def _language(source: Form, request: Request) -> str:
    """The page's language: the source's, else the first of the visitor's that we have, else English."""
    accepted = request.headers.get("accept-language", "").lower().split(",")
    spoken = (item.partition(";")[0].partition("-")[0].strip() for item in accepted)
    return _own(source).language or next((language for language in spoken if language in TEXTS), "en")


def _reason(error: Refused, texts: Texts) -> str:
    match error:
        case Unmappable():
            return texts.error_text
        case TooLarge():
            return texts.too_large
    return texts.broken


def _mistake(texts: Texts, field: str, message: str) -> str:
    label = "Captcha" if field in TOKENS.values() else texts.labels.get(field, field)
    mistake = texts.messages.get(message) or texts.other_mistake or message
    return f"<li><strong>{escape(label)}</strong> {escape(mistake)}</li>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n"


def _response(status: int, language: str, color: str, content: _Content) -> Response[str]:
    style = f"{_STYLE}:root{{--mark:{color};--on-mark:{_text_color(color)}}}"
    digest = b64encode(sha256(style.encode()).digest()).decode()
    body = f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(content.title)}</title>
<style>{style}</style>
</head>
<body>
<main class="{content.kind}">
<svg viewBox="0 0 48 48" aria-hidden="true"><path d="{_MARKS[content.kind]}"/></svg>
<h1>{escape(content.title)}</h1>
{content.inner}</main>
</body>
</html>
"""
    return Response(
        status_code=status,
        content_type="text/html; charset=utf-8",
        body=body,
        headers={
            # The page may stand in a frame: a form in a frame gets its answer there.
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}';"
            " base-uri 'none'; form-action 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


def _text_color(background: str) -> str:
    """Black or white, whichever is easier to read there (WCAG 2.2, relative luminance)."""
    parts = (int(background[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#fff"
