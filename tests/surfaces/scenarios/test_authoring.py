"""Teachers write and publish: forms, what changes, conflicts, on every surface.

In direct messages, where Discord offers the commands for teachers to everybody.
"""

from __future__ import annotations

from core.enums import GlobalRole, MembershipRole
from core.materials.process import process_material
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import School

NEWEST = (
    "SELECT r.title, r.description, m.published_revision_id = r.id AS live FROM module_revisions r "
    "JOIN modules m ON m.id = r.module_id WHERE r.title LIKE 'Rocks%'"
)


async def a_teacher(school: School, name: str = "Tess") -> str:
    return await school.newcomer(name, MembershipRole.TEACHER, global_role=GlobalRole.TEACHER)


async def test_a_module_is_written_in_a_form_and_published_after_a_look(school: School) -> None:
    tess = await a_teacher(school)
    await school.type(tess, "/module create title:Rocks description:Old")
    await school.until_told(tess, "“Rocks” is made")
    await school.type(tess, "/module edit name:Rocks")
    form = await school.form(tess)
    await school.fill(tess, form, title="Rocks", description="Very old")
    saved = await school.until_told(tess, "Saved: the draft of module")
    await school.press(tess, saved, "Publish…")
    plan = await school.until_told(tess, "this is what publishing it would change")
    assert "Very old" in school.everything(plan)
    await school.press(tess, plan, "Publish")
    await school.until_told(tess, "Published: module")
    assert [tuple(row) for row in await school.rows(NEWEST)] == [("Rocks", "Very old", True)]
    assert school.silent()


@needs(Trait.CHANNELS)
async def test_of_two_who_edit_one_draft_the_second_is_shown_both(school: School) -> None:
    tess, una = await a_teacher(school), await a_teacher(school, "Una")
    await school.type(tess, "/module create title:Rocks description:Old")
    await school.until_told(tess, "“Rocks” is made")
    await school.type(tess, "/module edit name:Rocks")
    hers = await school.form(tess)
    await school.type(una, "/module edit name:Rocks")
    form = await school.form(una)
    await school.fill(una, form, title="Rocks", description="Very old")
    await school.until_told(una, "Saved: the draft of module")
    await school.fill(tess, hers, title="Rocks", description="Quite young")
    told = await school.until_told(tess, "Una edited module")
    for words in ("Very old", "Quite young", "Keep theirs"):
        assert words in school.everything(told)
    assert [row.description for row in await school.rows(NEWEST)] == ["Very old"]
    assert school.silent()


@needs(Trait.CHANNELS)
async def test_students_learn_nothing_of_drafts(school: School) -> None:
    tess, cleo = await a_teacher(school), await school.newcomer("Cleo")
    await school.type(tess, "/module create title:Rocks description:Old")
    await school.until_told(tess, "“Rocks” is made")
    for number, typed in enumerate(("/module preview name:Rocks", "/publish name:Rocks", "/module list"), 1):
        await school.type(cleo, typed)
        await school.until_told(cleo, "Only a teacher of this class", count=number)
    assert "Rocks" not in "".join(school.everything(post) for post in school.told(cleo))
    assert school.silent()


async def test_the_reply_to_an_upload_follows_the_file_where_it_stands(school: School) -> None:
    following = school.app.following
    following.look_every, following.edit_every = 0.02, 0.0
    tess = await a_teacher(school)
    await school.attach(tess, "/material upload", "file", ("hardness.md", b"# Hardness\n\nGranite scratches glass.\n"))
    await school.until_told(tess, "It waits to be processed")
    await school.settled()  # the upload is served; following it holds nothing up
    posts = len(school.told(tess))
    await school.execute(
        "UPDATE material_revisions SET processing_status = 'PROCESSING', page_count = 12 WHERE filename = 'hardness.md'"
    )
    await school.until_told(tess, "12 pages are read")
    revision = await school.rows("SELECT id FROM material_revisions WHERE filename = 'hardness.md'")
    await process_material(school.app.pipeline, revision[0].id)
    told = await school.until_told(tess, "It is ready: 1 passage")
    assert len(school.told(tess)) == posts
    await school.press(tess, told, "Preview")
    await school.until_told(tess, "Granite scratches glass")
    states = await school.rows("SELECT state FROM notifications WHERE kind = 'material.processed'")
    assert [row.state for row in states] == ["SENT"]  # so that no notice tells it again
    assert school.silent()
