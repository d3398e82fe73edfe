"""The `views.*` methods: modals, the stack of up to three they make, and homes."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.blocks import Refused, asks_for_files, check_view
from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.decode import require
from tests.fakes.slack.workspace import Opened


async def views_open(call: Call) -> Json:
    require(call.arguments, "trigger_id", "view")
    user, _ = call.workspace.use_trigger(call.arguments["trigger_id"])
    opened = call.workspace.open_view(user, _checked(call, "modal"))
    return {"view": call.workspace.as_view(opened)}


async def views_push(call: Call) -> Json:
    require(call.arguments, "trigger_id", "view")
    user, view_id = call.workspace.use_trigger(call.arguments["trigger_id"])
    below = call.workspace.views.get(view_id or "")
    if below is None or not below.open:
        raise Refused("not_found")
    opened = call.workspace.push_view(user, _checked(call, "modal"), below)
    return {"view": call.workspace.as_view(opened)}


async def views_update(call: Call) -> Json:
    require(call.arguments, "view_id", "view")
    opened = call.workspace.views.get(call.arguments["view_id"])
    if opened is None or not opened.open:
        raise Refused("not_found")
    if call.arguments.get("hash") not in (None, opened.hash):
        raise Refused("hash_conflict")
    opened.show(_checked(call, opened.view["type"]))
    return {"view": call.workspace.as_view(opened)}


async def views_publish(call: Call) -> Json:
    require(call.arguments, "user_id", "view")
    user = call.arguments["user_id"]
    if user not in call.workspace.people:
        raise Refused("user_not_found")
    view = _checked(call, "home")
    kept = call.workspace.homes.get(user)
    if kept is not None and call.arguments.get("hash") not in (None, kept.hash):
        raise Refused("hash_conflict")
    opened = Opened(kept.id if kept else call.workspace.next_id("V"), user, view)
    call.workspace.homes[user] = opened
    return {"view": call.workspace.as_view(opened)}


def _checked(call: Call, kind: str) -> Json:
    view: Any = call.arguments["view"]
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refused("invalid_arguments", f"view.type must be {kind}")
    check_view(view)
    if asks_for_files(view["blocks"]) and "files:read" not in call.scopes:
        raise Refused("missing_scope", needed="files:read", provided=",".join(sorted(call.scopes)))
    return dict(view)


METHODS = {
    "views.open": (views_open, None),
    "views.push": (views_push, None),
    "views.update": (views_update, None),
    "views.publish": (views_publish, None),
}
