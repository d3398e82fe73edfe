"""What Slack accepts, in characters unless said otherwise.

https://docs.slack.dev/reference/block-kit/blocks; the size of a whole message is not documented: Slack refused
messages with blocks of about 13,300 characters of JSON in all (slackapi/bolt-js, issues 2509 and 2867).
"""

from __future__ import annotations

import json

MESSAGE_SIZE = 12_000  # JSON of all blocks of one message
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
PROMPTS = 4
FALLBACK = 3_900  # `chat.update` refuses a text over 4,000; `chat.postMessage` cuts at 40,000
STREAM_CHUNK = 12_000  # `markdown_text`
CONTEXT_TEXT = 1_900
URL = 3_000
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
ACTIONS = 25  # elements of one block
OPTIONS = 100  # of one menu
OPTION_TEXT = 75
OPTION_VALUE = 150
TABLE_ROWS = 100
TABLE_COLUMNS = 20
LIST_INDENT = 8
VIEW_TITLE = 24
INPUT_LABEL = 2_000
INPUT_TEXT = 3_000
METADATA = 3_000


def size(thing: object) -> int:
    """Return how long something is as JSON, counted as JavaScript counts: an emoji is two."""
    return len(json.dumps(thing, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) // 2
