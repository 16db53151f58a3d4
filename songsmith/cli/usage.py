"""Usage errors: what Typer says in several lines becomes one sentence and a next step."""

from typing import Any

from typer._click.exceptions import BadParameter, ClickException, MissingParameter, NoArgsIsHelpError, NoSuchOption
from typer._click.exceptions import UsageError as ClickUsageError
from typer.core import TyperOption

from songsmith.cli.derived_options import option_of
from songsmith.errors import SongsmithError, UsageError

_KINDS = {"int": "a whole number", "float": "a number", "bool": "yes or no"}


def explain(error: ClickException) -> SongsmithError | None:
    """Return the sentence for what Typer refused; None where it only shows the help."""
    if isinstance(error, NoArgsIsHelpError):
        return None
    context = error.ctx if isinstance(error, ClickUsageError) else None
    if isinstance(error, BadParameter) and context is not None and error.param is not None:
        one = option_of(context.command.callback, error.param.name)
        if one is not None:
            return UsageError(_sentence(error), f"Use {one.allowed}.")
    command = context.command_path.split()[1:] if context is not None else []
    return UsageError(_sentence(error), f"See {' '.join(['songsmith', *command, '--help'])}.")


def _sentence(error: ClickException) -> str:
    if isinstance(error, NoSuchOption):
        likely = f" Did you mean {' or '.join(sorted(error.possibilities))}?" if error.possibilities else ""
        return f"Unknown option {error.option_name}.{likely}"
    if isinstance(error, MissingParameter) and error.param is not None:
        return f"{_name(error.param)} is missing."
    if isinstance(error, BadParameter) and error.param is not None:
        return f"{_name(error.param)}: {_fault(error)}."
    message = error.format_message().replace("No such command", "Unknown command")
    return message if message.endswith((".", "?")) else f"{message}."


def _fault(error: BadParameter) -> str:
    for fault in getattr(error.__cause__, "errors", list)():  # of pydantic, which Typer parses with
        if wanted := _KINDS.get(fault["type"].split("_")[0]):
            return f"'{fault['input']}' isn't {wanted}"
    return error.message.removeprefix("Value error, ").rstrip(".")


def _name(parameter: Any) -> str:
    """Return the longest name of an option, or what its help calls an argument."""
    return str(
        max(parameter.opts, key=len) if isinstance(parameter, TyperOption) else parameter.display_name_raw.upper()
    )
