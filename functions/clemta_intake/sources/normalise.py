"""Phone numbers and countries in Clemta's format; unreadable ones stay as written."""

import gettext
import unicodedata
from functools import cache

# Common names that ISO 3166 does not list, in the form that `_folded` returns.
_ALSO = {
    "turkey": "TR",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "ingiltere": "GB",
    "inglaterra": "GB",
    "angleterre": "GB",
    "grossbritannien": "GB",
    "scotland": "GB",
    "wales": "GB",
    "america": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "abd": "US",
    "russia": "RU",
    "rusya": "RU",
    "russland": "RU",
    "rusia": "RU",
    "russie": "RU",
    "the netherlands": "NL",
    "holland": "NL",
    "uae": "AE",
}
_MAX_COUNTRY = 100  # characters; the longest name in the tables has 74, and `_folded` can take quadratic time
_MAX_PHONE = 64  # characters; the library's patterns can take quadratic time
_LANGUAGES = (
    *(
        "tr",
        "de",
        "es",
        "fr",
        "it",
        "pt",
        "pt_BR",
        "nl",
        "pl",
        "sv",
        "ru",
        "ar",
        "hi",
        "ja",
        "ko",
        "zh_CN",
        "zh_TW",
    ),
)
"""The languages that the recogniser reads, but for English; functions/Makefile keeps their catalogues."""


def phone(number: str, region: str | None) -> dict[str, str]:
    """`phone` and `phone_code` ("5321234567", "+90"); only `phone`, as written, if the number is of no known country.

    `region` is the ISO code of the country for numbers without a country code.
    """
    if len(number) > _MAX_PHONE:
        return {"phone": number}
    import phonenumbers  # imported only for a contact with a number: 12 ms and 2 MB

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return {"phone": number}
    if not phonenumbers.is_possible_number(parsed):
        return {"phone": number}
    national = phonenumbers.national_significant_number(parsed)
    extension = f" ext. {parsed.extension}" if parsed.extension else ""
    return {"phone": national + extension, "phone_code": f"+{parsed.country_code}"}


def country(name: str) -> dict[str, str]:
    """`country` and `iso_code` ("Türkiye", "TR") of a name or code; only `country`, as written, if it is unknown."""
    if len(name) > _MAX_COUNTRY:
        return {"country": name}
    import pycountry  # imported only for a contact with a country: 25 ms

    code = _ALSO.get(_folded(name))
    found = pycountry.countries.get(alpha_2=code) if code else None
    if found is None:
        try:
            found = pycountry.countries.lookup(name)
        except LookupError:
            found = pycountry.countries.get(alpha_2=_code(name))
    if found is None:
        return {"country": name}
    return {"country": getattr(found, "common_name", found.name), "iso_code": found.alpha_2}


def _code(name: str) -> str:
    """The ISO code of a country's name in any language that the recogniser reads; "" for another text."""
    folded = _folded(name)
    return next((code for language in _LANGUAGES if (code := _names(language).get(folded))), "")


@cache
def _names(language: str) -> dict[str, str]:
    """Country names in a language -> ISO code."""
    import pycountry

    names = {}
    catalogue = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language])
    for entry in pycountry.countries:
        for english in (entry.name, getattr(entry, "common_name", entry.name)):
            names[_folded(catalogue.gettext(english))] = entry.alpha_2
    return names


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("İ", "i").casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
