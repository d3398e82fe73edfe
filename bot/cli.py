"""The `homeroom` command. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
import traceback

import click
import typer

from bot.console import asking, courses, database, demo, people, rosters, running, searching
from bot.console.run import complain
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
app.add_typer(courses.app, name="course")
app.add_typer(rosters.app, name="roster")
app.add_typer(people.users, name="user")
app.add_typer(people.classes, name="class")
app.add_typer(database.app, name="db")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 when it went well, else the error's own code with one plain line."""
    try:
        code = app(arguments, standalone_mode=False)
    except HomeroomError as error:
        complain(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; Python would complain about it at exit
        sys.exit(141)
    except Exception as error:  # noqa: BLE001  (a person never sees a traceback, unless they ask for it)
        print(f"homeroom: something went wrong: {type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)  # noqa: T201
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        else:
            print("Set LOG_LEVEL=DEBUG to see where.", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
