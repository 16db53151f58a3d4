"""The root command, and what every group of commands does with errors."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from songsmith import __version__
from songsmith.cli import console
from songsmith.cli.workshop import open_workshop
from songsmith.errors import UsageError


class SongsmithGroup(TyperGroup):
    """A command group that ends every known error in one sentence and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with console.ending_errors():
            return super().invoke(ctx)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run from the first argument to the exit code."""
        console.prepare_streams()
        with console.ending_errors():  # a help text may find no room
            return super().main(*arguments, **options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command named by the first argument; a lyric in its place is shown the way to `gen`."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None and (" " in name or "\n" in name):
            import shlex

            raise UsageError("That is no command.", f"To write from a line: songsmith gen {shlex.quote(name)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=SongsmithGroup,
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Write songs in your terminal with a language model you own.",
    epilog="Exit codes: 0 done, 1 a fault of songsmith's own, 2 wrong usage, 3 unreadable text, 4 model, 5 storage, "
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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model the workshop writes with.", show_default="the default")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.", show_default="auto")] = None,
) -> None:
    """Open the workshop, or run a command."""
    if ctx.invoked_subcommand is None:
        open_workshop(model, device)
    elif model is not None or device is not None:
        raise UsageError("--model and --device before a command are for the workshop.", "Put them after the command.")


from songsmith.cli import (  # noqa: E402  (they need `app`'s class)
    bench,
    cleaning,
    corpus,
    evaluation,
    fetch,
    gen,
    importing,
    login,
    models,
    songs,
    tokenizers,
    training,
)

app.command(name="bench")(bench.bench)
app.command(name="gen")(gen.gen)
app.command(name="fetch")(fetch.fetch)
# A token typed as an argument must reach the command, which refuses it unseen: click would print it.
_UNSEEN = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command(name="login", context_settings=_UNSEEN)(login.login)
app.command(name="logout")(login.logout)
app.command(name="import")(importing.import_words)
app.command(name="clean")(cleaning.clean)
app.command(name="train")(training.train)
app.command(name="finetune")(training.finetune)
app.command(name="eval")(evaluation.evaluate)
app.add_typer(corpus.app, name="corpus")
app.add_typer(tokenizers.app, name="tokenizer")
app.add_typer(models.app, name="models")
app.add_typer(songs.app, name="songs")
