"""Who is who: how people become known, what they asked before, and in which of their classes they work."""

from __future__ import annotations

from core.enums import LinkMethod, MembershipRole
from core.identity.raising import raise_new_teachers
from tests.fakes.supabase_server import SupabaseServer
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import OPERATOR, QUESTION, School

UNKNOWN = "I don't know who you are here yet."


async def methods(school: School) -> list[LinkMethod]:
    rows = await school.rows("SELECT method FROM workspace_identities WHERE deleted_at IS NULL")
    return [LinkMethod(row.method) for row in rows]


@needs(Trait.ACCOUNTS)
async def test_what_was_asked_before_linking_is_answered_after_it(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    asked = await school.ask(cleo)
    await school.until_told(cleo, UNKNOWN)
    await school.settled()
    assert len(school.told(cleo)) == 1
    assert school.silent()
    assert not school.provider.chats()
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(asked)
    await school.until_told(cleo, "You are known here as Cleo now, in The Night Sky.")
    assert await methods(school) == [LinkMethod.CODE]


@needs(Trait.ACCOUNTS)
async def test_a_code_is_asked_for_in_a_form(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    await school.write(cleo)
    explained = await school.until_told(cleo, UNKNOWN)
    assert "Use my email address" not in school.everything(explained), "no mail is set up here"
    await school.press(cleo, explained, "Enter a code")
    form = await school.form(cleo)
    assert "A code is twelve letters and digits" in await school.fill(cleo, form, code="never seen")
    assert not await school.fill(cleo, form, code=await school.code_for(cleo))
    await school.until_answered(school.direct(cleo))
    assert school.silent()


@needs(Trait.ACCOUNTS)
async def test_a_typed_link_without_a_code_opens_the_form(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    await school.type(cleo, "/link", school.channel)
    assert not await school.fill(cleo, await school.form(cleo), code=await school.code_for(cleo))
    await school.until_told(cleo, "You are known here as Cleo")
    assert school.silent()


@needs(Trait.ACCOUNTS)
async def test_of_several_questions_the_last_is_answered_after_linking(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    await school.ask(cleo, "How long is a sidereal day?")
    await school.until_told(cleo, UNKNOWN)
    last = await school.ask(cleo)
    await school.until_told(cleo, UNKNOWN, 2)
    await school.settled()
    await school.type(cleo, f"/link {await school.code_for(cleo)}")
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(last)


@needs(Trait.ACCOUNTS)
async def test_a_typed_question_waits_too(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    await school.type(cleo, f"/ask private:yes {QUESTION}", school.channel)
    await school.until_told(cleo, UNKNOWN)
    await school.settled()
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    await school.until_answered(school.direct(cleo))
    assert school.silent()


@needs(Trait.ACCOUNTS, Trait.TAKING_BACK)
async def test_a_question_that_was_taken_back_is_not_answered_after_linking(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    asked = await school.ask(cleo)
    await school.until_told(cleo, UNKNOWN)
    await school.settled()
    await school.take_back(asked)
    await school.settled()
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    await school.until_told(cleo, "You are known here as Cleo")
    await school.settled()
    assert school.silent()
    assert not school.provider.chats()


@needs(Trait.ACCOUNTS)
async def test_codes_that_do_not_count(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo", linked=False), await school.newcomer("Dan", linked=False)
    used = await school.code_for(cleo)
    await school.type(cleo, f"/link {used}", school.channel)
    await school.until_told(cleo, "You are known here as Cleo")
    await school.type(dan, f"/link {used}", school.channel)
    await school.until_told(dan, "That code was used before.")
    for tried in range(1, 5):
        await school.type(dan, f"/link ABCD-EFGH-JKM{tried}", school.channel)
        await school.until_told(dan, "There is no such code.", tried)
    await school.type(dan, f"/link {await school.code_for(dan)}", school.channel)
    await school.until_told(dan, "That were too many wrong codes.")
    assert school.silent()
    assert len(await methods(school)) == 1


@needs(Trait.ACCOUNTS)
async def test_a_code_by_mail_links_through_its_forms(mailing: School, supabase: SupabaseServer) -> None:
    school = mailing
    cleo = await school.newcomer("Cleo", linked=False)
    asked = await school.ask(cleo)
    explained = await school.until_told(cleo, UNKNOWN)
    await school.press(cleo, explained, "Use my email address")
    form = await school.form(cleo)
    assert await school.fill(cleo, form, email="no address")
    await school.fill(cleo, form, email="Cleo@school.example")
    await school.settled()
    right = supabase.code("cleo@school.example")
    assert await school.fill(cleo, form, code="000000" if right != "000000" else "000001")
    assert not await school.fill(cleo, form, code=right)
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(asked)
    await school.until_told(cleo, "You are known here as Cleo")
    assert await methods(school) == [LinkMethod.OTP]
    (row,) = await school.rows("SELECT auth_user_id FROM app_users WHERE email = 'cleo@school.example'")
    assert row.auth_user_id == supabase.accounts["cleo@school.example"]


@needs(Trait.ACCOUNTS)
async def test_who_unlinks_is_unknown_until_they_link_again(school: School) -> None:
    await school.trust_addresses()
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, "/unlink", school.channel)
    asked = await school.until_told(cleo, "Unlink your account here?")
    await school.press(cleo, asked, "Keep it")
    await school.until_told(cleo, "Your account stays linked.")
    await school.press(cleo, asked, "Unlink it")
    await school.until_told(cleo, "Your account here is unlinked.")
    await school.ask(cleo)
    await school.until_told(cleo, UNKNOWN)
    await school.settled()
    assert school.silent()
    assert await methods(school) == [], "who unlinked is not linked by an address again"
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    await school.until_answered()


@needs(Trait.ACCOUNTS)
async def test_who_comes_to_teach_links_again(school: School) -> None:
    cleo = await school.newcomer("Cleo", linked=False)
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    await school.until_told(cleo, "You are known here as Cleo")
    # A roster's own codes are for students alone; who was linked by less than a code of their own links again.
    await school.execute("UPDATE workspace_identities SET method = 'EMAIL'")
    async with school.app.sessions.begin() as session:
        await raise_new_teachers(session, OPERATOR, [school.people[cleo]])
    await school.execute(
        "UPDATE class_memberships SET role = 'TEACHER' WHERE app_user_id = :person", person=school.people[cleo]
    )
    await school.ask(cleo)
    await school.until_told(cleo, "You teach here now")
    await school.settled()
    assert not school.answers()
    await school.type(cleo, f"/link {await school.code_for(cleo)}", school.channel)
    await school.until_answered()


async def test_a_person_with_several_classes_chooses_once(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.second_class(cleo)
    await school.write(cleo)
    offered = await school.until_told(cleo, "You are in several classes")
    await school.settled()
    assert not school.provider.chats()
    await school.press(cleo, offered, "The Night Sky")


@needs(Trait.ACCOUNTS)
async def test_the_choice_of_a_class_holds_until_another(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.second_class(cleo)
    await school.write(cleo)
    offered = await school.until_told(cleo, "You are in several classes")
    await school.settled()
    await school.press(cleo, offered, "The Night Sky")
    await school.until_answered(school.direct(cleo))
    await school.write(cleo, "How long is a sidereal day?")
    await school.until_answered(school.direct(cleo), 2)
    await school.until_told(cleo, "You are in several classes")
    await school.type(cleo, "/class choose GARDEN")
    await school.until_told(cleo, "You work in “The Garden” here from now on.")
    await school.write(cleo)
    nothing = await school.until_answered(school.direct(cleo), 3)
    assert "I found nothing about that in this class's material." in school.text(nothing)
    await school.ask(cleo)
    assert "[1]" in school.text(await school.until_answered()), "a channel stands for its own class"


@needs(Trait.ACCOUNTS)
async def test_a_teacher_links_by_a_code(school: School) -> None:
    tess = await school.newcomer("Tess", MembershipRole.TEACHER, linked=False)
    await school.type(tess, f"/link {await school.code_for(tess)}")
    await school.until_told(tess, "You are known here as Tess")
    assert await methods(school) == [LinkMethod.CODE]
