"""`songsmith models`: list, describe, verify and remove models."""

from typing import Annotated

import typer

from songsmith.cli import completion, console
from songsmith.errors import ModelError
from songsmith.lyrics import one_line
from songsmith.safe_text import json_row

_VALUES_SHOWN = 3

app = typer.Typer(help="The models you can write with.", no_args_is_help=True)


@app.command(name="list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per model.")] = False,
) -> None:
    """List the installed models; `*` marks the default."""
    from songsmith.studio.models import describe
    from songsmith.studio.studio import Studio

    studio = Studio.open()
    found = [describe(entry, default=studio.settings.model) for entry in studio.models.entries()]
    if as_json:
        for model in found:
            console.write(json_row(model))
        return
    console.show_table(
        ("", "Model", "Size", "Context", "Format", "About"),
        [
            ("*" if model["default"] else "", model["name"], model["size"], f"{model['context_window_tokens'] or '?'}",
             model["format"], model["problem"] or model["notice"] or model["description"])
            for model in found
        ],
    )  # fmt: skip


@app.command()
def info(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a model, or path to one.", show_default="the default", autocompletion=completion.models
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show what a model is and where it comes from."""
    from songsmith.studio.models import describe
    from songsmith.studio.studio import Studio

    studio = Studio.open()
    model = describe(studio.models.info(name or studio.settings.model), default=studio.settings.model)
    if as_json:
        console.write(json_row(model))
        return
    for key, value in model.items():
        if value not in ("", None, []):
            shown = _shorten(value) if isinstance(value, list) else str(value)
            console.write(f"{one_line(key).replace('_', ' ')}: {one_line(shown)}\n")


def _shorten(values: list[str]) -> str:
    """Return the first of many; --json has them all."""
    more = f"; and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
    return "; ".join(values[:_VALUES_SHOWN]) + more


@app.command()
def verify(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a model, or path to one.", show_default="all of them", autocompletion=completion.models
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per model.")] = False,
) -> None:
    """Check that models are intact: weights byte by byte, tokenizer, shapes. Exits with code 4 if one isn't."""
    from dataclasses import asdict

    from songsmith.studio.models import verify as verify_models
    from songsmith.studio.studio import Studio

    whole = True
    for verdict in verify_models(Studio.open(), name):
        whole = whole and not verdict.problem
        if as_json:
            console.write(json_row(asdict(verdict)))
        elif verdict.problem:
            console.write(f"{verdict.name}: {verdict.problem} {verdict.next_step}\n")
        else:
            vouched = "which matches its manifest" if verdict.vouched else "with none in its manifest to compare"
            console.write(f"{verdict.name}: intact; SHA-256 {verdict.weights_sha256}, {vouched}\n")
    if not whole:
        raise typer.Exit(ModelError.exit_code)


@app.command()
def rm(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a model you trained or installed.", show_default=False, autocompletion=completion.models
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")] = False,
) -> None:
    """Permanently remove a model, and any unfinished training of it."""
    from songsmith.studio.models import remove
    from songsmith.studio.studio import Studio

    studio = Studio.open()
    studio.models.find_own(name)
    console.agree_to_remove(f"the model '{one_line(name)}'", yes=yes)
    remove(studio, name)
    console.say(f"Removed the model '{one_line(name)}'.")
