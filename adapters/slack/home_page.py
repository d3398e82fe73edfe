"""The bot's own pages in Slack: the Home tab, and the questions offered in an empty conversation."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from adapters.slack.failures import TROUBLE, in_our_words, read_failure
from adapters.slack.limits import PROMPTS
from adapters.slack.posting import Posting
from adapters.slack.render import render_page
from adapters.slack.responder import SlackResponder
from core.replies import Choices, Reply
from core.text import one_line

log = structlog.get_logger(__name__)

_TITLE, _MESSAGE = 75, 500
_NOTHING = "There is nothing here yet."


@dataclass(slots=True)
class HomeResponder(SlackResponder):
    """Replies to a visit of the Home tab with the page itself, which its visitor alone sees."""

    async def send(self, reply: Reply) -> None:
        """Publish the page. Raises `Unavailable`, `NotPermitted`."""
        with in_our_words():
            await publish_home(self.posting, self.route.user_id, reply)


async def publish_home(posting: Posting, user_id: str, page: Reply) -> None:
    """Put a page in place of the one that a person's Home tab shows. Raises one of `TROUBLE`."""
    blocks = render_page(page)
    nothing = {"type": "section", "text": {"type": "plain_text", "text": _NOTHING}}
    view = {"type": "home", "blocks": blocks or [nothing]}
    await posting.insist("views.publish", lambda: posting.client.views_publish(user_id=user_id, view=view), tries=3)


@dataclass(slots=True)
class PromptsResponder(SlackResponder):
    """Replies to a visit of an empty conversation with questions to begin with: the reply's choices."""

    async def send(self, reply: Reply) -> None:
        """Offer the choices, their labels as titles and their values as what is asked.

        Nobody has asked for them, so that what Slack refuses is only noted.
        """
        choices = [choice for part in reply.parts if isinstance(part, Choices) for choice in part.choices]
        prompts = [
            {"title": one_line(choice.label, _TITLE), "message": one_line(choice.value, _MESSAGE)}
            for choice in choices
            if choice.label.strip() and choice.value.strip()  # a button without a value is no question
        ]
        if not prompts:
            return
        client = self.posting.client
        try:
            await self.posting.insist(
                "assistant.threads.setSuggestedPrompts",
                lambda: client.assistant_threads_setSuggestedPrompts(
                    channel_id=self.route.channel,
                    thread_ts=self.route.thread_ts or None,
                    title=one_line(reply.text(), _TITLE) or None,
                    prompts=prompts[:PROMPTS],
                ),
                tries=2,
            )
        except TROUBLE as error:
            log.info("slack_prompts_refused", team=self.route.team_id, code=read_failure(error).code)
