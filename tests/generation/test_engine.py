"""The engine, with the real starter model: takes that are whole, repeatable, and stop where they should."""

import json
import tempfile
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from fakes import write_random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import EngineError, ModelError, OutOfMemoryError, UsageError
from songsmith.generation.engine import Engine
from songsmith.generation.events import TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import SectionKind, parse, parse_header, strip_controls
from songsmith.markup import MARKS, MarkupFormat, Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths
from songsmith.takes import FinishReason, Take

RIVER = Prompt(song=parse("Down by the river"), open_line=True)
PROMPTS = {
    "nothing": Prompt(),
    "an open line": RIVER,
    "whole lines": Prompt(song=parse("Down by the river\nWhere the willows grow\n", title="Willows")),
    "a chorus to write": Prompt(song=parse("Down by the river\n"), next_section=SectionKind.CHORUS),
}


def options(**changes: object) -> GenerationOptions:
    # Odds wider than the default: more may go wrong.
    return GenerationOptions(
        **{"seed": 1, "temperature": 0.9, "top_p": 0.95, "max_lines": 6, "max_new_tokens": 200} | changes
    )


def takes_of(model: LoadedModel, prompt: Prompt, *wanted: GenerationOptions) -> list[Take]:
    events = write_takes(Engine(model), prompt, wanted)
    found = {event.take: event.result for event in events if isinstance(event, TakeFinished)}
    return [found[take] for take in range(len(wanted))]


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_the_chunks_joined_are_the_takes(starter: LoadedModel, prompt: Prompt) -> None:
    wanted = [options(seed=seed) for seed in range(3)]
    texts, counts, whole = ["", "", ""], [0, 0, 0], {}
    for event in write_takes(Engine(starter), prompt, wanted):
        if isinstance(event, TakeFinished):
            whole[event.take] = event.result
        else:
            assert event.take not in whole
            texts[event.take] += event.text
            counts[event.take] += 1
            assert event.tokens == counts[event.take]
    for take in range(3):
        assert whole[take].text == texts[take]
        assert whole[take].tokens == counts[take]
        assert whole[take].text.endswith("\n")
        song = parse(prompt.text + whole[take].text)
        assert song.lines[0].text.startswith("" if not prompt.text else prompt.song.lines[0].text)
        assert strip_controls(whole[take].text) == whole[take].text
        assert not any(mark in whole[take].text for mark in MARKS)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
# Hotter than that, thousands of tokens are about as likely, and rounding decides which of two neighbours is drawn.
@pytest.mark.parametrize("temperature", [0.0, 0.8, 1.1])
def test_a_take_in_a_batch_is_the_same_take_alone(starter: LoadedModel, prompt: Prompt, temperature: float) -> None:
    wanted = [options(seed=seed, temperature=temperature, max_lines=2 + seed) for seed in range(3)]
    together = takes_of(starter, prompt, *wanted)
    alone = [takes_of(starter, prompt, option)[0] for option in wanted]
    assert [take.text for take in together] == [take.text for take in alone]
    assert [(take.finish, take.tokens, take.title) for take in together] == [
        (take.finish, take.tokens, take.title) for take in alone
    ]


def test_the_same_seed_gives_the_same_text_and_another_seed_another(starter: LoadedModel) -> None:
    first = takes_of(starter, RIVER, *(options(seed=seed) for seed in range(6)))
    again = takes_of(starter, RIVER, *(options(seed=seed) for seed in range(6)))
    assert [take.text for take in first] == [take.text for take in again]
    assert len({take.text for take in first}) == 6
    greedy = takes_of(starter, RIVER, *(options(seed=seed, temperature=0) for seed in range(3)))
    assert len({take.text for take in greedy}) == 1


def lines_written(prompt: Prompt, take: Take) -> int:
    """Count the lines a take wrote or finished, as a reader would."""
    whole = len(parse(prompt.text + take.text).lines)
    return whole - len(prompt.song.lines) + (prompt.open_line and not take.text.startswith("\n"))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("max_lines", [1, 2, 7])
def test_max_lines(starter: LoadedModel, prompt: Prompt, max_lines: int) -> None:
    for take in takes_of(
        starter, prompt, *(options(seed=seed, max_lines=max_lines, min_lines=100) for seed in range(3))
    ):
        assert take.finish is FinishReason.MAX_LINES
        assert lines_written(prompt, take) == max_lines


def test_max_new_tokens(starter: LoadedModel) -> None:
    for count in (1, 5, 30):
        (take,) = takes_of(starter, RIVER, options(max_new_tokens=count, max_lines=0, min_lines=100))
        assert (take.tokens, take.finish) == (count, FinishReason.MAX_TOKENS)
        assert take.text.endswith("\n")


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_song_does_not_end_before_min_lines(starter: LoadedModel, prompt: Prompt) -> None:
    wanted = [options(seed=seed, max_lines=0, min_lines=12, temperature=1.2, max_new_tokens=250) for seed in range(3)]
    for take in takes_of(starter, prompt, *wanted):
        assert take.finish is not FinishReason.END_OF_SONG or lines_written(prompt, take) >= 12


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("min_lines", [0, 5])
def test_a_take_can_stop_where_its_section_does(starter: LoadedModel, prompt: Prompt, min_lines: int) -> None:
    wanted = [
        options(seed=seed, stop_at_section=True, min_lines=min_lines, max_lines=0, max_new_tokens=300)
        for seed in range(4)
    ]
    finishes = set()
    for take in takes_of(starter, prompt, *wanted):
        finishes.add(take.finish)
        if take.finish is FinishReason.END_OF_SECTION:
            assert lines_written(prompt, take) >= max(1, min_lines)
            # At most one section was begun, and nothing stands behind it.
            assert len(parse(take.text.strip()).sections) <= 2
            assert take.text.strip().count("\n\n") <= 1
    assert FinishReason.END_OF_SECTION in finishes


def notices(chunks: list[TokenChunk]) -> int:
    return sum(chunk.window_slid for chunk in chunks)


def test_a_song_that_outgrows_the_window_goes_on(starter: LoadedModel) -> None:
    wanted = options(seed=3, max_lines=0, min_lines=100_000, max_new_tokens=900)
    chunks = list(Engine(starter).stream(RIVER, [wanted]))
    assert len(chunks) == 900
    assert 2 <= notices(chunks) <= 5  # half a window of new tokens is written each time
    assert not any(chunk.window_slid for chunk in chunks[:300])
    text = RIVER.text + "".join(chunk.text for chunk in chunks)
    assert len(parse(text).lines) > 40
    late = "".join(chunk.text for chunk in chunks[700:])
    assert len(set(late.split())) > 40  # it has not run dry


def test_a_prompt_longer_than_the_window_is_gone_on_with(starter: LoadedModel) -> None:
    lyric = "\n\n".join(
        f"The {n}th of the ships came sailing in\nAnd the {n}th of the bells was rung" for n in range(60)
    )
    prompt = Prompt(song=parse(lyric, title="Sixty Ships"), open_line=True)
    wanted = [options(seed=seed) for seed in range(2)]
    chunks = list(Engine(starter).stream(prompt, wanted))
    assert notices([chunk for chunk in chunks if chunk.take == 0]) == 1
    assert chunks[0].window_slid
    takes = takes_of(starter, prompt, *wanted)
    assert [take.prompt_text for take in takes] == [lyric] * 2
    assert all(take.text.strip() for take in takes)
    assert takes[1].text == takes_of(starter, prompt, wanted[1])[0].text


def test_takes_that_slide_at_different_times_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "small", window=24, manifest={"format": "markup"})
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    wanted = [
        options(seed=seed, temperature=1.0, max_lines=0, min_lines=100, max_new_tokens=40 + 30 * seed)
        for seed in range(4)
    ]
    together = takes_of(model, RIVER, *wanted)
    assert [take.text for take in together] == [takes_of(model, RIVER, option)[0].text for option in wanted]


class Cramped:
    """A network with room for two takes at a time, and not always."""

    def __init__(self, model: LoadedModel, *, most: int, error: Exception, after: int = 9) -> None:
        self._backend, self._most, self._error, self._after = model.backend, most, error, after
        self._steps = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def forward(self, tokens, cache, *, all_positions=False):
        self._steps += 1
        if len(tokens) > self._most and self._steps > self._after:
            raise self._error
        return self._backend.forward(tokens, cache, all_positions=all_positions)


@pytest.mark.parametrize(
    "error", [MemoryError(), OutOfMemoryError("There isn't enough memory for this.")], ids=repr
)
def test_where_memory_runs_out_takes_wait_for_each_other_and_say_the_same(
    starter: LoadedModel, error: Exception
) -> None:
    wanted = [options(seed=seed) for seed in range(7)]
    cramped = LoadedModel(
        name="cramped", manifest=starter.manifest, weights_sha256="", tokenizer=starter.tokenizer,
        backend=Cramped(starter, most=2, error=error),
    )  # fmt: skip
    assert [take.text for take in takes_of(cramped, RIVER, *wanted)] == [
        take.text for take in takes_of(starter, RIVER, *wanted)
    ]
    chunks = list(Engine(cramped).stream(RIVER, wanted))
    assert 1 <= sum(chunk.fewer_at_once for chunk in chunks) <= 3
    for take in range(7):
        counts = [chunk.tokens for chunk in chunks if chunk.take == take]
        assert counts == list(range(1, len(counts) + 1))


@cache
def small_model(window: int) -> LoadedModel:
    with tempfile.TemporaryDirectory() as folder:
        path = write_random_model(Path(folder) / "small", window=window, manifest={"format": "markup"})
        return ModelStore(find_paths()).load(str(path), device="cpu", threads=1)


@given(st.integers(1, 120), st.integers(1, 4), st.sampled_from([12, 24, 40]))
@settings(max_examples=8)
def test_where_memory_runs_out_while_windows_slide_takes_say_the_same(after: int, takes: int, window: int) -> None:
    model = small_model(window)
    cramped = LoadedModel(
        name="cramped", manifest=model.manifest, weights_sha256="", tokenizer=model.tokenizer,
        backend=Cramped(model, most=takes - 1, error=MemoryError(), after=after),
    )  # fmt: skip
    wanted = [
        options(seed=seed, temperature=1.0, max_lines=0, min_lines=100, max_new_tokens=40 + 30 * seed)
        for seed in range(5)
    ]
    prompts = [RIVER, Prompt(song=parse("la la la " * 5), open_line=True)]
    asked = [(prompts[number % 2], option) for number, option in enumerate(wanted)]

    def texts(model: LoadedModel) -> list[str]:
        told = [""] * len(asked)
        with suppress(EngineError):  # with one take alone there is nothing to wait for
            for chunk in Engine(model).stream_all(asked):
                told[chunk.take] += chunk.text
        return told

    whole = texts(model)
    for told, text in zip(texts(cramped), whole, strict=True):
        assert told == text or (takes == 1 and text.startswith(told))


def test_one_take_that_does_not_fit_into_memory_is_one_error(starter: LoadedModel) -> None:
    cramped = LoadedModel(
        name="cramped", manifest=starter.manifest, weights_sha256="", tokenizer=starter.tokenizer,
        backend=Cramped(starter, most=0, error=MemoryError()),
    )  # fmt: skip
    with pytest.raises(EngineError, match="failed: MemoryError"):
        takes_of(cramped, RIVER, options(), options(seed=2))


def test_takes_of_different_prompts_are_as_if_alone(starter: LoadedModel) -> None:
    asked = [
        (prompt, options(seed=seed, temperature=0.3 * seed, max_lines=2 + seed, repetition_penalty=1 + seed / 10))
        for seed, prompt in enumerate(
            [*PROMPTS.values(), RIVER, Prompt(song=parse("La la la\n" * 90), open_line=False)]
        )
    ]
    texts = [""] * len(asked)
    for chunk in Engine(starter).stream_all(asked):
        texts[chunk.take] += chunk.text
    assert texts == [takes_of(starter, prompt, option)[0].text for prompt, option in asked]


def test_closing_the_stream_stops_the_work(starter: LoadedModel) -> None:
    stream = Engine(starter).stream(RIVER, [options(max_new_tokens=100_000, min_lines=1000, max_lines=0)])
    for _ in range(5):
        next(stream)
    stream.close()
    assert next(stream, None) is None
    assert takes_of(starter, RIVER, options())[0].text.strip()  # and the engine can be used again


def test_no_takes_at_all_is_an_error(starter: LoadedModel) -> None:
    with pytest.raises(UsageError, match="No takes"):
        next(Engine(starter).stream(RIVER, []))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("format", MarkupFormat)
def test_noise_is_still_shown_as_a_lyric(tmp_path: Path, prompt: Prompt, format: MarkupFormat) -> None:
    folder = write_random_model(tmp_path / "noise", manifest={"format": format.value})
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    wanted = [options(seed=seed, temperature=2.0, top_p=1.0, max_lines=0, max_new_tokens=200) for seed in range(2)]
    for take in takes_of(model, prompt, *wanted):
        text = prompt.text + take.text
        assert not any(mark in text for mark in MARKS)
        assert strip_controls(text) == text
        assert "\n\n\n" not in text
        assert not text.startswith("\n")
        assert all(row == row.strip() for row in text.split("\n"))


def test_a_plain_model_is_shown_plain_text_and_never_writes_marks(plain: LoadedModel) -> None:
    engine, tokenizer = Engine(plain), plain.tokenizer
    head, body = PROMPTS["whole lines"].pieces(MarkupFormat(plain.manifest.format))
    assert [piece for piece in (*head, *body) if piece in MARKS] == ["<|endoftext|>"]
    assert "".join(body) == "Down by the river\nWhere the willows grow\n"
    drawn = set()
    real = tokenizer.mark
    wanted = [options(seed=seed, temperature=2.0, top_p=1.0, max_lines=0, max_new_tokens=300) for seed in range(4)]
    events = list(write_takes(engine, PROMPTS["whole lines"], wanted))
    assert sum(isinstance(event, TokenChunk) for event in events) > 500
    for event in events:
        if isinstance(event, TokenChunk):
            drawn |= {mark for mark in MARKS if mark in event.text}
    assert drawn == set()
    assert real(0) == "<|endoftext|>"


@pytest.mark.parametrize("min_lines", [0, 6])
def test_a_plain_model_can_stop_at_a_blank_line(plain: LoadedModel, min_lines: int) -> None:
    newline = plain.tokenizer.encode("\n")[0]
    # Lean the noise towards line ends, or it would seldom end a line, let alone two in a row.
    forward = plain.backend.forward

    class Leaning:
        def __getattr__(self, name: str) -> object:
            return getattr(plain.backend, name)

        def forward(self, tokens, cache, *, all_positions=False):
            logits = forward(tokens, cache, all_positions=all_positions)
            logits[:, newline] += 6
            return logits

    model = LoadedModel(
        name="leaning", manifest=plain.manifest, weights_sha256="", backend=Leaning(), tokenizer=plain.tokenizer
    )
    prompt = PROMPTS["whole lines"]
    wanted = [
        options(
            seed=seed,
            temperature=1.0,
            top_p=1.0,
            stop_at_section=True,
            min_lines=min_lines,
            max_lines=0,
            max_new_tokens=400,
        )
        for seed in range(6)
    ]
    takes = takes_of(model, prompt, *wanted)
    ended = [take for take in takes if take.finish is FinishReason.END_OF_SECTION]
    assert ended
    for take in ended:
        assert lines_written(prompt, take) >= max(1, min_lines)


def test_damaged_weights_are_one_error(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_random_model(tmp_path / "nan")
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"ln_f\.weight contains values that aren't numbers"):
        ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1, exact=True)
    with pytest.raises(EngineError, match="aren't numbers"):
        takes_of(model, RIVER, options())


def test_the_window_slides_in_the_smallest_window_there_can_be(tmp_path: Path) -> None:
    for window in (2, 3, 5):
        folder = write_random_model(tmp_path / f"window-{window}", window=window)
        model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
        (take,) = takes_of(model, RIVER, options(max_new_tokens=30, max_lines=0, min_lines=30))
        assert take.tokens == 30


def test_a_title_the_model_chose_is_given(starter: LoadedModel) -> None:
    takes = takes_of(starter, Prompt(), *(options(seed=seed) for seed in range(4)))
    titled = [take for take in takes if take.title]
    assert titled
    assert all(take.title not in ("", "\n") and "<|" not in take.title for take in titled)
    assert takes_of(starter, PROMPTS["whole lines"], options())[0].title == "Willows"


def test_elapsed_time_never_runs_backwards(starter: LoadedModel) -> None:
    chunks = list(Engine(starter).stream(RIVER, [options(), options(seed=2)]))
    assert all(first.elapsed_s <= second.elapsed_s for first, second in pairwise(chunks))
    assert not any(parse_header(row) for row in RIVER.text.splitlines())


def test_a_special_token_without_a_row_may_spell_a_line_break(tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "past")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    outputs = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][-1], "id": outputs, "content": "<Ċ>"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    (take,) = takes_of(model, RIVER, options(max_new_tokens=5))
    assert take.tokens == 5


def test_a_model_that_may_write_nothing_is_told_from_one_that_broke_down(tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "ends")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["eos_token_id"] = list(range(config["vocab_size"]))
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    with pytest.raises(EngineError, match="no token to write") as error:
        takes_of(model, RIVER, options(min_lines=4))
    assert "--min-lines" in error.value.next_step
    assert "--device" not in error.value.next_step
