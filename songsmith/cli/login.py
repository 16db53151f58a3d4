"""`songsmith login` and `songsmith logout`: the token a source of lyrics wants, asked for where nobody can read it."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from songsmith.cli import console
from songsmith.errors import UsageError

_LONGEST_BYTES = 4096


# Checked here, not by typer, which would repeat what was typed: it may be the token.
_SERVICES = ("genius",)
Service = Annotated[str, typer.Argument(metavar="genius", help="What the token is for.", show_default=False)]


def login(
    context: typer.Context,
    service: Service,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read it from standard input.")] = False,
    check: Annotated[bool, typer.Option(help="Ask Genius whether it accepts the token.")] = True,
) -> None:
    """Keep your Genius token, so that `fetch` finds it.

    Make one at https://genius.com/api-clients (free). It is asked for without
    showing it, and kept in the system keyring; where there is none, in a file
    that only you can read. GENIUS_ACCESS_TOKEN, if it is set, goes before it.
    """
    _check_unseen(
        service,
        context.args,
        "login",
        "Leave it out: it is asked for. Or pipe it in, with --token-stdin. Then make a new one.",
    )
    from songsmith.paths import find_paths
    from songsmith.studio import logins

    paths = find_paths()
    place = logins.log_in(paths, _read_stdin() if token_stdin else _ask(), check=check)
    console.say(f"Kept the token in {place}.")
    if logins.variable_goes_first(paths):
        console.say("GENIUS_ACCESS_TOKEN is set, and goes before it.")


def logout(context: typer.Context, service: Service) -> None:
    """Forget your Genius token."""
    _check_unseen(service, context.args, "logout", "Leave it out, and make a new one.")
    from songsmith.paths import find_paths
    from songsmith.studio import logins

    paths = find_paths()
    places = logins.log_out(paths)
    console.say(f"Removed the token from {' and '.join(places)}." if places else "No token was kept.")
    if logins.variable_goes_first(paths):
        console.say("GENIUS_ACCESS_TOKEN is still set.")


def _check_unseen(service: str, rest: Sequence[str], command: str, step: str) -> None:
    """Refuse what does not belong on the command line, and never show what it is."""
    if any(name.startswith("-") for name in rest):
        raise UsageError("There is no such option.", f"See songsmith {command} --help")
    if rest:
        raise UsageError("A token on the command line can be read by everyone on this machine.", step)
    if service not in _SERVICES:
        raise UsageError(
            "That is no service one can log in at.",
            f"The command is: songsmith {command} genius. If it was a token, everyone here could read it: make a new one.",
        )


def _ask() -> str:
    if not console.someone_answers():
        raise UsageError("There is nobody to ask for the token.", "Pipe it in: songsmith login genius --token-stdin")
    from getpass import getpass

    return getpass("Genius client access token (not shown): ")


def _read_stdin() -> str:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", "Pipe the token in.")
    return sys.stdin.buffer.readline(_LONGEST_BYTES).decode("utf-8", "replace")
