"""Our own sign-up forms are read right in every language, whatever their order, case, accents and decoration."""

import json
import random
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import recognition
from bench.recognition import FIELDS, MODES, Field, Form, Judged, Mode, judge, own_forms
from clemta_intake.sources.answers import Answer
from clemta_intake.sources.fields import recognise

FORMS = own_forms()
LANGUAGES = sorted({form.language for form in FORMS})
LABELS = [field.label for form in FORMS for field in form.fields if field.label and field.type != "password"]
DECORATIONS: dict[str, Callable[[str], str]] = {
    "a star": lambda label: f"{label} *",
    "a star and a colon": lambda label: f"* {label}:",
    "white space": lambda label: f"  {label}\n",
    "required": lambda label: f"{label} (required)",
    "optional": lambda label: f"{label} (optional)",
    "a number": lambda label: f"3. {label}",
    "upper case": str.upper,
    "lower case": str.lower,
    "decomposed accents": lambda label: unicodedata.normalize("NFD", label),
    "half-width signs": lambda label: unicodedata.normalize("NFKC", label),
}


def judged(form: Form, mode: Mode) -> Judged:
    found = judge(form, mode)
    assert found is not None
    return found


def misses(found: Judged) -> list[str]:
    """Each counted or wrongly placed answer that is not right: its label or name, its field, and where it went."""
    return [
        f"{found.form.form}: {getattr(one.field, found.mode)!r} is {one.field.expected}, went to {one.place!r}"
        for one in found.verdicts
        if one.wrong or (one.counts and not one.right)
    ]


def read(form: Form) -> dict[str, str]:
    """The fields that the labels of a form lead to."""
    asked = [field for field in form.fields if field.label]
    answers = [Answer((f"question_{number}",), one.value, one.label) for number, one in enumerate(asked)]
    return recognise(answers).values


class TestOwnForms:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_label_leads_to_its_field(self, language: str) -> None:
        found = [judged(form, "label") for form in FORMS if form.language == language]
        assert [miss for one in found for miss in misses(one)] == []
        assert [one.problem for one in found if one.problem] == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_posted_name_leads_to_its_field_or_to_none(self, language: str) -> None:
        found = [judged(form, "name") for form in FORMS if form.language == language]
        assert [one.field.name for form in found for one in form.verdicts if one.wrong] == []
        assert [one.problem for one in found if one.problem] == []

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_p4_every_answer_arrives(self, language: str, mode: Mode) -> None:
        found = [judged(form, mode) for form in FORMS if form.language == language]
        lost = [one.field for form in found for one in form.verdicts if not one.arrived]
        assert lost == []

    def test_every_form_has_a_language_and_known_fields(self) -> None:
        assert len(LANGUAGES) >= 16
        for form in FORMS:
            assert form.form.startswith(f"{form.language}-")
            assert {field.expected for field in form.fields} <= {*FIELDS, None}
            assert len({field.name for field in form.fields}) == len(form.fields)

    def test_every_address_is_reserved_for_examples(self) -> None:
        for form in FORMS:
            for field in form.fields:
                if "@" in field.value:
                    assert field.value.endswith(("@example.com", "@example.org", "@example.net"))

    def test_recorded_figures_are_current(self) -> None:
        recorded = json.loads(recognition.RESULT.read_text())["recognition"]["own"]
        assert recorded == json.loads(json.dumps(recognition.own_figures(FORMS))), "run make recognition"


def asked(*fields: tuple[str, str, str | None]) -> Form:
    """A form of {name, value, expected}; a name is its label too."""
    return Form(
        "f", "en", tuple(Field(name, name, "text", value, expected) for name, value, expected in fields)
    )


class TestScorer:
    @pytest.mark.parametrize("mode", MODES)
    def test_form_without_an_email_field_gets_one(self, mode: Mode) -> None:
        found = judged(asked(("Full name", "Ada Example", "full_name")), mode)
        assert (found.created, [one.right for one in found.verdicts]) == (True, [True])

    def test_only_the_first_answer_of_a_field_counts(self) -> None:
        found = judged(
            asked(("email", "a@example.com", "email"), ("email_2", "b@example.com", "email")), "name"
        )
        assert [one.counts for one in found.verdicts] == [True, False]

    def test_form_in_which_nothing_counts_is_left_out(self) -> None:
        assert judge(asked(("shoe_size", "38", None)), "name") is None

    def test_secret_does_not_count_as_an_answer(self) -> None:
        form = asked(("email", "a@example.com", "email"), ("password", "not-a-real-one", None))
        assert [one.field.name for one in judged(form, "name").verdicts] == ["email"]

    def test_answer_of_no_field_that_gets_one_is_wrongly_placed(self) -> None:
        found = judged(asked(("email", "a@example.com", "email"), ("full_name", "Ada Example", None)), "name")
        assert [(one.wrong, one.place) for one in found.verdicts] == [(False, "email"), (True, "full_name")]

    def test_figures_hold_nothing_of_the_forms(self) -> None:
        found = json.dumps(recognition.figures(FORMS[:20]))
        assert not [
            field.value
            for form in FORMS[:20]
            for field in form.fields
            if len(field.value) > 3 and field.value in found
        ]


class TestProperties:
    """What does not change how a form is read."""

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_order_of_fields_changes_nothing(self, language: str) -> None:
        for form in FORMS:
            if form.language == language:
                for seed in range(20):
                    fields = random.Random(seed).sample(form.fields, len(form.fields))  # noqa: S311
                    shuffled = form._replace(fields=tuple(fields))
                    assert _without_order(read(shuffled)) == _without_order(read(form)), form.form

    @pytest.mark.parametrize("decoration", DECORATIONS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_case_accents_and_decoration_change_nothing(self, language: str, decoration: str) -> None:
        decorate = DECORATIONS[decoration]
        for form in FORMS:
            if form.language == language:
                fields = tuple(
                    one._replace(label=decorate(one.label) if one.label else "") for one in form.fields
                )
                assert read(form._replace(fields=fields)) == read(form), form.form

    @settings(deadline=None)
    @given(form=st.sampled_from(FORMS), label=st.sampled_from(LABELS), mode=st.sampled_from(MODES))
    def test_p4_an_answer_of_another_form_arrives_too(self, form: Form, label: str, mode: Mode) -> None:
        added = Field("added", label, "text", "Quixotic 4711 answer", None)
        found = judged(form._replace(fields=(*form.fields, added)), mode)
        assert [one.arrived for one in found.verdicts if one.field == added] in ([True], [])


def _without_order(found: dict[str, str]) -> dict[str, Any]:
    return {field: sorted(value.split()) for field, value in found.items()}
