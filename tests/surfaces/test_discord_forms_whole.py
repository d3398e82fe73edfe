"""The whole bot on Discord with a form of two pages: from the command to what is saved, whatever happens between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.discord.filling import opening_of
from adapters.discord.paging import read_page_value
from core.enums import GlobalRole, MembershipRole, Platform
from core.events import Command, Place, Sender
from core.inbox.hold_form import held_form
from core.replies import Choices, Field, Form
from tests.fakes.discord.records import Modal, Post
from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.on_discord import CHANNEL, DiscordSchool, all_text, discord_with_channels, labels, open_school

TESS = "12"
SETTINGS = "SELECT title, time_zone, settings ->> 'drop_lowest' FROM classes"
HELD = "SELECT 1 FROM inbox_events WHERE waits_until IS NOT NULL"


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with discord_with_channels() as server:
        yield server


@pytest.fixture
async def school(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> AsyncIterator[DiscordSchool]:
    async with open_school(discord, provider, database, tmp_path) as school:
        await join(school)
        yield school


async def join(school: DiscordSchool) -> None:
    await school.join(TESS, "Tess", MembershipRole.TEACHER, global_role=GlobalRole.TEACHER)


async def first_page(school: DiscordSchool) -> Modal:
    typed = await school.type(TESS, "/class settings", CHANNEL)
    await school.until(lambda: typed.modal)
    assert typed.modal is not None
    return typed.modal


async def send(school: DiscordSchool, modal: Modal, **filled: str) -> Post:
    """Send a page that is not the last one; return what is said after it."""
    await school.taken(school.discord.people.submit(modal, **filled))
    await school.settled()
    kept = school.continued(TESS)
    assert kept is not None
    return kept


async def press(school: DiscordSchool, post: Post, label: str) -> Modal:
    pressed = await school.press(TESS, post, label)
    assert pressed.modal is not None
    return pressed.modal


async def saved(school: DiscordSchool) -> tuple[str, ...]:
    return tuple((await school.rows(SETTINGS))[0])


async def test_each_page_is_kept_and_the_last_one_saves_all(school: DiscordSchool) -> None:
    first = await first_page(school)
    assert first.title == "Settings of The Night Sky (1 of 2)"
    kept = await send(school, first, title="The Night Sky II")
    assert kept.to == TESS
    assert "The class's title: **The Night Sky II**" in kept.content
    assert labels(kept) == ["Continue (2 of 2)", "Change (1 of 2)"]
    assert (await saved(school))[0] == "The Night Sky", "nothing is saved before the last page"
    second = await press(school, kept, "Continue (2 of 2)")
    assert second.title == "Settings of The Night Sky (2 of 2)"
    await school.taken(school.discord.people.submit(second, drop_lowest="2"))
    told = await school.until_told(TESS, "Saved")
    assert "drop_lowest" in all_text(told)
    assert await saved(school) == ("The Night Sky II", "UTC", "2")
    assert kept.content == "-# Sent: Settings of The Night Sky"
    assert not kept.components
    assert not await school.rows(HELD), "what was typed is forgotten"
    assert school.silent()


async def test_a_page_that_is_sent_as_it_was_changes_nothing_of_it(school: DiscordSchool) -> None:
    kept = await send(school, await first_page(school))
    second = await press(school, kept, "Continue (2 of 2)")
    await school.taken(school.discord.people.submit(second, drop_lowest="1"))
    await school.until_told(TESS, "Saved")
    assert await saved(school) == ("The Night Sky", "UTC", "1")


async def test_a_page_can_be_changed_before_the_last_one_is_sent(school: DiscordSchool) -> None:
    kept = await send(school, await first_page(school), title="Wrong")
    again = await press(school, kept, "Change (1 of 2)")
    kept = await send(school, again, title="Right")
    assert "**Right**" in kept.content
    second = await press(school, kept, "Continue (2 of 2)")
    await school.taken(school.discord.people.submit(second))
    await school.until_told(TESS, "Saved")
    assert (await saved(school))[0] == "Right"
    assert len(school.told(TESS)) == 2, "one message about the pages, and one about what was saved"


async def test_what_is_wrong_opens_its_page_with_what_was_typed(school: DiscordSchool) -> None:
    kept = await send(school, await first_page(school), title="The Night Sky II", time_zone="Mars/Olympus")
    second = await press(school, kept, "Continue (2 of 2)")
    await school.taken(school.discord.people.submit(second, drop_lowest="2"))
    refused = await school.until_told(TESS, "Mars/Olympus")
    assert labels(refused) == ["Correct (1 of 2)"]
    first = await press(school, refused, "Correct (1 of 2)")
    await school.taken(school.discord.people.submit(first, time_zone="Europe/Zurich"))
    await school.until_told(TESS, "Saved")
    assert await saved(school) == ("The Night Sky II", "Europe/Zurich", "2")


async def test_mistakes_on_both_pages_are_corrected_one_after_the_other(school: DiscordSchool) -> None:
    kept = await send(school, await first_page(school), time_zone="Mars/Olympus")
    second = await press(school, kept, "Continue (2 of 2)")
    await school.taken(school.discord.people.submit(second, drop_lowest="many"))
    refused = await school.until_told(TESS, "Mars/Olympus")
    assert labels(refused) == ["Correct (1 of 2)", "Correct (2 of 2)"]
    kept = await send(school, await press(school, refused, "Correct (1 of 2)"), time_zone="Europe/Zurich")
    second = await press(school, kept, "Continue (2 of 2)")
    await school.taken(school.discord.people.submit(second, drop_lowest="3"))
    await school.until_told(TESS, "Saved")
    assert await saved(school) == ("The Night Sky", "Europe/Zurich", "3")


async def test_a_form_that_is_done_or_lay_too_long_says_so(school: DiscordSchool) -> None:
    kept = await send(school, await first_page(school))
    await school.execute("UPDATE inbox_events SET waits_until = now() - interval '1 s' WHERE waits_until IS NOT NULL")
    await school.press(TESS, kept, "Continue (2 of 2)")
    await school.until_told(TESS, "lay for more than a day")


async def test_pages_survive_a_restart(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    async with open_school(discord, provider, database, tmp_path) as school:
        await join(school)
        first = await first_page(school)
    async with open_school(discord, provider, database, tmp_path) as school:
        kept = await send(school, first, title="The Night Sky II", time_zone="Mars/Olympus")
    async with open_school(discord, provider, database, tmp_path) as school:
        second = await press(school, kept, "Continue (2 of 2)")
        await school.taken(school.discord.people.submit(second, drop_lowest="2"))
        refused = await school.until_told(TESS, "Mars/Olympus")
    async with open_school(discord, provider, database, tmp_path) as school:
        first = await press(school, refused, "Correct (1 of 2)")
        await school.taken(school.discord.people.submit(first, time_zone="Europe/Zurich"))
        await school.until_told(TESS, "Saved")
        assert await saved(school) == ("The Night Sky II", "Europe/Zurich", "2")


async def test_of_two_processes_one_goes_on_with_the_form(
    school: DiscordSchool, discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    def answered_twice() -> int:
        return [code for _, code in discord.refusals].count(40060)

    async with open_school(discord, provider, database, tmp_path / "other") as other:
        first = await first_page(school)
        school.discord.people.submit(first, title="The Night Sky II")
        await school.until(lambda: school.continued(TESS) and answered_twice() == 1)
        kept = school.continued(TESS)
        assert kept is not None
        pressed = school.discord.people.press(TESS, kept, "Continue (2 of 2)")
        await school.until(lambda: pressed.modal and answered_twice() == 2)
        assert pressed.modal is not None
        school.discord.people.submit(pressed.modal)
        await school.until_told(TESS, "Saved")
        other.dies = True  # what was said to the other process it can't tell
    said = [all_text(post) for post in school.told(TESS)]
    assert len(said) == 2, said


async def test_a_form_too_long_for_a_button_is_kept_for_its_person_alone(school: DiscordSchool) -> None:
    text = "".join(chr(0x4E00 + number**3 * 7919 % 20_000) for number in range(3_900))
    form = Form("Edit", "write.save", (Field("a", "A", text, long=True), Field("b", "B", text[::-1], long=True)))
    event = Command(key="k", sender=Sender(Platform.DISCORD, TESS, "7"), place=Place(CHANNEL), name="lesson")
    opening = await opening_of(school.app.sessions, event, form)
    assert isinstance(opening.offered, Choices)
    form_id, _ = read_page_value(opening.offered.choices[0].value)
    assert [each["component"]["value"] for each in opening.modal["components"]] == [text, text[::-1]]
    async with school.app.sessions.begin() as session:
        assert await held_form(session, Platform.DISCORD, TESS, form_id) is not None
        assert await held_form(session, Platform.DISCORD, "13", form_id) is None
        assert await held_form(session, Platform.SLACK, TESS, form_id) is None
