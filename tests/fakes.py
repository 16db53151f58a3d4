"""Stand-ins for what is not here: models nobody trained, an engine that follows a script, the person at the terminal."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue

from songsmith.generation.options import GenerationOptions
from songsmith.generation.serving.protocol import (
    ChunkWritten,
    Event,
    Failed,
    ModelReady,
    ProcessEnded,
    Stop,
    TakeWritten,
    TextWithdrawn,
    Write,
    WriteEnded,
)
from songsmith.markup import Prompt
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.paths import find_paths
from songsmith.studio.studio import Studio
from songsmith.takes import FinishReason, Take

STARTER_OUTPUTS: int = json.loads((find_paths().starter / "config.json").read_text(encoding="utf-8"))["vocab_size"]
"""Outputs of the starter's network, and of the models made here, which share its tokenizer."""


def write_random_model(
    folder: Path, *, seed: int = 0, window: int = 64, manifest: dict[str, object] | None = None, unused_bytes: int = 0,
    inner: int | None = None,
) -> Path:  # fmt: skip
    """Save a small GPT-2 with random weights and the starter's tokenizer; without a manifest it is a plain model."""
    import torch  # here, so that tests without a model begin at once
    from safetensors.torch import save_file

    from songsmith.model.networks.random_weights import random_weights

    folder.mkdir(parents=True)
    shape = gpt2_spec(
        vocabulary_size=STARTER_OUTPUTS, context_window_tokens=window, width=16, layers=2, heads=2, inner_width=inner
    )
    weights = {f"transformer.{name}": weight for name, weight in random_weights(shape, seed).items()}
    if unused_bytes:
        weights["unused"] = torch.zeros(unused_bytes, dtype=torch.uint8)
    save_file(weights, folder / "model.safetensors")
    config = {
        "model_type": "gpt2",
        "vocab_size": STARTER_OUTPUTS,
        "n_positions": window,
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_inner": inner,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(find_paths().starter / "tokenizer.json", folder)
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


_WORDS = ("river", "road", "rain", "stone", "light", "door", "field", "bell", "crow", "fire", "snow", "harbour")
_PACE_S = 0.008
_LINES_OF_A_SECTION, _WORDS_OF_A_LINE = 4, 5


class _ScriptedTake:
    """A take that a script writes, word by word; its words depend on its seed, its length on its options."""

    def __init__(self, write: Write) -> None:
        self.write, self.options = write, write.options[0]
        self.text, self.tokens, self.finish = "", 0, FinishReason.MAX_LINES
        lines = self.options.max_lines or sys.maxsize
        section = max(self.options.min_lines, _LINES_OF_A_SECTION)
        if self.options.stop_at_section and section < lines:
            lines, self.finish = section, FinishReason.END_OF_SECTION
        self._words = self._script(lines)

    def _script(self, lines: int) -> Iterator[str]:
        if self.write.prompt.open_line:
            yield " onward\n"
        for line in range(lines):
            if line and line % _LINES_OF_A_SECTION == 0 and not self.options.stop_at_section:
                yield "\n"
            for place in range(_WORDS_OF_A_LINE):
                word = _WORDS[(self.options.seed * 5 + line * 7 + place * (1 + line % 4)) % len(_WORDS)]
                yield f" {word}" if place else word.capitalize()
            yield "\n"

    def next_word(self) -> str | None:
        """Return the next word, or None where the take has ended."""
        word = next(self._words, None)
        self.text += word or ""
        self.tokens += word is not None
        return word

    def withdraw_word(self) -> str:
        """Remove the last word that is not removed yet, and return it."""
        word = self.text[max(self.text.rstrip("\n").rfind(" "), self.text.rstrip("\n").rfind("\n") + 1, 0) :]
        self.text = self.text.removesuffix(word)
        return word

    def result(self, finish: FinishReason) -> Take:
        prompt = self.write.prompt
        return Take(
            text=self.text, prompt_text=prompt.text, title=prompt.song.title or "A Scripted Song", model="script",
            model_sha256="", device="cpu", options=self.options.as_json(), seed=self.options.seed, finish=finish,
            tokens=self.tokens, elapsed_s=self.tokens * _PACE_S, version="", parent_id=self.write.parent_id,
        )  # fmt: skip


class ScriptedEngine:
    """An engine that speaks the protocol, with a script in the place of a model, and in no process of its own."""

    pid = 0

    def __init__(self, model: str = "starter", *, loads: bool = True) -> None:
        """Start; unless it loads, it is only ready once `load()` is called."""
        self._model, self._numbers = model, count(1)
        self._inbox: SimpleQueue[Write | Stop | Event] = SimpleQueue()
        self.asked: list[Write] = []
        if loads:
            self.load()

    def load(self) -> None:
        """Be ready to write."""
        self._inbox.put(ModelReady(model=self._model, device="cpu", format="markup", context_window_tokens=512))

    def write(self, prompt: Prompt, options: Sequence[GenerationOptions], *, parent_id: str | None = None) -> int:
        self.asked.append(Write(request=next(self._numbers), prompt=prompt, options=options, parent_id=parent_id))
        self._inbox.put(self.asked[-1])
        return self.asked[-1].request

    def stop(self, request: int) -> None:
        self._inbox.put(Stop(request=request))

    def fail(self, message: str) -> None:
        """Fail at what was asked for last."""
        self._inbox.put(Failed(request=self.asked[-1].request, message=message, next_step=""))

    def fail_to_load(self, message: str) -> None:
        """Say that there is no model to write with."""
        self._inbox.put(Failed(request=None, message=message, next_step=""))

    def withdraw_word(self) -> None:
        """Take the last word of what was asked for last back."""
        self._inbox.put(TextWithdrawn(request=self.asked[-1].request, take=0, text=""))

    def crash(self) -> None:
        """End, though nobody asked for it."""
        self._inbox.put(ProcessEnded(exit_code=1, expected=False))

    def close(self) -> None:
        self._inbox.put(ProcessEnded(exit_code=0, expected=True))

    def events(self) -> Iterator[Event]:
        takes: dict[int, _ScriptedTake] = {}

        def end(number: int, finish: FinishReason) -> Iterator[Event]:
            take = takes.pop(number)
            if take.tokens:
                yield TakeWritten(request=number, take=0, result=take.result(finish))
            yield WriteEnded(request=number)

        while True:
            try:
                match message := self._inbox.get(timeout=_PACE_S if takes else None):
                    case Write():
                        takes[message.request] = _ScriptedTake(message)
                    case Stop(request=number):
                        if number in takes:
                            yield from end(number, FinishReason.STOPPED)
                    case TextWithdrawn(request=number):
                        if number in takes:
                            yield replace(message, text=takes[number].withdraw_word())
                    case Failed(request=int(number)) if number in takes:
                        del takes[number]
                        yield message
                        yield WriteEnded(request=number)
                    case _:
                        yield message
                        if isinstance(message, ProcessEnded):
                            return
            except Empty:
                for number, take in list(takes.items()):
                    word = take.next_word()
                    if word is None:
                        yield from end(number, take.finish)
                    else:
                        elapsed_s = take.tokens * _PACE_S
                        yield ChunkWritten(request=number, take=0, text=word, tokens=take.tokens, elapsed_s=elapsed_s)


@dataclass(frozen=True)
class ScriptedStudio(Studio):
    """A studio whose workshop is served by scripted engines."""

    @cached_property
    def engines(self) -> list[ScriptedEngine]:
        """The engines that were started, the last one last."""
        return []

    def start_engine(self) -> ScriptedEngine:
        self.engines.append(ScriptedEngine(Path(self.settings.model).name))
        return self.engines[-1]


class Songsmith:
    """The command line, run as its users run it: in a process of its own."""

    command = (sys.executable, "-m", "songsmith")

    def __call__(self, *arguments: str | bytes, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end; without `stdin`, standard input is /dev/null."""
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run([*self.command, *arguments], capture_output=True, timeout=120, check=False, **source)

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a command that the test will talk to."""
        return subprocess.Popen(
            [*self.command, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
