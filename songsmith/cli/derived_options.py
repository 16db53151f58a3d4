"""Options of a command, derived from the dataclass that declares them."""

import inspect
from collections.abc import Callable
from copy import copy
from typing import Annotated, Any, TypeVar, get_args

import typer
from typer.models import OptionInfo

from songsmith.options import Option, declared

Command = TypeVar("Command", bound=Callable[..., None])

_DECLARED = "declared_options"


def option_of(callback: Any, name: str | None) -> Option | None:
    """Return the option that a parameter of a command stands for, or None where it stands for none.

    Args:
        callback: of Typer's command: the function that was decorated, or a wrapper of it.
        name: of the parameter.
    """
    found: Option | None = getattr(callback, _DECLARED, {}).get(name)
    return found


def takes_options(usual: Any) -> Callable[[Command], Command]:
    """Give a command every option that a dataclass declares, as `--name` with its help, panel and default.

    They stand between the command's positional and its keyword-only parameters, and reach it in its `**keywords`. One that the
    command's signature names itself stays where it is, with that type, default and `typer.Option`; what these leave open (name,
    help, panel) is as declared.

    Args:
        usual: options whose values are the defaults. Of several that answer one question, none is set until it is typed.
    """

    def derive(command: Command) -> Command:
        known = {one.name: one for one in declared(type(usual)).values() if one.flag}
        own = inspect.signature(command, eval_str=True)
        kept = [parameter for parameter in own.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
        named = [_completed(parameter, known.get(parameter.name)) for parameter in kept]
        derived = [
            _parameter(one, None if one.one_of else getattr(usual, name))
            for name, one in known.items()
            if name not in own.parameters
        ]
        first = [parameter for parameter in named if parameter.kind is not parameter.KEYWORD_ONLY]
        rest = [parameter for parameter in named if parameter.kind is parameter.KEYWORD_ONLY]
        # Keyword-only from the derived ones on: all reach the command by name.
        command.__signature__ = own.replace(parameters=[*first, *derived, *rest])  # type: ignore[attr-defined]
        command.__dict__[_DECLARED] = known
        return command

    return derive


def _parameter(one: Option, default: Any) -> inspect.Parameter:
    hint: Any = one.kind | None if one.optional else one.kind
    shape = inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
    return _completed(shape, one)


def _completed(parameter: inspect.Parameter, one: Option | None) -> inspect.Parameter:
    """Return a command's parameter with what is declared of the option it stands for."""
    if one is None:
        return parameter
    hint, *told = (
        get_args(parameter.annotation) if hasattr(parameter.annotation, "__metadata__") else [parameter.annotation]
    )
    info: OptionInfo = copy(told[0]) if told else typer.Option()
    if info.default is ...:  # where Typer puts the first name that is typed
        off = f"/--no-{one.flag.removeprefix('--')}" if one.kind is bool and parameter.default is True else ""
        info.default, info.param_decls = one.flag + off, (one.short_flag,) if one.short_flag else ()
    info.help = info.help or one.help
    info.rich_help_panel = info.rich_help_panel or one.panel or None
    return parameter.replace(annotation=Annotated[hint, info])
