"""The `homeroom` command as a script sees it: exit codes, one plain line, clean output, no one's words in the log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from adapters.queue import install_queue
from migrations.upgrade import upgrade
from tests.databases import create_database, drop_database, unused_name

ROOT = Path(__file__).parents[2]
STUDENT = ("--class", "SKY", "--as", "sam@school.example")
SECRET = "my private question about the tides"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs `homeroom` in processes of their own, on one database and home."""

    database_url: str
    home: Path

    async def start(self, *words: str, **environment: str) -> Process:
        ours = {"DATABASE_URL": self.database_url, "HOMEROOM_HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from bot.cli import main; main()", *words,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=self.home,
            env={"PATH": os.environ.get("PATH", ""), **ours, **environment},
        )  # fmt: skip

    async def __call__(self, *words: str, typed: bytes = b"", **environment: str) -> Said:
        process = await self.start(*words, **environment)
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture(scope="module")
async def homeroom(server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shell]:
    name, home = unused_name(), tmp_path_factory.mktemp("home")
    url = await create_database(server, name)
    await upgrade(url, install_queue=install_queue)
    shell = Shell(url, home)
    course = home / "course" / "01-sea"
    course.mkdir(parents=True)
    (course / "01-tides.md").write_text("# Tides\n\nTides are caused by the gravity of the Moon and of the Sun.\n")
    (course / "02-loud.md").write_text("# Sirens\n\nSirens are loud machines that warn of high water.\n")
    for words in (
        ("class", "create", "SKY", "--title", "Sky", "--teacher", "vega@school.example"),
        ("class", "enrol", "SKY", "sam@school.example"),
        ("course", "import", str(home / "course"), "--class", "SKY", "--as", "vega@school.example", "--publish"),
    ):
        said = await shell(*words)
        assert said.code == 0, said
    yield shell
    await drop_database(server, name)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nosuch",), 2, "No such command"),
        (("ask",), 2, "Missing"),
        (("ask", "--bogus"), 2, "No such option"),
        (("search", *STUDENT, "-k", "0", "x"), 2, "Invalid value"),
        (("search", *STUDENT, "--queries", "/nowhere.jsonl"), 2, "does not exist"),
        (("search", *STUDENT), 2, "either a question or --queries"),
        (("ask", *STUDENT, ""), 2, "your question was empty"),
        (("ask", *STUDENT, "😀"), 2, "ask it in words"),
        (("ask", *STUDENT, "x" * 40_000), 2, "40,000 characters"),
        (("ask", *STUDENT, "--mode", "ALL", "why?"), 2, "The mode is one of"),
        (("ask", "--class", "NOPE", "--as", "sam@school.example", "why?"), 3, "no class “NOPE”"),
        (("ask", "--class", "SKY", "--as", "stranger@school.example", "why?"), 3, "Nobody here"),
        (("course", "import", "/nowhere", "--class", "SKY", "--as", "vega@school.example"), 3, "no folder"),
        (("course", "import", ".", "--class", "SKY", "--as", "sam@school.example"), 4, "Only a teacher"),
    ],
)  # fmt: skip
async def test_a_mistake_gets_a_sentence_and_a_code(
    homeroom: Shell, words: tuple[str, ...], code: int, says: str
) -> None:
    said = await homeroom(*words)
    assert said.code == code
    assert says in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


async def test_json_is_alone_on_standard_output(homeroom: Shell) -> None:
    answer = json.loads((await homeroom("ask", *STUDENT, "--json", "What causes tides?")).out)
    assert (answer["status"], answer["mode"]) == ("COMPLETED", "CLASS")
    (citation,) = answer["citations"]
    assert citation["number"] == 1
    assert citation["source"] == "01-sea/01-tides.md"
    assert citation["quote"] in "Tides are caused by the gravity of the Moon and of the Sun."
    hits = json.loads((await homeroom("search", *STUDENT, "--json", "-k", "1", "tides")).out)["hits"]
    assert [hit["chunk_id"] for hit in hits] == [citation["chunk_id"]]


async def test_queries_come_from_a_file(homeroom: Shell) -> None:
    file = homeroom.home / "queries.jsonl"
    file.write_text('{"id": 7, "text": "tides"}\n\n{"id": "b", "text": "sirens"}\n')
    lines = [json.loads(line) for line in (await homeroom("search", *STUDENT, "--queries", str(file))).out.splitlines()]
    assert [(line["id"], line["hits"][0]["source"]) for line in lines] == [
        (7, "01-sea/01-tides.md"),
        ("b", "01-sea/02-loud.md"),
    ]
    for broken in ('{"id": 1}', "nonsense", '{"id": 1, "text": null}'):
        file.write_text(broken)
        said = await homeroom("search", *STUDENT, "--queries", str(file))
        assert (said.code, "line 1" in said.err) == (2, True)


async def test_a_piped_chat_survives_whatever_is_typed(homeroom: Shell) -> None:
    said = await homeroom("chat", *STUDENT, typed=b"\xff\xfe\x00?\n" + b"9" * 5000 + b"\nWhat causes tides?\n")
    assert "gravity of the Moon" in said.out
    assert said.code == 0


async def test_an_unreachable_database_is_said_so(homeroom: Shell) -> None:
    said = await homeroom("ask", *STUDENT, "why?", DATABASE_URL="postgresql://u:p@127.0.0.1:1/none")
    assert said.code == 7
    assert "can't be reached" in said.err


async def test_a_stuck_database_neither_leaks_the_question_nor_pretends(homeroom: Shell) -> None:
    impatient = f"{homeroom.database_url}?options=-c%20lock_timeout%3D200"
    connection = await asyncpg.connect(homeroom.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE chats IN ACCESS EXCLUSIVE MODE")
            said = await homeroom("chat", *STUDENT, typed=f"{SECRET}\n".encode(), DATABASE_URL=impatient)
    finally:
        await connection.close()
    assert "too busy right now, so this was not done" in said.out
    assert said.code == 1
    assert SECRET not in said.err
    assert "sam@school.example" not in said.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_answer_ends_with_its_process(homeroom: Shell, number: signal.Signals) -> None:
    async with asyncio.timeout(60):
        # A model server that takes the request and never says a word.
        held, over = asyncio.Event(), asyncio.Event()

        async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.set()
            await over.wait()
            writer.close()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        process = await homeroom.start(
            "ask", *STUDENT, "What causes tides at night?", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1"
        )
        await held.wait()
        process.send_signal(number)
        await process.communicate()
        over.set()
        server.close()
        await server.wait_closed()
    assert process.returncode in (128 + number, -number)
    connection = await asyncpg.connect(homeroom.database_url)
    try:
        statuses = await connection.fetch(
            "SELECT a.status::text FROM chat_messages a JOIN chat_messages q ON q.id = a.answers_message_id "
            "WHERE q.text = 'What causes tides at night?'"
        )
    finally:
        await connection.close()
    assert {row["status"] for row in statuses} == {"FAILED"}
