"""A form's table `page`: the texts and the colour of our own answer pages. Loaded only for a source that needs it."""

from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints, model_validator

from .keys import STRICT, Url, matching

type Color = Annotated[
    str, StringConstraints(to_lower=True), matching("#[0-9a-f]{6}", 'a colour, as "#1a5fb4"')
]
type Sentence = Annotated[
    str, matching(r"(?=.*\S)[^\x00-\x1f\x7f]{1,500}", "text in one line, at most 500 characters")
]


class Page(BaseModel):
    """Our own answer page, which a visitor sees if the form has no `success_url` or `error_url`."""

    model_config = STRICT

    language: Literal["en", "tr", "de", "es", "fr"] | None = None
    """The page's language; None for the visitor's."""
    color: Color = "#1a5fb4"
    thanks_title: Sentence | None = None
    thanks_text: Sentence | None = None
    error_title: Sentence | None = None
    error_text: Sentence | None = None
    home_url: Url | None = None
    """The thank-you page links to it."""

    @model_validator(mode="after")
    def _texts_have_a_language(self) -> "Page":
        own = self.thanks_title or self.thanks_text or self.error_title or self.error_text
        if own and not self.language:
            raise ValueError("has a text without its language; allowed: language beside it")
        return self
