"""What Discord accepts, in characters unless said otherwise.

https://discord.com/developers/docs/resources/message and …/components/reference. Lengths are counted as UTF-16 does,
the most that any of Discord's parts counts.
"""

from __future__ import annotations

CONTENT = 2_000
EMBEDS = 10
EMBED_SIZE = 6_000  # of all embeds of a message together
DESCRIPTION = 4_096
EMBED_TITLE = 256
URL = 2_000
CUSTOM_ID = 100
ROWS = 5
BUTTONS = 5  # of one row
BUTTON_LABEL = 80
OPTIONS = 25  # of one menu, and of one command
OPTION_LABEL = 100
OPTION_VALUE = 100
MODAL_TITLE = 45
INPUTS = 5  # of one modal
INPUT_LABEL = 45
INPUT_HELP = 100
INPUT_TEXT = 4_000
THREAD_NAME = 100
FILES = 10
ALT = 1_024
NONCE = 25
COMMAND_NAME = 32
COMMAND_HELP = 100
SUGGESTIONS = 25
LARGEST_FILE = 20_000_000  # bytes; the same as on Slack
LARGEST_UPLOAD = 10 * 1024**2  # bytes that a bot may send (…/reference#uploading-files)


def length(text: str) -> int:
    """Return how long a text is, an emoji counting as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fit(text: str, limit: int) -> str:
    """Return text of at most `limit` characters, cut with an ellipsis."""
    if length(text) <= limit:
        return text
    kept = text[: limit - 1]
    while length(kept) > limit - 1:
        kept = kept[: len(kept) - (length(kept) - limit + 1 + 1) // 2]
    return f"{kept.rstrip()}…"
