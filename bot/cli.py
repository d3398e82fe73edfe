"""The `homeroom` command. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
import traceback
from uuid import uuid4

import typer

from bot.console import (
    asking,
    courses,
    database,
    demo,
    discord,
    doctor,
    gradebook,
    people,
    rosters,
    running,
    searching,
    slack,
    workspaces,
)
from bot.console.run import complain, notice
from bot.dispatch import convert_error
from core.errors import HomeroomError

app = typer.Typer(
    name="homeroom",
    help="A class inside the chat the class already uses: cited answers from the teacher's own material.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("chat")(asking.chat)
app.command("ask")(asking.ask)
app.command("search")(searching.search)
app.command("run")(running.run)
app.command("doctor")(doctor.doctor)
app.add_typer(courses.app, name="course")
app.add_typer(rosters.app, name="roster")
app.add_typer(gradebook.app, name="gradebook")
app.add_typer(people.users, name="user")
app.add_typer(people.classes, name="class")
app.add_typer(workspaces.app, name="workspace")
app.add_typer(database.app, name="db")
app.add_typer(slack.app, name="slack")
app.add_typer(discord.app, name="discord")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 when it went well, else the error's own code with one plain line.

    Mistakes in the words themselves are typer's to explain, with exit code 2.
    """
    try:
        app(arguments)
    except HomeroomError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; Python would complain about it at exit
        sys.exit(141)
    except Exception as error:  # noqa: BLE001  (a person never sees a traceback, unless they ask for it)
        ours = convert_error(error, uuid4())
        complain(ours)
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        else:
            notice("Set LOG_LEVEL=DEBUG to see where.")
        sys.exit(ours.exit_code)


if __name__ == "__main__":
    main()
