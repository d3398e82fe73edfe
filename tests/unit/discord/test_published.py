"""What asks Discord's published specification about bodies, tried on a small one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.discord.published_rules import Published

ROUTE = "POST /channels/{channel}/messages"


@pytest.fixture
def published() -> Published:
    post = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}}}}}
    embed = {"type": "object", "properties": {"title": {"type": "string"}}}
    message = {
        "type": "object",
        "properties": {
            "content": {"type": ["string", "null"], "maxLength": 10},
            "reply_to": {"$ref": "#/components/schemas/SnowflakeType"},
            "embeds": {"type": "array", "items": embed},
        },
    }
    snowflake = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
    return Published(
        {
            "paths": {"/channels/{channel_id}/messages": {"post": post, "get": {}}},
            "components": {"schemas": {"Message": message, "SnowflakeType": snowflake}},
        }
    )


@pytest.mark.parametrize(
    "body", [{}, {"content": "short", "reply_to": 7}, {"reply_to": "7", "embeds": [{"title": "x"}]}]
)
def test_what_it_describes_passes(published: Published, body: dict[str, Any]) -> None:
    assert not list(published.breaches(ROUTE, body))


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"content": "x" * 11}, "$.content"),
        ({"reply_to": "seven"}, "$.reply_to"),
        ({"contents": "x"}, "'contents' was unexpected"),
        ({"embeds": [{"titel": "x"}]}, "$.embeds[0]"),
    ],
)
def test_what_it_does_not_is_named(published: Published, body: dict[str, Any], at: str) -> None:
    (breach,) = published.breaches(ROUTE, body)
    assert breach.startswith(ROUTE)
    assert at in breach


def test_a_call_takes_no_body_where_none_is_described_and_must_be_there(published: Published) -> None:
    assert not list(published.breaches("GET /channels/{channel}/messages", {}))
    assert list(published.breaches("GET /channels/{channel}/messages", {"a": 1}))
    with pytest.raises(AssertionError, match="no PUT"):
        list(published.breaches("PUT /channels/{channel}/messages", {}))
