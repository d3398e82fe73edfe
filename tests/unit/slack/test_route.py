from __future__ import annotations

from typing import Any

import pytest

from adapters.slack.route import Route, route_of

EVENT = {"type": "event_callback", "team_id": "T1"}
MESSAGE = {"type": "message", "user": "U1", "user_team": "T2", "channel": "C1", "ts": "2.1", "thread_ts": "1.1"}
PRESS: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "user": {"id": "U1", "team_id": "T1"},
    "container": {"type": "message", "message_ts": "2.1", "channel_id": "C1"},
    "channel": {"id": "C1"},
    "message": {"ts": "2.1", "thread_ts": "1.1"},
    "response_url": "https://hooks.slack.com/x",
    "trigger_id": "t",
}
SENT = {
    "type": "view_submission",
    "team": {"id": "T1"},
    "user": {"id": "U1"},
    "trigger_id": "t",
    "view": {"private_metadata": '{"channel": "C1", "thread": "1.1"}'},
}
COMMAND = {
    "command": "/ask",
    "team_id": "T1",
    "user_id": "U1",
    "channel_id": "C1",
    "response_url": "https://hooks.slack.com/x",
    "trigger_id": "t",
}
REACTION = {"type": "reaction_added", "user": "U1", "item": {"type": "message", "channel": "C1", "ts": "2.1"}}


@pytest.mark.parametrize(
    ("body", "route"),
    [
        (EVENT | {"event": MESSAGE}, Route("message", "T1", "U1", "T2", "C1", "1.1", "2.1")),
        (EVENT | {"event": REACTION}, Route("reaction", "T1", "U1", "T1", "C1", "", "2.1")),
        (
            EVENT | {"event": {"type": "app_home_opened", "user": "U1", "tab": "home", "channel": "D1"}},
            Route("home", "T1", "U1", "T1", "D1"),
        ),
        (
            EVENT | {"event": {"type": "app_home_opened", "user": "U1", "tab": "messages", "channel": "D1"}},
            Route("prompts", "T1", "U1", "T1", "D1"),
        ),
        (COMMAND, Route("command", "T1", "U1", "T1", "C1", "", "", "https://hooks.slack.com/x", "t")),
        (PRESS, Route("action", "T1", "U1", "T1", "C1", "1.1", "2.1", "https://hooks.slack.com/x", "t")),
        (SENT, Route("form", "T1", "U1", "T1", "C1", "1.1", "", "", "t")),
    ],
)
def test_every_payload_has_a_way_back_that_can_be_kept(body: dict[str, Any], route: Route) -> None:
    assert route_of(body) == route
    kept = route.as_data()
    assert all(kept.values())
    assert Route.from_data(kept | {"of a later version": "x"}) == route
