"""`songsmith gen`: write takes of a song to stdout."""

import sys
from dataclasses import replace
from typing import Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.cli.derived_options import takes_options
from songsmith.counting import count_of
from songsmith.errors import InputError
from songsmith.generation.options import GenerationOptions
from songsmith.options import changed
from songsmith.safe_text import json_row, one_line

_USUAL = GenerationOptions()


@takes_options(_USUAL)
def gen(
    prompt: Annotated[
        str | None,
        typer.Argument(
            help="Lyrics to continue. `-` reads them from standard input; so does no prompt, if something is piped in.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the song.")] = "",
    finish_line: Annotated[
        bool, typer.Option("--finish-line", help="Let the model finish the prompt's last line.")
    ] = False,
    vary: Annotated[
        bool,
        typer.Option(
            "--vary", help="Write new words for a bare [Chorus] at the end instead of repeating the last one."
        ),
    ] = False,
    takes: Annotated[int | None, typer.Option(help="How many takes to write.", show_default="1")] = None,
    ladder: Annotated[
        str | None, typer.Option(help="Temperatures of the first and last take, such as 1.3:0.7.", show_default=False)
    ] = None,
    max_lines: Annotated[int | None, typer.Option(show_default=f"{_USUAL.max_lines}, or --min-lines")] = None,
    min_lines: Annotated[int | None, typer.Option(show_default=f"{_USUAL.min_lines}")] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(show_default=f"{_USUAL.max_new_tokens}, or enough for --min-lines")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Name of a model, or path to one.",
            show_default="the default",
            autocompletion=completion.models,
        ),
    ] = None,
    draft_model: Annotated[
        str | None,
        typer.Option(
            help="Smaller model for speculative decoding: same words, faster.",
            show_default="none",
            autocompletion=completion.models,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or mps.", show_default="auto", autocompletion=completion.devices)
    ] = None,
    seed: Annotated[int | None, typer.Option(show_default="random")] = None,
    *,
    save: Annotated[bool, typer.Option("--save", help="Save each take as a song; see `songsmith songs`.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors on standard error.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per take, with its provenance.")
    ] = False,
    **sampling: Any,
) -> None:
    """Write a song, or continue one, on standard output."""
    from songsmith.errors import ModelError
    from songsmith.generation.writing import TakeFinished
    from songsmith.markup import MarkupFormat
    from songsmith.settings import NO_MODEL
    from songsmith.studio.songs import save_take
    from songsmith.studio.studio import Studio
    from songsmith.studio.writing import (
        one_at_a_time,
        plan_length,
        plan_takes,
        read_prompt,
        settled,
        take_as_json,
        write,
    )
    from songsmith.takes import FinishReason, Take

    def finished(take: Take) -> None:
        if as_json:
            console.write(json_row(take_as_json(take)))
        elif not quiet:
            rate = take.tokens / take.elapsed_s if take.elapsed_s else 0
            heat = take.options["temperature"]
            named = f"{take.title} " if take.title and take.title != title else ""
            stopped = "stopped, " if take.finish is FinishReason.STOPPED else ""
            facts = f"seed {take.seed}, temperature {heat}, {count_of(take.tokens, 'token')}, {rate:.0f} tokens/s"
            console.say(one_line(f"{named}({stopped}{take.model}, {facts})"))
        if save:
            kept = save_take(studio.library, take)
            if not quiet:
                console.say(one_line(f"Saved as {kept.number}: {kept.name}"))

    import secrets

    length = plan_length(min_lines=min_lines, max_lines=max_lines, max_new_tokens=max_new_tokens)
    first = changed(_USUAL, seed=secrets.randbelow(2**31) if seed is None else seed, **length, **sampling)
    place = read_prompt(_prompt_text(prompt), title=title, finish_line=finish_line, vary=vary)
    first = replace(first, stay_in_section=place.in_unfinished_section)
    options = plan_takes(first, takes=takes, ladder=ladder)
    studio = Studio.open(model=model, device=device, draft_model=draft_model)
    if save:
        studio.prepare_home()

    def preparing() -> None:
        if not quiet:
            console.say("Preparing the model for this processor (first-time setup).")

    loaded = studio.load_model(preparing=preparing)
    if loaded.notice and not quiet:
        console.say(loaded.notice)
    draft = None
    try:
        draft = studio.load_draft_model(loaded, preparing=preparing)
    except ModelError as error:
        if draft_model:
            raise
        if not quiet:  # a setting that suits another model keeps nobody from writing with this one
            console.say(one_line(f"Writing without a draft model: {error.message}"))
    if draft_model and draft is None and studio.settings.draft_model != NO_MODEL and not quiet:
        console.say(f"Draft models don't run on {loaded.backend.device_name}; {one_line(draft_model)} is not used.")
    if loaded.manifest.format is MarkupFormat.PLAIN and not quiet:
        console.say(
            f"{one_line(loaded.name)} wasn't trained on songs here; it sees your title and lyrics as plain text."
        )
    notified = False
    with console.interrupts() as interrupted:
        events = write(loaded, place, options, draft_model=draft, stopping=interrupted.is_set)
        for event in one_at_a_time(settled(events)):
            if isinstance(event, TakeFinished):
                finished(event.result)
                continue
            if event.fewer_at_once and not quiet:
                console.say("Memory ran out: writing fewer takes at a time.")
            if event.window_slid and not notified and not quiet:
                notified = True
                console.say("The song has outgrown the model's context window; it no longer sees the oldest lines.")
            if as_json:
                continue
            if event.tokens == 1:
                console.write(("\n\n" if event.take else "") + place.text)
            console.write(event.text)
    if interrupted.is_set():
        raise typer.Exit(interrupted.exit_code)


def _prompt_text(argument: str | None) -> str | None:
    """Return the lyric to go on from: the argument, or standard input if that is where it comes from."""
    if argument not in (None, "-"):
        return argument
    if argument is None and not console.piped_in():
        return None
    from songsmith.studio.writing import decode_lyric

    if sys.stdin is None:
        raise InputError("Standard input is closed.", "Give the lyrics as an argument, or pipe them in.")
    return decode_lyric(sys.stdin.buffer.read(), "Standard input")
