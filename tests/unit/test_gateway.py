"""API Gateway's event becomes a request, byte for byte."""

from base64 import b64encode
from typing import Any

import pytest

from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.errors import TooLarge, Unreadable
from clemta_intake.gateway import Request


def body_of(event: dict[str, Any]) -> bytes:
    return Request.of(event).body()


class TestTheEvent:
    def test_text_body_is_unchanged(self) -> None:
        assert (
            body_of({"body": '{"name": "Zoë 🎉"}', "isBase64Encoded": False}) == '{"name": "Zoë 🎉"}'.encode()
        )

    def test_base64_body_is_decoded(self) -> None:
        posted = b"\x00\xff\r\n raw "
        assert body_of({"body": b64encode(posted).decode(), "isBase64Encoded": True}) == posted

    @pytest.mark.parametrize("event", [{}, {"body": None}, {"body": "", "isBase64Encoded": True}])
    def test_missing_body_is_empty_bytes(self, event: dict[str, Any]) -> None:
        assert body_of(event) == b""

    @pytest.mark.parametrize("text", ["%%%", "YQ", "YQ==junk", "ğ", "\ud800"])
    def test_invalid_base64_body_is_refused(self, text: str) -> None:
        with pytest.raises(Unreadable, match="not_base64"):
            body_of({"body": text, "isBase64Encoded": True})

    def test_p9_a_body_that_is_too_long_is_refused_before_it_is_decoded(self) -> None:
        for event in ({"body": "%" * 240_004, "isBase64Encoded": True}, {"body": "x" * (MAX_BODY + 1)}):
            with pytest.raises(TooLarge):
                body_of(event)

    def test_p9_body_limit_counts_bytes_and_not_characters(self) -> None:
        assert len(body_of({"body": "ş" * (MAX_BODY // 2)})) == MAX_BODY
        with pytest.raises(TooLarge):
            body_of({"body": "ş" * (MAX_BODY // 2 + 1)})

    @pytest.mark.parametrize("length", [MAX_BODY - 1, MAX_BODY])
    def test_base64_body_of_the_maximum_length_is_accepted(self, length: int) -> None:
        event = {"body": b64encode(b"x" * length).decode(), "isBase64Encoded": True}
        assert len(body_of(event)) == length

    def test_p2_surrogate_in_the_query_is_no_error(self) -> None:
        event = {"multiValueQueryStringParameters": {"\ud800": ["\udfff"]}}
        assert Request.of(event).uri == "https://?%ED%A0%80=%ED%BF%BF"

    def test_surrogate_in_the_body_does_not_break_the_raw_bytes(self) -> None:
        assert body_of({"body": '"\ud83d"'}) == b'"\xed\xa0\xbd"'

    def test_header_names_become_lower_case(self) -> None:
        event = {"multiValueHeaders": {"Content-TYPE": ["text/plain"], "X-Empty": []}}
        assert Request.of(event).headers == {"content-type": "text/plain"}

    def test_a_header_that_came_twice_is_joined(self) -> None:
        event = {"multiValueHeaders": {"X-Signature": ["one", "two"], "x-signature": ["three"]}}
        assert Request.of(event).headers == {"x-signature": "one, two, three"}

    def test_single_value_headers_are_used_without_multi_value_headers(self) -> None:
        assert Request.of({"headers": {"Accept": "text/html"}}).headers == {"accept": "text/html"}

    @pytest.mark.parametrize(
        "event", [{}, {"headers": None, "multiValueHeaders": None}, {"multiValueHeaders": {"A": None}}]
    )
    def test_event_may_have_no_headers(self, event: dict[str, Any]) -> None:
        assert Request.of(event).headers == {}

    def test_last_value_of_a_repeated_query_parameter_is_used(self) -> None:
        event = {"multiValueQueryStringParameters": {"token": ["first", "last"], "empty": []}}
        assert Request.of(event).query == {"token": "last"}

    def test_single_value_parameters_are_used_without_multi_value_parameters(self) -> None:
        assert Request.of({"queryStringParameters": {"token": "t"}}).query == {"token": "t"}
        assert Request.of({"queryStringParameters": None}).query == {}
