"""Prompts from what people type, and takes of them with a model."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from songsmith.errors import InputError, UsageError
from songsmith.generation.engine import Engine
from songsmith.generation.events import StreamEvent, TextWithdrawn, TokenChunk
from songsmith.generation.options import MOST_LINES, MOST_NEW_TOKENS, GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import Author, Song, parse, strip_controls, with_authors
from songsmith.markup import Prompt, find_mark
from songsmith.model.loading import LoadedModel
from songsmith.options import declared
from songsmith.studio.repeats import with_repeated
from songsmith.takes import Take


def decode_lyric(data: bytes, origin: str) -> str:
    """Return the text of a file or a pipe.

    Raises:
        InputError: it is binary or not UTF-8; the message names the first bad byte.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        raise InputError(f"{origin} isn't text: byte {nul} is NUL.", "Use a text file in UTF-8.")
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{origin} isn't UTF-8: byte {error.start} is {data[error.start]:#04x}.",
            "Convert it first: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW",
        ) from error


def read_prompt(text: str | None, *, title: str = "", finish_line: bool = False, vary: bool = False) -> Prompt:
    """Turn what a person typed into a prompt: the lyric so far.

    Args:
        text: the lyric; None writes unprompted.
        title: the song's title; empty lets the first line, or the model, give it.
        finish_line: the last line is only begun, and the model finishes it.
        vary: a bare `[Chorus]` at the end gets new words; else the words it had before come back.

    Raises:
        UsageError: the text is empty.
        InputError: it spells one of the marks that models are built on, or is no Unicode text.
    """
    title = " ".join(_clean(title).split())
    if text is None:
        if finish_line:
            raise UsageError("There is no line to finish.", "Give a prompt, or leave out --finish-line.")
        return Prompt(song=Song(title))
    text = _clean(text)
    if not text.strip():
        raise UsageError(
            "The prompt is empty.", "Give a line to start from, or leave the prompt out to start from nothing."
        )
    song = parse(text, title=title)
    open_line = finish_line and bool(song.sections[-1].lines)
    return Prompt(song=song if vary else with_repeated(song), open_line=open_line)


def _clean(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError("The prompt isn't UTF-8.", "Type it again, or pipe it in as UTF-8.") from error
    # Once old Macs ended lines with \r alone.
    text = strip_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
    mark = find_mark(text)  # only now: a control character may have stood inside it
    if mark:
        raise InputError(f"The prompt contains {mark}, a mark that models use themselves.", "Remove it and try again.")
    return text


def plan_length(
    *, min_lines: int | None = None, max_lines: int | None = None, max_new_tokens: int | None = None
) -> dict[str, Any]:
    """Return how long takes are to be, as generation options. A limit that nobody set makes room for the lines asked for.

    Args:
        min_lines: lines asked for at least; None for the usual.
        max_lines: where to stop, 0 for nowhere; None for the usual.
        max_new_tokens: where to stop; None for the usual.

    Raises:
        UsageError: more lines are asked for than are allowed.
    """
    usual = GenerationOptions()
    if min_lines is not None and max_lines is not None and 0 < max_lines < min_lines:
        raise UsageError(
            f"--min-lines {min_lines} is more than --max-lines {max_lines}.",
            f"Use --max-lines {min_lines} or more, 0 for no limit, or ask for fewer lines.",
        )
    fewest = usual.min_lines if min_lines is None else min_lines
    room = min(max(fewest, usual.max_lines), MOST_LINES)
    tokens = min(usual.max_new_tokens * room // usual.max_lines, MOST_NEW_TOKENS)
    return {
        "min_lines": fewest,
        "max_lines": room if max_lines is None else max_lines,
        "max_new_tokens": tokens if max_new_tokens is None else max_new_tokens,
    }


def plan_takes(options: GenerationOptions, *, takes: int | None, ladder: str | None) -> Sequence[GenerationOptions]:
    """Return the options of each take: seeds count up, and a ladder spreads the temperatures.

    Args:
        options: of the first take.
        takes: how many; None means one, or one for each tenth of a degree of the ladder.
        ladder: temperatures of the first and the last take, such as `1.3:0.7`; None keeps one temperature.

    Raises:
        UsageError: a number is out of range.
    """
    if takes is not None and not 1 <= takes <= 256:
        raise UsageError(f"--takes {takes} is out of range.", "Use a number from 1 to 256.")
    if ladder is None:
        temperatures = [options.temperature] * (takes or 1)
    else:
        high, _, low = ladder.partition(":")
        try:
            top, bottom = float(high), float(low)
        except ValueError as error:
            raise UsageError(f"--ladder {ladder} isn't a pair of temperatures.", "Write it like 1.3:0.7.") from error
        known = declared(GenerationOptions)["temperature"]
        if known.fault(top) or known.fault(bottom):
            raise UsageError(f"--ladder {ladder} is out of range.", f"Use temperatures {known.span}.")
        count = takes or round(abs(top - bottom) * 10) + 1
        step = (top - bottom) / max(1, count - 1)
        temperatures = [round(top - step * rung, 4) for rung in range(count)]
    return [
        replace(options, seed=options.seed + take, temperature=temperature)
        for take, temperature in enumerate(temperatures)
    ]


def write(
    model: LoadedModel,
    prompt: Prompt,
    options: Sequence[GenerationOptions],
    *,
    draft_model: LoadedModel | None = None,
    stopping: Callable[[], bool] = lambda: False,
    constraints: Sequence[LineConstraint] = (),
) -> Iterator[StreamEvent | TakeFinished]:
    """Write takes of one prompt, with the proposals of a draft model if there is one; see `write_takes`."""
    return write_takes(
        Engine(model, draft_model=draft_model), prompt, options, stopping=stopping, constraints=constraints
    )


def settled(events: Iterator[StreamEvent | TakeFinished]) -> Iterator[TokenChunk | TakeFinished]:
    """Hold chunks back until their text can no longer be withdrawn, for whom no text can be taken back from, such as a pipe."""
    held: defaultdict[int, list[TokenChunk]] = defaultdict(list)
    for event in events:
        if isinstance(event, TextWithdrawn):
            held[event.take].clear()
            continue
        if isinstance(event, TokenChunk) and not event.settled:
            held[event.take].append(event)
            continue
        yield from held.pop(event.take, ())  # of a take that was stopped within a line, what stands
        yield event


def one_at_a_time(events: Iterator[TokenChunk | TakeFinished]) -> Iterator[TokenChunk | TakeFinished]:
    """Reorder takes written side by side: the first comes as it is written, each other whole after the one before."""
    current = 0
    waiting: defaultdict[int, deque[TokenChunk | TakeFinished]] = defaultdict(deque)
    for event in events:
        waiting[event.take].append(event)
        while ready := waiting[current]:
            event = ready.popleft()
            yield event
            if isinstance(event, TakeFinished):
                current += 1


def song_of(take: Take) -> Song:
    """Return the whole song a take makes with its prompt, each line with its author.

    A line that a person began and the model finished counts as the model's.
    """
    before = parse(take.prompt_text)
    song = parse(take.prompt_text + take.text, title=take.title)
    open_line = bool(take.prompt_text) and not take.prompt_text.endswith("\n")
    theirs = len(before.lines) - (open_line and take.text.partition("\n")[0].strip() != "")
    return with_authors(song, [Author.PERSON] * theirs + [Author.MODEL] * (len(song.lines) - theirs))


def take_as_json(take: Take) -> dict[str, Any]:
    """Return a take as one JSON object: the song it makes, who wrote each line, and its provenance."""
    song = song_of(take)
    return {
        "title": take.title,
        "text": take.prompt_text + take.text,
        "lines": [{"text": line.text, "author": line.author.value} for line in song.lines],
        "prompt": take.prompt_text,
        "continuation": take.text,
        "model": take.model,
        "model_sha256": take.model_sha256,
        "device": take.device,
        "seed": take.seed,
        "options": dict(take.options),
        "finish": take.finish.value,
        "tokens": take.tokens,
        "elapsed_s": take.elapsed_s,
        "songsmith": take.version,
        "id": take.id,
        "created_at": take.created_at,
    }
