"""Questions in Slack through the whole bot, over both ways in: where they are asked, who reads the answers."""

from __future__ import annotations

from tests.surfaces.on_slack import SlackSchool

PHASES = "2.1"  # the lesson's number
FOREIGN = "How bright is a star of magnitude 2 compared with one of magnitude 5?"  # another lesson's matter


async def test_an_empty_conversation_offers_questions(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.people.open_home("U3", "messages")
    await school.slack.until(lambda: school.slack.workspace.prompts)
    (offered,) = school.slack.workspace.prompts
    assert offered["channel_id"] == school.direct("U3")
    questions = [prompt["message"] for prompt in offered["prompts"]]
    assert questions
    await school.write("U3", questions[0])
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    assert school.told("U3") == []
