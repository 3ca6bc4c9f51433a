"""Phone numbers and countries in Clemta's shape; what cannot be read stays as it was written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clemta_intake.sources import normalise
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("written", "region", "number", "code"),
    [
        ("+90 532 123 45 67", None, "5321234567", "+90"),
        ("+90 (532) 123-45-67", "US", "5321234567", "+90"),
        ("0532 123 45 67", "TR", "5321234567", "+90"),
        ("532 123 4567", "TR", "5321234567", "+90"),
        ("0090 532 123 45 67", "TR", "5321234567", "+90"),
        ("905321234567", "TR", "5321234567", "+90"),
        ("tel:+90-532-123-45-67", None, "5321234567", "+90"),
        ("٠٥٣٢ ١٢٣ ٤٥ ٦٧", "TR", "5321234567", "+90"),
        ("(212) 555-0123", "US", "2125550123", "+1"),
        ("+44 20 7946 0958", None, "2079460958", "+44"),
        ("+39 06 1234 5678", None, "0612345678", "+39"),
        ("+1 212 555 0123 x45", None, "2125550123 ext. 45", "+1"),
    ],
)
def test_phone_number_becomes_a_national_number_and_a_code(
    written: str, region: str | None, number: str, code: str
) -> None:
    assert normalise.phone(written, region) == {"phone": number, "phone_code": code}


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("0532 123 45 67", None),
        ("0532 123 45 67", "XX"),
        ("00905321234567", None),
        ("call me", "TR"),
        ("112", "TR"),
        ("+90", "TR"),
        ("+999 123 456 789", None),
        ("+90 532 123 45 67 / +90 532 123 45 68", None),
        ("9" * 300, "TR"),
        ("+90 532 123 45 67" + " " * 60, "TR"),
        ("\ud800", "TR"),
    ],
)
def test_unreadable_phone_number_stays_unchanged(written: str, region: str | None) -> None:
    assert normalise.phone(written, region) == {"phone": written}


@pytest.mark.parametrize(
    ("code", "country", "names"),
    [
        ("TR", "Türkiye", "Türkiye, TÜRKİYE, turkiye, Turkey, TR, tr, TUR, Türkei, Turquía, Turquie, 792"),
        (
            "DE",
            "Germany",
            "Germany, Deutschland, Almanya, ALMANYA, Alemania, Allemagne, DE, DEU, Germania, Alemanha, Duitsland,"
            " Niemcy, Tyskland, Германия, ألمانيا, जर्मनी, ドイツ, 독일, 德国, 德國",
        ),
        (
            "GB",
            "United Kingdom",
            "United Kingdom, UK, uk, Great Britain, England, İngiltere, Birleşik Krallık",
        ),
        (
            "GB",
            "United Kingdom",
            "Großbritannien, Vereinigtes Königreich, Reino Unido, Royaume-Uni, Angleterre",
        ),
        ("US", "United States", "United States, USA, U.S.A., United States of America, ABD, Estados Unidos"),
        ("US", "United States", "Amerika Birleşik Devletleri, Vereinigte Staaten, États-Unis, Etats-Unis"),
        ("NL", "Netherlands", "Netherlands, The Netherlands, Holland, Hollanda, Niederlande, Pays-Bas"),
        ("AE", "United Arab Emirates", "UAE, Birleşik Arap Emirlikleri, Emiratos Árabes Unidos"),
        ("RU", "Russian Federation", "Russia, Rusya, Russland, Rusia, Russie"),
        ("CZ", "Czechia", "Czechia, Czech Republic, Çekya, Tschechien, Chequia"),
        ("KR", "South Korea", "South Korea, Güney Kore, Südkorea, Corea del Sur, Corée du Sud"),
        ("SY", "Syria", "Syria, Suriye, Syrien, Siria, Syrie"),
        ("AT", "Austria", "Austria, Österreich, Avusturya, Autriche"),
        ("AU", "Australia", "Australia, Australien, Avustralya, Australie"),
    ],
)
def test_a_country_is_known_by_its_names_in_five_languages(code: str, country: str, names: str) -> None:
    for name in names.split(", "):
        assert normalise.country(name) == {"country": country, "iso_code": code}, name


@pytest.mark.parametrize(
    "name",
    ["Narnia", "KKTC", "XX", "Europe", "somewhere in Turkey", "🎉", "\ud800", "-", "İ", "TR" + " " * 100],
)
def test_unknown_country_stays_unchanged(name: str) -> None:
    assert normalise.country(name) == {"country": name}


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(
    written=st.text(min_size=1) | st.text("+0123456789 ()-x٣", min_size=1),
    region=st.sampled_from([None, "TR", "US"]),
)
def test_any_text_is_a_phone_number_or_stays_unchanged(written: str, region: str | None) -> None:
    read = normalise.phone(written, region)
    assert read["phone"] == written or read["phone_code"].startswith("+")


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(st.text(min_size=1))
def test_any_text_is_a_country_or_stays_unchanged(written: str) -> None:
    read = normalise.country(written)
    assert read["country"] == written or len(read["iso_code"]) == 2
