"""Workspaces: where Homeroom is at home, and whether their email addresses can be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.enums import GlobalRole, Platform
from core.errors import Ambiguous, InvalidInput, NotFound
from core.identity.models import Workspace
from core.identity.permissions import require_global_role
from core.text import clean, one_line

_NAME_LENGTH = 200


async def find_workspace(
    session: AsyncSession, platform: Platform, external_id: str, *, lock: bool = False, wait: bool = True
) -> Workspace | None:
    """Return a workspace by the platform's id of it, revoked or not; None for one that was never here.

    With `lock` nobody else changes it, though rows may refer to it meanwhile; None, too, where another has it locked
    and there is no `wait`.
    """
    wanted = _living().where(Workspace.platform == platform, Workspace.external_id == external_id)
    if lock:
        wanted = wanted.with_for_update(skip_locked=not wait, key_share=True)
    return await session.scalar(wanted)


async def get_workspace(session: AsyncSession, external_id: str) -> Workspace:
    """Return the workspace with that id on whichever platform. Raises `NotFound`, `Ambiguous`."""
    wanted = clean(external_id)
    found = (await session.scalars(_living().where(Workspace.external_id == wanted))).all()
    if not found:
        raise NotFound(f"There is no workspace “{one_line(external_id, 60)}”. See: homeroom workspace list")
    if len(found) > 1:
        raise Ambiguous(candidates=tuple(f"{each.platform.value} {each.external_id}" for each in found))
    return found[0]


async def list_workspaces(session: AsyncSession, actor: Actor) -> Sequence[Workspace]:
    """Return every workspace, revoked ones too, by platform and name. Raises `NotPermitted`."""
    await require_global_role(session, actor, GlobalRole.ADMIN)
    ordered = _living().order_by(Workspace.platform, Workspace.name, Workspace.external_id)
    return (await session.scalars(ordered)).all()


async def admit_workspace(
    session: AsyncSession, actor: Actor, platform: Platform, external_id: str, name: str, installation: bytes | None
) -> Workspace:
    """Make Homeroom at home in a workspace, or note its new name and tokens; a revoked one comes back.

    `installation` is encrypted; None leaves what is there. Nothing new is no change. Several at once make one
    workspace, and the last one's installation stays. Raises `InvalidInput`, `NotPermitted`.
    """
    await require_global_role(session, actor, GlobalRole.ADMIN)
    external_id, name = clean(external_id), one_line(name, _NAME_LENGTH)
    if not external_id:
        raise InvalidInput("A workspace has an id.")
    made = (
        await session.scalars(
            insert(Workspace)
            .values(platform=platform, external_id=external_id, name=name, installation=installation)
            .on_conflict_do_nothing(
                index_elements=[Workspace.platform, Workspace.external_id], index_where=Workspace.deleted_at.is_(None)
            )
            .returning(Workspace)
        )
    ).one_or_none()
    if made is not None:
        record(session, actor, "workspace.admit", "workspace", made.id, platform=platform.value)
        return made
    workspace = await find_workspace(session, platform, external_id, lock=True)
    if workspace is None:
        raise NotFound("The workspace was deleted in this very moment.")
    back = workspace.revoked_at is not None
    name = name or workspace.name
    if back or installation is not None or name != workspace.name:
        workspace.name, workspace.revoked_at = name, None
        workspace.installation = installation or workspace.installation
        action = "workspace.readmit" if back else "workspace.refresh"
        record(session, actor, action, "workspace", workspace.id, installation=installation is not None)
    return workspace


async def revoke_workspace(session: AsyncSession, actor: Actor, platform: Platform, external_id: str) -> bool:
    """Forget a workspace's tokens and its trust; False when it is not at home here anyway. Raises `NotPermitted`.

    Its people, bindings and chats stay, for when it comes back.
    """
    await require_global_role(session, actor, GlobalRole.ADMIN)
    workspace = await find_workspace(session, platform, external_id, lock=True)
    if workspace is None or workspace.revoked_at is not None:
        return False
    record(session, actor, "workspace.revoke", "workspace", workspace.id, email_trusted=workspace.email_trusted)
    workspace.revoked_at, workspace.installation, workspace.email_trusted = func.now(), None, False
    await session.flush()
    await session.refresh(workspace)
    return True


async def trust_email(session: AsyncSession, actor: Actor, workspace: Workspace, *, trusted: bool) -> None:
    """Say whether an address that the workspace has verified proves who somebody is.

    Raises `NotFound` (revoked, or not here), `NotPermitted`.
    """
    await require_global_role(session, actor, GlobalRole.ADMIN)
    locked = await find_workspace(session, workspace.platform, workspace.external_id, lock=True)
    if locked is None or locked.revoked_at is not None:
        raise NotFound("Homeroom is not at home in this workspace.")
    if locked.email_trusted is not trusted:
        locked.email_trusted = trusted
        record(session, actor, "workspace.trust", "workspace", locked.id, before=not trusted, after=trusted)


async def reencrypt_workspaces(session: AsyncSession, actor: Actor, reencrypt: Callable[[bytes], bytes]) -> int:
    """Encrypt every installation anew, all or none; return how many. Raises `NotPermitted`, what `reencrypt` raises."""
    await require_global_role(session, actor, GlobalRole.ADMIN)
    kept = _living().where(Workspace.installation.is_not(None)).order_by(Workspace.id).with_for_update()
    workspaces = (await session.scalars(kept)).all()
    for workspace in workspaces:
        if workspace.installation is not None:
            workspace.installation = reencrypt(workspace.installation)
            record(session, actor, "workspace.reencrypt", "workspace", workspace.id)
    return len(workspaces)


def _living() -> Select[Workspace]:
    # What a session has read before may have changed meanwhile.
    return select(Workspace).where(Workspace.deleted_at.is_(None)).execution_options(populate_existing=True)
