"""Answers come in many shapes: objects, lists of fields, lists of {name, value}, files, booleans."""

from typing import Any

import pytest

from clemta_intake.sources.answers import Answer, to_answers, to_text


def pairs(data: Any) -> list[tuple[str, str]]:
    """Each answer's name as a person knows it, and its value."""
    return [(answer.name, answer.value) for answer in to_answers(data)]


def test_an_object_becomes_a_flat_list() -> None:
    assert to_answers({"a": {"b": " x ", "c": 1}, "d": ["y", 2, True]}) == [
        Answer(("a", "b"), "x"),
        Answer(("a", "c"), "1"),
        Answer(("d",), "y, 2, yes"),
    ]


def test_a_list_of_fields_stays_one() -> None:
    asked = [{"key": "k", "label": "Label", "type": "TEXT", "value": "x"}, {"value": "y"}]
    assert to_answers(asked) == [Answer(("k",), "x", "Label", "TEXT"), Answer(("",), "y")]


def test_field_in_parts_keeps_the_label_of_the_whole() -> None:
    asked = [
        {"key": "q1", "label": "Your name", "type": "NAME", "value": {"first": "Ada", "last": "Example"}}
    ]
    assert pairs(asked) == [("Your name: first", "Ada"), ("Your name: last", "Example")]


def test_boolean_is_yes_or_no_and_keeps_its_type() -> None:
    assert to_answers({"a": True, "b": False}) == [
        Answer(("a",), "yes", type="boolean"),
        Answer(("b",), "no", type="boolean"),
    ]
    assert to_answers([{"key": "a", "type": "CHECKBOX", "value": True}]) == [
        Answer(("a",), "yes", type="boolean")
    ]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"cv": {"name": "cv.pdf", "url": "https://example.com/cv.pdf"}}, [("cv", "cv.pdf")]),
        (
            [
                {
                    "key": "cv",
                    "value": [{"name": "a.png", "mimeType": "image/png"}, {"filename": "b.png", "size": 3}],
                }
            ],
            [("cv", "a.png, b.png")],
        ),
        ({"cv": {"url": "https://example.com/cv.pdf"}}, [("cv.url", "https://example.com/cv.pdf")]),
        (
            {"extra": [{"name": "Shoe size", "value": "38"}, {"name": "Gift", "value": True}]},
            [("extra.Shoe size", "38"), ("extra.Gift", "yes")],
        ),
        ({"extra": [{"question": "Why?", "answer": None}]}, []),
        ({"pets": [{"animal": "cat"}, "dog"]}, [("pets.0.animal", "cat"), ("pets.1", "dog")]),
        ({"rows": [{"label": 7, "value": "x"}]}, [("rows.0.label", "7"), ("rows.0.value", "x")]),
    ],
)
def test_p4_every_shape_of_an_answer_arrives(data: Any, found: list[tuple[str, str]]) -> None:
    assert pairs(data) == found


@pytest.mark.parametrize(
    "data", [None, [], {}, [None, 7, "x", []], [{}], [{"key": "email"}], {"a": [], "b": {}}]
)
def test_missing_answers_are_an_empty_list(data: Any) -> None:
    assert to_answers(data) == []


def test_numeric_label_is_text() -> None:
    assert to_answers([{"key": 7, "label": 8, "type": [9], "value": "x"}]) == [Answer(("7",), "x", "8", "9")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Ada \n", "Ada"),
        ("", ""),
        (None, ""),
        (True, ""),
        (False, ""),
        (0, "0"),
        (905321234567, "905321234567"),
        (10**30, "1" + "0" * 30),
        (34000.0, "34000"),
        (905321234567.0, "905321234567"),
        (1.5, "1.5"),
        (0.0, "0"),
        (-2.50, "-2.5"),
        (100.0, "100"),
        (1e20, "1" + "0" * 20),
        (["a", "", None, " b ", ["c", 4], {"d": "e"}, True], "a, b, c, 4"),
        ([], ""),
        ({"a": "b"}, ""),
    ],
)
def test_any_value_becomes_text(value: Any, text: str) -> None:
    assert to_text(value) == text
