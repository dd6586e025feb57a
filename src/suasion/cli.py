"""The command line: every command under one name, and what becomes of an error.

Exit codes: 0 done, 1 failed, 2 used wrongly, 130 stopped by Ctrl-C. An error is one clear sentence
on standard error; `--debug` before the command shows where it came from and what the engine does.
"""

from __future__ import annotations

import logging
import shlex
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from suasion import __version__
from suasion.commands import around, claims, scenarios, study, trait, vectors
from suasion.commands.compare import compare
from suasion.commands.inspect_name import inspect
from suasion.commands.shift import shift
from suasion.errors import SuasionError, UseError

app = typer.Typer(
    name="suasion",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What did this change do to how my model influences people?\n\n"
    "Start with `suasion demo`: a whole study on the embedded model, offline, in minutes.",
    epilog="A study is one YAML file; `suasion plan STUDY` says what it would cost before it runs.",
)

for command in (study.demo, study.run, study.plan, study.report, study.results, study.rejudge):
    app.command()(command)
app.command()(compare)
app.command()(shift)
app.command()(inspect)
app.command(name="list")(around.list_)
app.command()(around.doctor)
app.add_typer(trait.app, name="trait")
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(claims.app, name="claims")
app.add_typer(vectors.app, name="vectors")

STOPPED = 130
"""Exit code after Ctrl-C."""

_DEBUG = "Show the traceback of an error, and what the engine decides while it runs."


def _version(wanted: bool) -> None:
    if wanted:
        print(f"suasion {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help=_DEBUG)] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Options that come before the command; `main` reads `--debug` itself."""
    del debug, version


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    debug = "--debug" in sys.argv[1:2]
    if debug:
        logging.basicConfig(format="%(name)s: %(message)s", stream=sys.stderr)
        logging.getLogger("suasion").setLevel(logging.DEBUG)
    try:
        code = app(standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except SuasionError as error:
        if debug:
            raise
        print(f"suasion: {error}", file=sys.stderr)
        code = 2 if isinstance(error, UseError) else 1
    except TyperException as error:
        message = getattr(error, "format_message", lambda: "used wrongly")()
        print(f"suasion: {message} (see suasion --help)", file=sys.stderr)
        code = 2
    if code == STOPPED:  # typer turns Ctrl-C into this code itself
        again = shlex.join(["suasion", *sys.argv[1:]])
        print(f"\nstopped; what was finished is stored. Go on with: {again}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
