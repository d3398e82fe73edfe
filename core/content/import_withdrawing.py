"""What an import no longer finds in the course, or must keep from students from now on, though it brought it before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.course_plan import LeftOut
from core.content.import_report import Entry, Fate
from core.content.import_writing import Show, act_on_each
from core.content.imported import Known
from core.content.kinds import KINDS, MODULE, lock_root
from core.content.publish import unpublish
from core.content.revisions import Revision
from core.content.waiting import end, waiting_action
from core.enums import ActionState
from core.errors import HomeroomError
from core.materials.files import LARGEST_FILE
from core.materials.process import Pipeline

_SAME_TEXT = 0.6  # share of a text's lines that its renamed file still has
_OWN_TEXT = 0.25  # share of that file's lines that they are

_AllKnown = Mapping[str, Mapping[str, Known]]
_Keys = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True)
class Secret:
    """Something of an earlier import that students must not see any longer, and why."""

    thing: Show
    reason: str


async def find_secrets(kept_out: Sequence[LeftOut], known: _AllKnown, planned: _Keys) -> list[Secret]:
    """Find what was imported from files that are kept out now; `known` and `planned` are by kind and key.

    A file is known by its path, or, if it was renamed, by its content being that of something the course lost.
    """
    found = {
        (kind, left_out.path): left_out.reason
        for left_out in kept_out
        for kind in known
        if left_out.path in known[kind]
    }
    lost = {
        (kind, key): thing
        for kind, key, thing in _living(known)
        if key not in planned[kind] and (kind, key) not in found and thing.newest is not None
    }
    if lost:
        found |= await asyncio.to_thread(_renamed, kept_out, lost)
    return [
        Secret(Show(KINDS[kind], key, known[kind][key].root.id), reason)
        for (kind, key), reason in found.items()
        if known[kind][key].root.deleted_at is None
    ]


async def withdraw_all(pipeline: Pipeline, actor: Actor, secrets: Sequence[Secret]) -> list[Entry]:
    """Unpublish what students see or are about to see; what they don't see is left alone and not reported."""

    async def act(session: AsyncSession, secret: Secret) -> list[Entry]:
        thing = secret.thing
        root = await lock_root(session, thing.kind, thing.root_id)
        was = "was visible" if root.published_revision_id is not None else ""
        if was:
            await unpublish(session, actor, thing.kind, thing.root_id)
        if (waiting := await waiting_action(session, thing.kind, thing.root_id)) is not None:
            end(waiting, ActionState.CANCELLED)
            action = f"{thing.kind.name}.call_off_publication"
            record(session, actor, action, thing.kind.name, root.id, class_id=root.class_id)
            was = was or "waited to be published"
        if not was:
            return []
        reason = f"It {was} and is now kept from students: {secret.reason}."
        return [Entry(Fate.WITHDRAWN, thing.kind.name, thing.key, reason)]

    def failed(secret: Secret, error: HomeroomError) -> list[Entry]:
        reason = f"It should be kept from students and could not be unpublished. {error.sentence}"
        return [Entry(Fate.FAILED, secret.thing.kind.name, secret.thing.key, reason)]

    done = await act_on_each(pipeline.sessions, secrets, act, failed)
    return [entry for entries in done for entry in entries]


async def say_still_shown(kept_out: Sequence[LeftOut], known: _AllKnown, planned: _Keys) -> list[str]:
    """Name the modules that students see with the text of a file that is kept from them now.

    A module is not unpublished for its description, because that would hide its lessons: the new draft lacks it.
    """
    shown = {
        (kind, key): thing
        for kind, key, thing in _living(known)
        if kind == MODULE.name and key in planned[kind] and thing.root.published_revision_id is not None
    }
    found = await asyncio.to_thread(_renamed, kept_out, shown) if shown else {}
    return [
        f"The module {key} is STILL VISIBLE to students with a description that is now kept from them: {reason}. "
        "Publish its new draft."
        for (_, key), reason in found.items()
    ]


def say_vanished(known: _AllKnown, planned: _Keys, withdrawn: Sequence[Entry]) -> Iterator[Entry]:
    """Name what earlier imports brought and the course no longer has, and whether students still see it."""
    hidden = {(entry.kind, entry.key) for entry in withdrawn}
    for kind, key, thing in _living(known):
        if key in planned[kind] or (kind, key) in hidden:
            continue
        became = next((other for other in planned if key in planned[other]), None)
        now = (
            f"It is an {became} of the course now" if became == "assignment" else f"It is a {became} of the course now"
        )
        what = now if became else "It is no longer in the course"
        if thing.root.published_revision_id is not None:
            reason = f"{what}, but the {kind} is STILL VISIBLE to students. Use /unpublish to hide it."
        else:
            reason = f"{what}; the {kind} was left as it is, and students do not see it."
        yield Entry(Fate.VANISHED, kind, key, reason)


def _living(known: _AllKnown) -> Iterator[tuple[str, str, Known]]:
    for kind, things in known.items():
        for key, thing in things.items():
            if thing.root.deleted_at is None:
                yield kind, key, thing


def _renamed(kept_out: Sequence[LeftOut], lost: Mapping[tuple[str, str], Known]) -> dict[tuple[str, str], str]:
    """Return the reasons for lost things whose content a file that is kept out has."""
    found = {}
    for left_out in kept_out:
        data = _load(left_out.file) if left_out.file else b""
        if not data:
            continue
        digest, lines = hashlib.sha256(data).digest(), _lines(data.decode("utf-8", "replace"))
        for name, thing in lost.items():
            revisions = [revision for revision in (thing.newest, thing.imported) if revision is not None]
            if any(_is_from(revision, digest, lines) for revision in revisions):
                found[name] = left_out.reason
    return found


def _is_from(revision: Revision, digest: bytes, lines: set[str]) -> bool:
    if hasattr(revision, "sha256"):
        return bool(revision.sha256 == digest)
    texts = (getattr(revision, column, None) for column in ("body", "instructions", "description"))
    own = _lines(next((text for text in texts if text), ""))
    shared = len(own & lines)
    return shared > 0 and shared >= _SAME_TEXT * len(own) and shared >= _OWN_TEXT * len(lines)


def _lines(text: str) -> set[str]:
    return {line for each in text.splitlines() if (line := each.strip())}


def _load(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.stat().st_size <= LARGEST_FILE else b""
    except OSError:
        return b""
