"""The `files.*` methods; the bytes themselves go over other addresses, see `transfers`."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.blocks import Refused, check_message_blocks
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.workspace import Upload

UPLOAD_SIZE = 1 << 30
SNIPPET_SIZE = 1 << 20
UPLOAD_CHANNELS = 100


async def get_upload_url(call: Call) -> Json:
    require(call.arguments, "filename", "length")
    try:
        length = int(call.arguments["length"])
    except ValueError as error:
        raise Refused("invalid_arguments", "[ERROR] must be an integer: length") from error
    if length <= 0:
        raise Refused("missing_argument")
    if length > UPLOAD_SIZE:
        raise Refused("file_upload_size_restricted")
    if call.arguments.get("snippet_type") and length > SNIPPET_SIZE:
        raise Refused("snippet_too_large")
    place = call.workspace
    file = place.add_file(str(call.arguments["filename"]), place.bot_user)
    key = place.next_id("UP")
    place.uploads[key] = Upload(file, length)
    return {"upload_url": f"{place.origin}upload/v1/{place.team_id}/{key}", "file_id": file.id}


async def complete_upload(call: Call) -> Json:
    place = call.workspace
    files: Any = call.arguments.get("files")
    if not isinstance(files, list) or not files or any(not isinstance(file, dict) for file in files):
        raise Refused("invalid_arguments", "[ERROR] missing required field: files")
    waiting = {upload.file.id: key for key, upload in place.uploads.items() if upload.arrived}
    if any(file.get("id") not in waiting for file in files):
        raise Refused("file_not_found")
    named = call.arguments.get("channel_id") or call.arguments.get("channels") or ""
    channels = [place.conversation(name) for name in str(named).split(",") if name]
    if len(channels) > UPLOAD_CHANNELS:
        raise Refused("channels_limit_exceeded")
    comment, blocks = str(call.arguments.get("initial_comment") or ""), call.arguments.get("blocks") or []
    check_message_blocks(blocks)
    finished = [place.uploads.pop(waiting[file["id"]]).file for file in files]
    for file, said in zip(finished, files, strict=True):
        file.title = str(said.get("title") or file.name)
    for channel in channels:
        post = place.post(
            channel.id,
            place.bot_user,
            comment,
            blocks=[] if comment else list(blocks),
            bot_id=place.bot_id,
            thread_ts=call.arguments.get("thread_ts"),
            files=finished,
        )
        call.emit_post(post)
    return {"files": [{"id": file.id, "title": file.title} for file in finished]}


async def files_info(call: Call) -> Json:
    require(call.arguments, "file")
    place = call.workspace
    file = place.files.get(str(call.arguments["file"]))
    if file is None or any(upload.file is file for upload in place.uploads.values()):
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    if not place.sees(file):
        raise Refused("file_not_found")
    shares: dict[str, dict[str, list[Json]]] = {}
    for channel_id, ts in file.shares:
        kind = "public" if place.conversations[channel_id].kind == "channel" else "private"
        shares.setdefault(kind, {}).setdefault(channel_id, []).append({"ts": ts, "team_id": place.team_id})
    return {"file": file.as_file() | {"shares": shares}, "comments": [], "response_metadata": {"next_cursor": ""}}


async def files_delete(call: Call) -> Json:
    require(call.arguments, "file")
    file = call.workspace.files.get(str(call.arguments["file"]))
    if file is None:
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    if file.user != call.workspace.bot_user:
        raise Refused("cant_delete_file")
    file.deleted = True
    return {}


METHODS = {
    "files.getUploadURLExternal": (get_upload_url, "files:write"),
    "files.completeUploadExternal": (complete_upload, "files:write"),
    "files.info": (files_info, "files:read"),
    "files.delete": (files_delete, "files:write"),
}
