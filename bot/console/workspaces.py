"""`homeroom workspace …`: where Homeroom is at home, and whose email addresses it believes."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import make_secrets
from bot.console.run import notice, operate, run_async
from bot.settings import read_settings
from core.audit.record import Actor
from core.identity.models import Workspace
from core.identity.workspaces import (
    get_workspace,
    list_workspaces,
    reencrypt_workspaces,
    revoke_workspace,
    trust_email,
)

app = typer.Typer(help="See the Slack workspaces and Discord servers, trust them, remove them.", no_args_is_help=True)

Team = Annotated[str, typer.Argument(metavar="TEAM", help="Its id, as `list` shows it.", show_default=False)]


@app.command("list")
def workspace_list() -> None:
    """List every workspace: platform, id, state, name. A script can split the lines at the tabs."""

    async def show(session: AsyncSession, actor: Actor) -> str:
        found = await list_workspaces(session, actor)
        if not found:
            notice("No workspace yet: install the app, or run: homeroom run slack")
        return "\n".join("\t".join((each.platform.value, each.external_id, _state(each), each.name)) for each in found)

    run_async(operate(show))


@app.command("trust")
def workspace_trust(team: Team) -> None:
    """Believe the email addresses of a workspace.

    Whoever has there the verified address of somebody on a class's roster is that person, without a code. So trust only
    a workspace whose accounts the school hands out itself: elsewhere whoever runs the workspace could become any
    student. Teachers, admins, guests and people of other organisations always need a code.
    """
    _trust(team, trusted=True)


@app.command("distrust")
def workspace_distrust(team: Team) -> None:
    """Believe the email addresses of a workspace no longer; who is linked already stays so."""
    _trust(team, trusted=False)


@app.command("remove")
def workspace_remove(team: Team) -> None:
    """Forget a workspace's tokens and trust; people and chats stay, for when it comes back.

    Remove the app in Slack, too. The workspace of SLACK_BOT_TOKEN comes back at the next start.
    """

    async def remove(session: AsyncSession, actor: Actor) -> str:
        workspace = await get_workspace(session, team)
        if not await revoke_workspace(session, actor, workspace.platform, workspace.external_id):
            return f"{_called(workspace)} was removed before."
        return f"{_called(workspace)} is removed. Now remove the app there, too."

    run_async(operate(remove))


@app.command("reencrypt")
def workspace_reencrypt() -> None:
    """Encrypt all tokens with the first key of SECRET_KEY, after which the others can go."""

    async def renew(session: AsyncSession, actor: Actor) -> str:
        count = await reencrypt_workspaces(session, actor, make_secrets(read_settings()).reencrypt)
        return f"Encrypted the tokens of {count} workspace{'' if count == 1 else 's'} anew."

    run_async(operate(renew))


def _trust(team: str, *, trusted: bool) -> None:
    async def change(session: AsyncSession, actor: Actor) -> str:
        workspace = await get_workspace(session, team)
        await trust_email(session, actor, workspace, trusted=trusted)
        return f"Email addresses in {_called(workspace)} are {'trusted' if trusted else 'not trusted'} now."

    run_async(operate(change))


def _state(workspace: Workspace) -> str:
    if workspace.revoked_at is not None:
        return "removed"
    return "trusted" if workspace.email_trusted else "not trusted"


def _called(workspace: Workspace) -> str:
    return workspace.name or workspace.external_id
