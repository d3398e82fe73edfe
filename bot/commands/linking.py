"""/link and /unlink: who somebody is here, by a code from their teacher or one that is mailed to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from bot.app import App
from bot.commands.registry import FORM_ACTION, Command, Look, Option, Request, Run
from core.db import autocommit
from core.enums import GlobalRole, Platform
from core.errors import HomeroomError, LinkingUnavailable, NotLinked, NotPermitted
from core.events import Control
from core.identity.link import unlink_own
from core.identity.link_codes import redeem_code
from core.identity.link_otp import begin_otp, redeem_otp, send_otp
from core.identity.resolve import meet
from core.ports import OneTimePasswords
from core.replies import Choice, Choices, Field, Form, Reply, say
from core.text import literal, literal_sentence, one_line

_ENTER_CODE, _ENTER_EMAIL = "link.form", "link.email"
_MAIL, _MAILED = "link.mail", "link.otp"
_UNLINK, _KEEP = "link.undo", "link.keep"
_TITLE = "Link your account"
_BY_CODE = Form(_TITLE, f"{FORM_ACTION}link", (Field("code", "A code from your teacher, or your email address"),))
_BY_EMAIL = Form(_TITLE, _MAIL, (Field("email", "Your email address, as your school has it"),))


def linking_reply(app: App, error: NotLinked) -> Reply:
    """Return what a person reads whom we don't know yet: how to become known."""
    by_code, by_email = Choice("Enter a code", _ENTER_CODE), Choice("Use my email address", _ENTER_EMAIL)
    ways = "with a code from your teacher" + (", or with your school email address" if app.otp else "")
    return say(
        f"{literal_sentence(error.sentence)} Link your account here to your name on the class list, {ways}. "
        "If you have just asked something, it is answered right after that.",
        Choices((by_code, by_email) if app.otp else (by_code,)),
    )


async def run_link(request: Request) -> Reply | None:
    """Serve /link: with a code, an address, or a form for either."""
    if request.event.sender.platform is Platform.TERMINAL:
        return say("At the terminal you are known by the address given with --as, so there is nothing to link.")
    typed = request.options.get("code", "").strip()
    if not typed:
        return Reply((_BY_CODE,))
    if "@" in typed:
        await _mail_code(request, typed, field="code")
        return None
    with _at_field("code"):
        await redeem_code(request.app.sessions, *_account(request), typed, surface=request.surface)
    return await _welcome(request)


async def run_unlink(request: Request) -> Reply:
    """Serve /unlink: ask first."""
    if request.event.sender.platform is Platform.TERMINAL:
        return say("At the terminal you are known by the address given with --as, so there is nothing to unlink.")
    _account(request)
    return say(
        "Unlink your account here? I will not know you any more until you link it again. What you wrote stays.",
        Choices((Choice("Unlink it", _UNLINK), Choice("Keep it", _KEEP))),
    )


async def _mail_code(request: Request, email: str, *, field: str) -> None:
    """Let a code be mailed, and ask for it; what is said is the same whether or not anybody has the address."""
    with _at_field(field):
        otp, account = _otp(request), _account(request)
        known = await begin_otp(request.app.sessions, otp, *account, email, surface=request.surface)
    # Asked for first: the form has to be opened at once, and how long a mail takes would tell that there is one.
    label = f"The number in the mail to {one_line(email, 60)}"
    await request.responder.send(
        say(
            f"If {literal(one_line(email, 60))} is on a class list here, a code is on its way to it. "
            "If nothing comes within a few minutes, ask your teacher for a code instead.",
            Form(_TITLE, _MAILED, (Field("code", label),), email),
        )
    )
    if known:
        await send_otp(otp, email)


async def _mail(request: Request) -> None:
    email = request.options.get("email", "")
    await _mail_code(request, email, field="email")


async def _redeem_mailed(request: Request) -> Reply:
    email = request.event.value if isinstance(request.event, Control) else ""
    with _at_field("code"):
        otp, account, code = _otp(request), _account(request), request.options.get("code", "")
        await redeem_otp(request.app.sessions, otp, *account, email, code, surface=request.surface)
    return await _welcome(request)


async def _welcome(request: Request) -> Reply:
    async with autocommit(request.app.sessions) as session:
        encounter = await meet(session, request.event)
    titles = [each.title for each in encounter.classes]
    if not titles:
        person = encounter.require_person()
        teaches = person.global_role in (GlobalRole.TEACHER, GlobalRole.ADMIN)
        then = "Type /class bind in a channel to let one." if teaches else "Ask your teacher about it."
        return say(f"You are known here as {literal(person.name)} now, but none of your classes meets here yet. {then}")
    classes = " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))
    return say(f"You are known here as {literal(encounter.require_person().name)} now, in {literal(classes)}.")


async def _unlink(request: Request) -> Reply:
    async with request.app.sessions.begin() as session:
        await unlink_own(session, *_account(request), surface=request.surface)
    return say("Your account here is unlinked. /link links it again.")


async def _keep(_: Request) -> Reply:
    return say("Your account stays linked.")


async def _open_code(_: Request) -> Reply:
    return Reply((_BY_CODE,))


async def _open_email(request: Request) -> Reply:
    _otp(request)
    return Reply((_BY_EMAIL,))


def _account(request: Request) -> tuple[UUID, str]:
    """Return whose account it is, by workspace and platform's id. Raises `NotPermitted` (no workspace of ours)."""
    if request.encounter.workspace_id is None:
        raise NotPermitted
    return request.encounter.workspace_id, request.event.sender.user_id


def _otp(request: Request) -> OneTimePasswords:
    if request.app.otp is None:
        raise LinkingUnavailable
    return request.app.otp


@contextmanager
def _at_field(name: str) -> Iterator[None]:
    """Let what is refused be shown at the form's field, where it came from one."""
    try:
        yield
    except HomeroomError as error:
        error.data["field"] = name
        raise


COMMANDS: tuple[Command, ...] = (
    Command(
        "link",
        "Link your account here to your name on the class list",
        Look(run_link),
        (Option("code", "A code from your teacher, or your email address", rest=True),),
    ),
    Command("unlink", "Unlink your account here", Look(run_unlink)),
)
CONTROLS: dict[str, Run] = {
    _ENTER_CODE: Look(_open_code),
    _ENTER_EMAIL: Look(_open_email),
    _MAIL: Look(_mail),
    _MAILED: Look(_redeem_mailed),
    _UNLINK: Look(_unlink),
    _KEEP: Look(_keep),
}
