"""Takes out of an engine's stream: whole or stopped, each with all that is needed to have it again."""

import json

import pytest

from songsmith import __version__
from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import Author, parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.studio.writing import one_at_a_time, song_of, take_as_json
from songsmith.takes import FinishReason, Take

RIVER = Prompt(song=parse("Down by the river\n", title="Willows"))


def options(**changes: object) -> GenerationOptions:
    return GenerationOptions(**{"seed": 1, "max_lines": 4, "max_new_tokens": 120} | changes)


def test_a_take_knows_where_it_comes_from(starter: LoadedModel) -> None:
    wanted = options(seed=11, temperature=0.5)
    (take,) = [
        event.result
        for event in write_takes(Engine(starter), RIVER, [wanted], parent_id="before")
        if isinstance(event, TakeFinished)
    ]
    assert (take.model, take.model_sha256, take.device) == ("starter", starter.weights_sha256, "cpu")
    assert (take.seed, take.prompt_text, take.title, take.parent_id) == (11, RIVER.text, "Willows", "before")
    assert take.version == __version__
    assert 0 < take.elapsed_s < 60
    # What it says of its options is enough to have it again.
    again = GenerationOptions(**json.loads(json.dumps(take.options)))
    assert again == wanted
    (twin,) = [e.result for e in write_takes(Engine(starter), RIVER, [again]) if isinstance(e, TakeFinished)]
    assert twin.text == take.text


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_what_stands_when_it_is_stopped_becomes_takes(starter: LoadedModel, steps: int) -> None:
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked >= steps

    texts = ["", "", ""]
    finished: dict[int, Take] = {}
    wanted = [options(seed=seed, min_lines=100, max_lines=0) for seed in range(3)]
    for event in write_takes(Engine(starter), RIVER, wanted, stopping=stopping):
        if isinstance(event, TakeFinished):
            finished[event.take] = event.result
        else:
            assert not finished
            texts[event.take] += event.text
    assert [finished[take].text for take in range(3)] == texts
    assert {take.finish for take in finished.values()} == {FinishReason.STOPPED}
    assert sum(take.tokens for take in finished.values()) == steps


def test_takes_that_were_whole_before_the_stop_stay_whole(starter: LoadedModel) -> None:
    wanted = [options(seed=0, max_lines=1, min_lines=100), options(seed=1, max_lines=0, min_lines=100)]
    whole: list[Take] = []
    for event in write_takes(Engine(starter), RIVER, wanted, stopping=lambda: bool(whole)):
        if isinstance(event, TakeFinished):
            whole.append(event.result)
    assert [take.finish for take in whole] == [FinishReason.MAX_LINES, FinishReason.STOPPED]
    assert [take.seed for take in whole] == [0, 1]


def test_takes_are_shown_one_after_the_other(starter: LoadedModel) -> None:
    wanted = [options(seed=seed, max_lines=5 - seed, min_lines=100) for seed in range(4)]
    events = list(one_at_a_time(write_takes(Engine(starter), RIVER, wanted)))
    order = [event.take for event in events]
    assert order == sorted(order)
    assert [e.take for e in events if isinstance(e, TakeFinished)] == [0, 1, 2, 3]
    # And the first is shown while it is written, not when all are done.
    stream = one_at_a_time(write_takes(Engine(starter), RIVER, wanted))
    assert next(stream).tokens == 1


@pytest.mark.parametrize(
    ("prompt", "text", "authors"),
    [
        ("", "a\nb\n", "mm"),
        ("a\nb\n", "c\n", "ppm"),
        ("a\nb", " more\nc\n", "pmm"),
        ("a\nb", "\nc\n", "ppm"),  # the model left the begun line as it was
        ("a\nb", "\n", "pp"),
        ("a\nb", "", "pp"),
        ("[Verse]\na\n", "\n[Chorus]\nb\n", "pm"),
    ],
)
def test_every_line_of_the_song_knows_who_wrote_it(prompt: str, text: str, authors: str) -> None:
    take = Take(
        text=text, prompt_text=prompt, title="", model="m", model_sha256="0", device="cpu", options={}, seed=0,
        finish=FinishReason.MAX_LINES, tokens=1, elapsed_s=0.1, version="0",
    )  # fmt: skip
    kinds = {"p": Author.PERSON, "m": Author.MODEL}
    assert [line.author for line in song_of(take).lines] == [kinds[letter] for letter in authors]
    values = json.loads(json.dumps(take_as_json(take)))
    assert [line["author"] for line in values["lines"]] == [kinds[letter].value for letter in authors]
    assert values["text"] == prompt + text
