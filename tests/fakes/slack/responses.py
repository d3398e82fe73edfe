"""A `response_url`: where an app answers a command or a press, five times within half an hour.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.slack.blocks import Refused, check_message_blocks
from tests.fakes.slack.calls import change_event, deletion_event, post_event
from tests.fakes.slack.emitting import Emitter
from tests.fakes.slack.workspace import Json, Post

USES, SECONDS = 5, 1_800.0


@dataclass(slots=True)
class Response:
    """Where answers go, to whom, and what was pressed in."""

    channel: str
    user: str
    post: Post | None
    expires: float
    uses: int = 0


class Responses(Emitter):
    """The response addresses of one workspace; `response_url` is what they begin with."""

    response_url: str
    responses: dict[str, Response]

    def respond(self, key: str, body: Json) -> None:
        """Take what the app sends to a `response_url`. Raises `Refused`."""
        response = self.responses.get(key)
        if response is None or self.workspace.clock() > response.expires:
            raise Refused("expired_url")
        if response.uses >= USES:
            raise Refused("used_url")
        response.uses += 1
        post = response.post
        if body.get("delete_original"):
            if post is not None and not post.deleted:
                post.deleted = True
                self._show(post, deletion_event(self.workspace, post))
        elif body.get("replace_original") and post is not None and not post.deleted:
            self._check(body)
            before = post.as_message()
            post.text, post.blocks = str(body.get("text", "")), list(body.get("blocks") or [])
            self._show(post, change_event(self.workspace, post, before))
        else:
            self._check(body)
            self._say_back(body, response.channel, response.user)

    def _check(self, body: Json) -> None:
        check_message_blocks(body.get("blocks") or [])
        if not body.get("text") and not body.get("blocks"):
            raise Refused("no_text")

    def _say_back(self, answer: Json, channel: str, user: str) -> None:
        if not answer.get("text") and not answer.get("blocks"):
            return
        blocks = list(answer.get("blocks") or [])
        check_message_blocks(blocks)
        place = self.workspace
        post = place.post(
            channel,
            place.bot_user,
            str(answer.get("text", "")),
            blocks=blocks,
            bot_id=place.bot_id,
            thread_ts=answer.get("thread_ts"),
            to=None if answer.get("response_type") == "in_channel" else user,
        )
        self._show(post, post_event(place, post))

    def _show(self, post: Post, event: Json) -> None:
        if post.to is None:
            self.emit(event)

    def _response(self, channel: str, user: str, post: Post | None) -> str:
        key = self.workspace.next_id("R")
        self.responses[key] = Response(channel, user, post, self.workspace.clock() + SECONDS)
        return f"{self.response_url}{self.workspace.team_id}/{key}"
