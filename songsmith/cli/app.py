"""The root command, and error handling for every group of commands."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

import typer
from typer._click.exceptions import ClickException
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from songsmith import __version__
from songsmith.cli import completion, console
from songsmith.cli.usage import explain
from songsmith.cli.workshop import open_workshop
from songsmith.errors import UsageError
from songsmith.memory import prepare_memory


@dataclass(frozen=True)
class _Command:
    """A command that is loaded when it is called: the others need not be, nor any of them to be listed."""

    module: str
    """Of `songsmith.cli`."""
    attribute: str
    """A function, or a group of commands."""
    tells: str
    """What its own help begins with."""
    settings: Mapping[str, Any] = field(default_factory=dict)


# A token typed as an argument must reach the command, which refuses it unseen: click would print it.
_UNSEEN = {"allow_extra_args": True, "ignore_unknown_options": True}
COMMANDS = {
    "bench": _Command(
        "bench", "bench", "Measure writing speed, start-up time and memory on this machine, next to other programs."
    ),
    "gen": _Command("gen", "gen", "Write a song, or continue one, on standard output."),
    "fetch": _Command("fetch", "fetch", "Fetch lyrics into a corpus, song by song."),
    "login": _Command("login", "login", "Save your Genius token for `fetch`.", _UNSEEN),
    "logout": _Command("login", "logout", "Remove your saved Genius token.", _UNSEEN),
    "import": _Command("importing", "import_words", "Import your own songs into a corpus."),
    "clean": _Command("cleaning", "clean", "Remove lyric-site clutter from a corpus; the raw songs stay as they are."),
    "train": _Command("training", "train", "Train a new model on a corpus, from random weights."),
    "finetune": _Command("training", "finetune", "Teach a model the style of a corpus."),
    "eval": _Command(
        "evaluation",
        "evaluate",
        "Measure a model: how well it predicts songs, how much it repeats itself, what it copied.",
    ),
    "corpus": _Command("corpus", "app", "Collections of lyrics to train on."),
    "tokenizer": _Command("tokenizers", "app", "Tokenizers: how text is split for a model."),
    "models": _Command("models", "app", "The models you can write with."),
    "songs": _Command("songs", "app", "The songs you saved."),
    "settings": _Command(
        "settings", "show_settings", "Show your settings, where each one comes from, and where files are kept."
    ),
}
"""In the order in which they are listed."""


class SongsmithGroup(TyperGroup):
    """A command group that loads commands when they are called, and ends every known error in one sentence and its exit code."""

    def __init__(self, **options: Any) -> None:
        """Know the commands by name, and what their help begins with."""
        super().__init__(**options)
        self.commands = {name: TyperCommand(name=name, help=command.tells) for name, command in COMMANDS.items()}
        self._loaded: dict[str, Any] = {}
        self._listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, or None; where they are listed, no more than what its help begins with."""
        if self._listing or cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self._loaded:
            self._loaded[cmd_name] = load_command(cmd_name)
        return self._loaded[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, without loading the commands it lists."""
        with self._listing_only():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what an argument may be completed to, without loading the commands among it."""
        with self._listing_only():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _listing_only(self) -> Iterator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with console.ending_errors():
            return super().invoke(ctx)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run from the first argument to the exit code."""
        console.prepare_streams()
        completion.complete_at_the_first_tab()
        with console.ending_errors():  # a help text may find no room
            prepare_memory()
            try:
                result = super().main(*arguments, **options | {"standalone_mode": False})
            except ClickException as error:
                if (refusal := explain(error)) is not None:
                    raise refusal from error
                console.write(f"{error.message}\n")
                result = error.exit_code
        if not options.get("standalone_mode", True):
            return result
        sys.exit(result if isinstance(result, int) else 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named by the first argument; a lyric in its place is shown the way to `gen`."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None and (" " in name or "\n" in name):
            import shlex

            raise UsageError("Unknown command.", f"To start a song with this line: songsmith gen {shlex.quote(name)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=SongsmithGroup,
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Write songs in your terminal with a language model you own.",
    epilog="Exit codes: 0 done, 1 songsmith's own fault, 2 wrong usage, 3 unreadable text, 4 model, 5 storage, "
    "6 generation, 7 not found, 8 source of lyrics, 9 training, 130 interrupted.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        console.write(f"songsmith {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version, then exit.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model for the workshop to write with.",
            show_default="the default",
            autocompletion=completion.models,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or mps.", show_default="auto", autocompletion=completion.devices)
    ] = None,
) -> None:
    """Open the workshop, or run a command."""
    if ctx.invoked_subcommand is None:
        open_workshop(model, device)
    elif model is not None or device is not None:
        raise UsageError(
            "--model and --device before a command apply only to the workshop.", "Put them after the command."
        )


def load_command(name: str) -> Any:
    """Load a command, or a group of them, by its name in COMMANDS."""
    command = COMMANDS[name]
    found = getattr(import_module(f"songsmith.cli.{command.module}"), command.attribute)
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name=name, context_settings=dict(command.settings))(found)
    return get_command(alone)
