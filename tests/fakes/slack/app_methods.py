"""The app itself: its token, its installation, its manifest."""

from __future__ import annotations

from tests.fakes.slack.calls import Call, Json
from tests.fakes.slack.paging import is_true


async def auth_test(call: Call) -> Json:
    place = call.workspace
    return {
        "url": "https://school.slack.com/",
        "team": "School",
        "user": "homeroom",
        "team_id": place.team_id,
        "user_id": place.bot_user,
        "bot_id": place.bot_id,
        "is_enterprise_install": False,
    }


async def auth_revoke(call: Call) -> Json:
    """Revoke the token that calls. It is the only one of the installation, which ends with it."""
    if is_true(call.arguments.get("test")):
        return {"revoked": False}
    call.workspace.revoked = call.workspace.uninstalled = True
    call.emit_uninstalled()
    return {"revoked": True}


async def apps_uninstall(call: Call) -> Json:
    call.app.check_client(call.arguments)
    call.workspace.uninstalled = True
    call.emit_uninstalled()
    return {}


METHODS = {
    "auth.test": (auth_test, None),
    "auth.revoke": (auth_revoke, None),
    "apps.uninstall": (apps_uninstall, None),
}
