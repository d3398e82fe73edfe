"""The `chat.*` methods, with the states and limits of streams."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.blocks import Refused, check_message_blocks
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.workspace import Post

TEXT_CUT = 40_000
UPDATE_TEXT = 4_000
STREAM_TEXT = 12_000


async def post_message(call: Call) -> Json:
    require(call.arguments, "channel")
    channel = call.workspace.conversation(call.arguments["channel"])
    text, blocks = _content(call)
    post = call.workspace.post(
        channel.id,
        call.workspace.bot_user,
        text[:TEXT_CUT],
        blocks=blocks,
        bot_id=call.workspace.bot_id,
        thread_ts=call.arguments.get("thread_ts"),
        metadata=_metadata(call),
    )
    call.emit_post(post)
    return {"channel": channel.id, "ts": post.ts, "message": post.as_message()}


async def post_ephemeral(call: Call) -> Json:
    require(call.arguments, "channel", "user")
    channel = call.workspace.conversation(call.arguments["channel"])
    if call.arguments["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    text, blocks = _content(call)
    post = call.workspace.post(
        channel.id,
        call.workspace.bot_user,
        text,
        blocks=blocks,
        bot_id=call.workspace.bot_id,
        thread_ts=call.arguments.get("thread_ts"),
        to=call.arguments["user"],
    )
    return {"message_ts": post.ts}


async def update(call: Call) -> Json:
    require(call.arguments, "channel", "ts")
    post = _own_post(call, "cant_update_message")
    if post.streaming:
        raise Refused("streaming_state_conflict")
    text, blocks = _content(call)
    if len(text) > UPDATE_TEXT:
        raise Refused("msg_too_long")
    changed = _metadata(call) if call.arguments.get("metadata") else None
    before = post.as_message()
    post.history.append((post.text, post.blocks))
    post.text = text
    if "metadata" in call.arguments:  # left out, what there was stays; an empty object takes it away
        post.metadata = changed
    if "blocks" in call.arguments:  # left out, the blocks there are stay
        post.blocks = blocks
    call.emit_change(post, before)
    return {"channel": post.channel, "ts": post.ts, "text": post.text, "message": post.as_message()}


async def delete(call: Call) -> Json:
    require(call.arguments, "channel", "ts")
    post = _own_post(call, "cant_delete_message")
    post.deleted, post.streaming = True, False
    call.emit_deletion(post)
    return {"channel": post.channel, "ts": post.ts}


async def get_permalink(call: Call) -> Json:
    require(call.arguments, "channel", "message_ts")
    channel = call.workspace.conversation(call.arguments["channel"], member=False, archived=True)
    post = call.workspace.find(channel.id, call.arguments["message_ts"])
    return {"channel": channel.id, "permalink": call.workspace.permalink(post)}


async def start_stream(call: Call) -> Json:
    require(call.arguments, "channel", "thread_ts")
    channel = call.workspace.conversation(call.arguments["channel"])
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not call.arguments.get(name):
                raise Refused(f"missing_{name}")
        if call.arguments["recipient_user_id"] not in call.workspace.people:
            raise Refused("user_not_found")
    text = _streamed(call)
    post = call.workspace.post(
        channel.id,
        call.workspace.bot_user,
        "",
        bot_id=call.workspace.bot_id,
        thread_ts=call.arguments["thread_ts"],
        streaming=True,
    )
    post.streamed = text
    call.emit_post(post)
    return {"channel": channel.id, "ts": post.ts}


async def append_stream(call: Call) -> Json:
    require(call.arguments, "channel", "ts")
    post = _stream(call)
    text = _streamed(call)
    if not text and not call.arguments.get("chunks"):
        raise Refused("no_text")
    _grow(post, text)
    return {"channel": post.channel, "ts": post.ts}


async def stop_stream(call: Call) -> Json:
    require(call.arguments, "channel", "ts")
    post = _stream(call)
    blocks = call.arguments.get("blocks") or []
    check_message_blocks(blocks)
    metadata = _metadata(call)
    _grow(post, _streamed(call))
    before = post.as_message()
    post.streaming, post.text, post.blocks, post.metadata = False, post.streamed, list(blocks), metadata
    call.emit_change(post, before)
    return {"channel": post.channel, "ts": post.ts, "message": post.as_message()}


def _content(call: Call) -> tuple[str, list[Json]]:
    text, blocks = str(call.arguments.get("text") or ""), call.arguments.get("blocks") or []
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    check_message_blocks(blocks)
    markdown = str(call.arguments.get("markdown_text") or "")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if len(markdown) > STREAM_TEXT:
        raise Refused("msg_too_long")
    if not (text or blocks or markdown):
        raise Refused("no_text")
    return text or markdown, blocks


def _metadata(call: Call) -> Json | None:
    metadata: Any = call.arguments.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if not metadata.get("event_type"):
        raise Refused("invalid_metadata_schema")
    return metadata


def _streamed(call: Call) -> str:
    text = str(call.arguments.get("markdown_text") or "")
    for chunk in call.arguments.get("chunks") or ():
        if not isinstance(chunk, dict) or chunk.get("type") not in ("markdown_text", "task_update", "plan_update"):
            raise Refused("invalid_chunks")
        if chunk["type"] == "markdown_text":
            text += str(chunk.get("text") or "")
    if len(text) > STREAM_TEXT:
        raise Refused("msg_too_long")
    return text


def _grow(post: Post, text: str) -> None:
    if len(post.streamed) + len(text) > TEXT_CUT:
        raise Refused("msg_too_long")
    post.streamed += text


def _stream(call: Call) -> Post:
    post = _own_post(call, "message_not_owned_by_app")
    if not post.streaming:
        raise Refused("message_not_in_streaming_state")
    return post


def _own_post(call: Call, otherwise: str) -> Post:
    channel = call.workspace.conversation(call.arguments["channel"])
    post = call.workspace.find(channel.id, call.arguments["ts"])
    if post.bot_id != call.workspace.bot_id:
        raise Refused(otherwise)
    return post


METHODS = {
    "chat.postMessage": (post_message, "chat:write"),
    "chat.postEphemeral": (post_ephemeral, "chat:write"),
    "chat.update": (update, "chat:write"),
    "chat.delete": (delete, "chat:write"),
    "chat.getPermalink": (get_permalink, None),
    "chat.startStream": (start_stream, "chat:write"),
    "chat.appendStream": (append_stream, "chat:write"),
    "chat.stopStream": (stop_stream, "chat:write"),
}
