"""Constraints force tokens and have lines written again; whatever a take is written with and beside, it is the same."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from constraints import EndsIn, WithoutLetter
from fakes import write_random_model
from test_drafts import Unmeasured

from songsmith.generation.engine import Engine
from songsmith.generation.events import TextWithdrawn, TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.scheduler import TakeRequest
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork, StaticBatch
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths
from songsmith.studio.writing import one_at_a_time, settled
from songsmith.takes import FinishReason

RIVER = Prompt(song=parse("Down by the river"), open_line=True)
WILLOWS = Prompt(song=parse("Down by the river\nWhere the willows grow\n", title="Willows"))
pytestmark = pytest.mark.usefixtures("one_torch_thread")


def load(name: str, kind: type[TorchBackend]) -> LoadedModel:
    """Return a model in double precision, so that rounding does not choose between two tokens."""
    stored = ModelStore(find_paths()).read(name)
    return LoadedModel(
        name=name, manifest=stored.manifest, weights_sha256="", tokenizer=stored.tokenizer, end_ids=stored.end_ids,
        backend=kind(stored.spec, stored.tensors(), torch.device("cpu"), torch.float64),
    )  # fmt: skip


@pytest.fixture(scope="module")
def singer() -> LoadedModel:
    """Return the starter on a network that is waited for."""
    return load("starter", TorchBackend)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a model that writes noise and has a small window."""
    return str(write_random_model(tmp_path_factory.mktemp("c") / "small", window=48, manifest={"format": "markup"}))


@pytest.fixture(scope="module")
def small(small_folder: str) -> LoadedModel:
    return load(small_folder, TorchBackend)


@pytest.fixture(scope="module")
def queued(small_folder: str) -> LoadedModel:
    """Return the same model on a network that queues its steps."""
    return load(small_folder, CudaGraphNetwork)


class Leaning(TorchBackend):
    """Ends lines often, as noise seldom does."""

    line_end = 0

    def _head(self, hidden):
        logits = super()._head(hidden)
        logits[:, self.line_end] += 5
        return logits


class QueuedLeaning(CudaGraphNetwork, Leaning):
    """The same on a network that queues its steps."""

    def open_batch(self, rows: int) -> StaticBatch:
        batch = super().open_batch(rows)
        step = StaticBatch.step

        def leaning() -> None:
            step(batch)
            batch.logits[:, self.line_end] += 5

        batch.step = leaning  # type: ignore[method-assign]
        return batch


def leaning(folder: str, kind: type[Leaning]) -> LoadedModel:
    model = load(folder, kind)
    model.backend.line_end = model.tokenizer.encode("\n")[0]
    return model


def options(seed: int, **changes: object) -> GenerationOptions:
    return GenerationOptions(**{"seed": seed, "max_lines": 6, "min_lines": 6, "max_new_tokens": 150} | changes)


Told = tuple[str, list[int], FinishReason | None]


def told(
    model: LoadedModel, asked: Sequence[tuple[Prompt, GenerationOptions]], constraints: Sequence[LineConstraint],
    *, drafts: bool = False, draft_model: LoadedModel | None = None,
) -> tuple[list[Told], int]:  # fmt: skip
    """Return text, tokens and end of each take, and how often text was withdrawn."""
    texts, ids, ends = [""] * len(asked), [[] for _ in asked], [None] * len(asked)
    settled_at, withdrawn = [0] * len(asked), 0
    engine = Engine(model, drafts=drafts, draft_model=draft_model, step_times=Unmeasured())
    for event in engine.stream_all(asked, constraints=constraints):
        take = event.take
        assert ends[take] is None
        if isinstance(event, TextWithdrawn):
            assert texts[take].endswith(event.text)
            texts[take] = texts[take][: len(texts[take]) - len(event.text)]
            del ids[take][event.tokens :]
            withdrawn += 1
        else:
            texts[take] += event.text
            ids[take].append(event.token)
            assert event.tokens == len(ids[take])
            if event.settled:
                settled_at[take] = len(texts[take])
            ends[take] = event.finish
        assert len(texts[take]) >= settled_at[take]  # what was settled is never withdrawn
    return list(zip(texts, ids, ends, strict=True)), withdrawn


def test_lines_that_a_constraint_rejects_are_written_again(singer: LoadedModel) -> None:
    asked = [(prompt, options(seed, max_lines=4)) for seed, prompt in enumerate([RIVER, WILLOWS, Prompt()])]
    free, _ = told(singer, asked, [])
    takes, withdrawn = told(singer, asked, [WithoutLetter("k", 50)])
    assert withdrawn >= 2
    for (prompt, _), (text, _, end), before in zip(asked, takes, free, strict=True):
        assert "k" not in "".join(line.text for line in parse(text).lines)
        assert end is FinishReason.MAX_LINES
        whole = len(parse(prompt.text + text).lines) - len(prompt.song.lines) + prompt.open_line
        assert whole == 4
        if "k" not in before[0]:
            assert text == before[0]  # a take that never breaks a constraint is the take without it
    assert told(singer, asked, [WithoutLetter("k", 50)]) == (takes, withdrawn)


def test_tries_are_bounded_by_the_constraint(singer: LoadedModel) -> None:
    (take,), withdrawn = told(singer, [(WILLOWS, options(3, max_lines=3))], [WithoutLetter("", 3)])
    assert withdrawn == 3 * 3
    assert take[2] is FinishReason.MAX_LINES
    greedy = [(WILLOWS, options(3, temperature=0.0, max_lines=2))]
    assert told(singer, greedy, [WithoutLetter("", 2)])[0] == told(singer, greedy, [])[0]


def test_forced_tokens_are_read_in_one_step(singer: LoadedModel) -> None:
    steps: list[int] = []
    forward = singer.backend.forward

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(singer.backend, name)

        def forward(self, tokens, cache, *, all_positions=False):
            steps.append(max(map(len, tokens)))
            return forward(tokens, cache, all_positions=all_positions)

    model = LoadedModel(
        name="counted", manifest=singer.manifest, weights_sha256="", tokenizer=singer.tokenizer, backend=Counting()
    )
    ending = " and so we sang until the break of another day"
    (take,), _ = told(model, [(WILLOWS, options(1))], [EndsIn(singer.tokenizer, ending, 4)])
    lines = parse(take[0]).lines
    assert len(lines) == 6
    assert all(line.text.endswith(ending) for line in lines)
    length = len(singer.tokenizer.encode(f"{ending}\n"))
    assert max(steps[1:]) == length + 1
    assert len(steps) <= len(take[1]) - 5 * (length - 1)


def constraints_of(model: LoadedModel) -> dict[str, list[LineConstraint]]:
    ends = EndsIn(model.tokenizer, " by the light of the day", 7)
    return {"rejects": [WithoutLetter("e", 3)], "forces": [ends], "both": [WithoutLetter("k", 4), ends]}


@pytest.mark.parametrize("kind", ["rejects", "forces", "both"])
def test_alone_in_a_batch_queued_or_speculative_takes_are_the_same(
    small_folder: str, kind: str, tmp_path: Path
) -> None:
    """In a small window, so that it slides in the middle of lines that are withdrawn, and of forced runs."""
    small, queued = leaning(small_folder, Leaning), leaning(small_folder, QueuedLeaning)
    constraints = constraints_of(small)[kind]
    asked = [
        (prompt, options(seed, max_lines=0, min_lines=1000, max_new_tokens=25 + 25 * seed, temperature=0.7 + seed / 10))
        for seed, prompt in enumerate([RIVER, WILLOWS, Prompt(), RIVER])
    ]
    together, withdrawn = told(small, asked, constraints)
    assert (withdrawn > 0) == (kind != "forces")
    assert [told(small, [one], constraints)[0][0] for one in asked] == together
    assert told(queued, asked, constraints) == (together, withdrawn)
    assert [told(queued, [one], constraints)[0][0] for one in asked] == together
    assert told(small, asked, constraints, drafts=True) == (together, withdrawn)
    other = leaning(str(write_random_model(tmp_path / "draft", window=30, manifest={"format": "markup"})), Leaning)
    assert told(small, asked[:2], constraints, drafts=True, draft_model=other)[0] == together[:2]


@pytest.mark.parametrize("window", [3, 12, 20])
@pytest.mark.parametrize("kind", ["rejects", "forces", "both"])
def test_in_the_smallest_windows_too(tmp_path: Path, window: int, kind: str) -> None:
    folder = str(write_random_model(tmp_path / "small", window=window, manifest={"format": "markup"}))
    small, queued = leaning(folder, Leaning), leaning(folder, QueuedLeaning)
    constraints = constraints_of(small)[kind]
    asked = [(RIVER, options(seed, max_lines=0, min_lines=1000, max_new_tokens=30 + 9 * seed)) for seed in range(3)]
    together, withdrawn = told(small, asked, constraints)
    assert [told(small, [one], constraints)[0][0] for one in asked] == together
    assert told(queued, asked, constraints) == (together, withdrawn)
    assert told(small, asked, constraints, drafts=True) == (together, withdrawn)


class Cramped(Leaning):
    """A network whose memory runs out at some step with more than one take."""

    after, steps = 0, 0

    def forward(self, tokens, cache, *, all_positions=False):
        self.steps += 1
        if len(tokens) > 1 and self.steps > self.after:
            raise MemoryError
        return super().forward(tokens, cache, all_positions=all_positions)


@pytest.mark.parametrize("after", [5, 12, 19, 33, 60])
def test_where_memory_runs_out_in_the_middle_of_it_takes_are_the_same(small_folder: str, after: int) -> None:
    cramped, small = leaning(small_folder, Cramped), leaning(small_folder, Leaning)
    cramped.backend.after = after
    asked = [(RIVER, options(seed, max_lines=0, min_lines=1000, max_new_tokens=90)) for seed in range(3)]
    constraints = constraints_of(small)["both"]
    assert told(cramped, asked, constraints) == told(small, asked, constraints)


def test_takes_with_constraints_join_and_leave_while_others_are_written(small_folder: str) -> None:
    for kind in (Leaning, QueuedLeaning):
        engine = Engine(leaning(small_folder, kind), drafts=False)
        constraints = constraints_of(engine.model)
        asked = [
            TakeRequest(
                prompt=prompt, constraints=constraints.get(name, []),
                options=options(seed, max_lines=0, min_lines=1000, max_new_tokens=30 + 20 * seed),
            )
            for seed, (prompt, name) in enumerate(zip([RIVER, WILLOWS] * 2, ["both", "", "forces", "rejects"], strict=True))
        ]  # fmt: skip
        scheduler = engine.open_scheduler()
        texts: dict[int, str] = {}
        gone = -1
        while len(texts) < len(asked) or scheduler.busy:
            if len(texts) < len(asked):
                texts[scheduler.add(asked[len(texts)])] = ""
                if len(texts) == 3:  # one that leaves before it has ended
                    gone = scheduler.add(asked[-1])
            else:
                scheduler.abort(gone)
            for _ in range(7):
                for event in scheduler.step():
                    if event.take != gone:
                        text = texts[event.take]
                        is_gone = isinstance(event, TextWithdrawn)
                        texts[event.take] = text.removesuffix(event.text) if is_gone else text + event.text
        alone = [told(engine.model, [(each.prompt, each.options)], each.constraints)[0][0][0] for each in asked]
        assert list(texts.values()) == alone


def test_whole_takes_and_what_a_pipe_is_given_hold_nothing_that_was_withdrawn(singer: LoadedModel) -> None:
    wanted = [options(seed) for seed in range(3)]
    constraints = [WithoutLetter("k", 50)]
    events = list(write_takes(Engine(singer), WILLOWS, wanted, constraints=constraints))
    assert any(isinstance(event, TextWithdrawn) for event in events)
    takes = {event.take: event.result for event in events if isinstance(event, TakeFinished)}
    piped = ["", "", ""]
    for event in one_at_a_time(settled(iter(events))):
        if isinstance(event, TokenChunk):
            piped[event.take] += event.text
    for take in range(3):
        assert piped[take] == takes[take].text
        assert "k" not in "".join(line.text for line in parse(takes[take].text).lines)


@pytest.mark.parametrize("after", [1, 30, 47, 60])
def test_a_take_that_is_stopped_in_the_middle_holds_what_was_told(singer: LoadedModel, after: int) -> None:
    count = 0

    def stopping() -> bool:
        nonlocal count
        count += 1
        return count >= after

    events = list(
        write_takes(
            Engine(singer), WILLOWS, [options(2)], stopping=stopping, constraints=[WithoutLetter("", 3)]
        )
    )  # fmt: skip
    text, tokens = "", 0
    for event in events:
        if isinstance(event, TakeFinished):
            take = event.result
        else:
            text = text.removesuffix(event.text) if isinstance(event, TextWithdrawn) else text + event.text
            tokens = event.tokens
    assert (take.text, take.tokens, take.finish) == (text, tokens, FinishReason.STOPPED)
    assert "".join(event.text for event in settled(iter(events)) if isinstance(event, TokenChunk)) == text
