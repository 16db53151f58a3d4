"""`songsmith login` and `songsmith logout`: the token for a source of lyrics, typed without being shown."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from songsmith.cli import console
from songsmith.errors import UsageError

_LONGEST_BYTES = 4096


# Checked here, not by typer, which would repeat what was typed: it may be the token.
_SERVICES = ("genius",)
Service = Annotated[str, typer.Argument(metavar="genius", help="The site the token is for.", show_default=False)]


def login(
    context: typer.Context,
    service: Service,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    check: Annotated[bool, typer.Option(help="Check that Genius accepts the token.")] = True,
) -> None:
    """Save your Genius token for `fetch`.

    Make one at https://genius.com/api-clients (free). You type it unseen, and it
    is saved in the system keyring, or in a file only you can read if there is
    none. GENIUS_ACCESS_TOKEN, if set, takes precedence.
    """
    _check_unseen(
        service,
        context.args,
        "login",
        "Make a new token, then type it when asked or pipe it in with --token-stdin.",
    )
    from songsmith.paths import find_paths
    from songsmith.studio import logins

    paths = find_paths()
    place = logins.log_in(paths, _read_stdin() if token_stdin else _ask(), check=check)
    console.say(f"Saved the token in {place}.")
    if logins.variable_goes_first(paths):
        console.say("GENIUS_ACCESS_TOKEN is set, and takes precedence.")


def logout(context: typer.Context, service: Service) -> None:
    """Remove your saved Genius token."""
    _check_unseen(service, context.args, "logout", "Make a new token, and leave it out here.")
    from songsmith.paths import find_paths
    from songsmith.studio import logins

    paths = find_paths()
    places = logins.log_out(paths)
    console.say(f"Removed the token from {' and '.join(places)}." if places else "No token was saved.")
    if logins.variable_goes_first(paths):
        console.say("GENIUS_ACCESS_TOKEN is still set.")


def _check_unseen(service: str, rest: Sequence[str], command: str, step: str) -> None:
    """Refuse what does not belong on the command line, and never show what it is."""
    if any(name.startswith("-") for name in rest):
        raise UsageError("Unknown option.", f"See songsmith {command} --help")
    if rest:
        raise UsageError("Everyone on this machine can read a token on the command line.", step)
    if service not in _SERVICES:
        raise UsageError(
            "That isn't a site you can log in to.",
            f"Use: songsmith {command} genius. If that was your token, others on this machine may have seen it: make a new one.",
        )


def _ask() -> str:
    if not console.someone_answers():
        raise UsageError(
            "The token can't be typed in without a terminal.", "Pipe it in: songsmith login genius --token-stdin"
        )
    from getpass import getpass

    return getpass("Genius client access token (not shown): ")


def _read_stdin() -> str:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", "Pipe the token in.")
    return sys.stdin.buffer.readline(_LONGEST_BYTES).decode("utf-8", "replace")
