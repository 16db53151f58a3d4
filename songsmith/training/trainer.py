"""Train a network on songs: a generator of events. Knows no screens, and nothing of corpora but songs.

accelerate prepares, places and reduces; what is kept on disk is songsmith's own (see `checkpoint.py`).
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from songsmith.errors import TrainingError
from songsmith.model.device import choose_training_dtype
from songsmith.model.gpt2 import GPT2Config
from songsmith.model.manifest import Manifest
from songsmith.model.saving import save_model
from songsmith.model.tokenizer import Tokenizer
from songsmith.takes import now
from songsmith.training import checkpoint
from songsmith.training.checkpoint import TrainingState
from songsmith.training.dataset import (
    IGNORED,
    Planner,
    Split,
    TrainingSong,
    pack_epoch,
    tokenize,
)
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingStarted,
)
from songsmith.training.judging import Judge, Judgement
from songsmith.training.network import LearningGPT2
from songsmith.training.optimizers import make_optimizers
from songsmith.training.options import Precision, TrainingOptions
from songsmith.training.samples import write_sample

# Letters in shapes: B = blocks in a pass, T = tokens in a block.

_KEPT_LOSSES = 2000


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What is trained, on what, and where it is kept."""

    name: str
    """Of the model that comes out."""
    folder: Path
    """For checkpoints and the best weights."""
    model_folder: Path
    """Where the model directory will be."""
    config: GPT2Config
    weights: Mapping[str, Tensor]
    """To start from."""
    tokenizer: Tokenizer
    """One that has every mark."""
    split: Split
    planner: Planner
    options: TrainingOptions
    manifest: Manifest
    """What its manifest will say; metrics are added."""
    identity: Mapping[str, Any]
    """What a checkpoint must share for training to go on from it."""


def train(
    run: TrainingRun, *, device: torch.device, resume: bool = False, stopping: Callable[[], bool] = lambda: False
) -> Iterator[TrainingEvent]:
    """Train from the start or the last checkpoint to the end, and write the model directory of the best evaluation.

    Closing the generator ends training where it stands; the last checkpoint and the best weights stay.

    Args:
        run: what to train on what.
        device: where the network is placed.
        resume: go on from the run's last checkpoint; without, what the run kept is removed.
        stopping: asked after every step; once it says yes, a checkpoint and the model are written and training ends.

    Raises:
        TrainingError: too few songs, a checkpoint of another run or none to resume, a loss that is no number.
        StorageError: a folder cannot be written.
    """
    return _Trainer(run, device).run(resume=resume, stopping=stopping)


class _Trainer:
    """One run while it goes on."""

    def __init__(self, run: TrainingRun, device: torch.device) -> None:
        self._run, self._options = run, run.options
        self._judges: dict[int, Judge] = {}
        self._songs = tokenize(run.split.train, run.tokenizer, run.planner, unit=run.options.unit)
        self._blocks: NDArray[np.int32] = np.empty((0, 0), dtype=np.int32)
        self._accelerator = Accelerator(cpu=device.type == "cpu")
        self._device = self._accelerator.device

    def run(self, *, resume: bool, stopping: Callable[[], bool]) -> Iterator[TrainingEvent]:
        options, folder = self._options, self._run.folder
        found = checkpoint.load_checkpoint(folder, self._run.identity) if resume else None
        if resume and found is None:
            raise TrainingError(f"There is no checkpoint of {self._run.name} to resume.", "Train without --resume.")
        if not resume:
            checkpoint.forget(folder)
        self._prepare(found)
        state = self._state
        self._pack(state.epoch)
        if state.next_block == 0 and len(self._blocks) == 1 and (self._blocks[0, 1:] == IGNORED).any():
            tokens = int((self._blocks != IGNORED).sum())
            raise TrainingError(
                f"The songs to train on have {tokens} tokens, less than one block of {options.block_tokens}.",
                f"Give more songs, or --block-tokens {max(8, tokens // 2)}.",
            )
        yield TrainingStarted(
            parameters=sum(weight.numel() for weight in self._network.parameters()),
            train_songs=len(self._run.split.train),
            validation_songs=len(self._run.split.validation),
            epoch_tokens=int((self._blocks[:, 1:] != IGNORED).sum()),
            device=str(self._device),
            precision=str(self._precision).removeprefix("torch."),
            step=state.step,
            total_steps=self._total_steps,
        )
        yield from self._evaluate() if state.step == 0 else ()
        begun_s = time.perf_counter() - state.elapsed_s
        stopped = False
        while not (stopped or self._progress() >= 1):
            try:
                made = self._step(begun_s)
            except TrainingError:
                if self._state.best_step:
                    yield from self._finish(interrupted=True)
                raise
            yield made
            state = self._state
            stopped = stopping()
            over = self._progress() >= 1
            if over or state.step % options.evaluate_every_steps == 0:
                yield from self._evaluate()
            if over or stopped or state.step % options.evaluate_every_steps == 0:
                yield self._save(begun_s)
            if options.sample_every_steps and state.step % options.sample_every_steps == 0:
                yield SampleWritten(step=state.step, text=self._sample())
        yield from self._finish(interrupted=self._progress() < 1)

    def _prepare(self, found: tuple[TrainingState, dict[str, Tensor]] | None) -> None:
        """Build network and optimisers, as new or as a checkpoint left them."""
        run, options = self._run, self._options
        state, tensors = found or (TrainingState(identity=run.identity), {})
        if state.precision:
            self._precision = getattr(torch, state.precision)
        elif options.precision is Precision.AUTO:
            self._precision = choose_training_dtype(self._device)
        else:
            self._precision = getattr(torch, options.precision)
        self._state = replace(state, precision=str(self._precision).removeprefix("torch."))
        torch.manual_seed(options.seed)  # of dropout; weights and songs have streams of their own
        weights = {name.removeprefix("weight/"): value for name, value in tensors.items() if name.startswith("weight/")}
        network = LearningGPT2(run.config, weights or run.weights, dropout=options.dropout)
        optimizers = make_optimizers(network, options, self._precision)
        self._network = network.to(self._device)
        self._names = {weight: name for name, weight in self._network.named_parameters()}
        checkpoint.restore_optimizers(optimizers, self._names, tensors)
        self._optimizers = optimizers
        # Compiled last: accelerate's own order, so that its wrappers are traced once.
        self._learner, *self._steppers = self._accelerator.prepare(self._network, *optimizers.values())
        if options.compile:
            self._learner = torch.compile(self._learner, dynamic=False)
        if tensors:
            torch.set_rng_state(tensors["random/cpu"].to(torch.uint8))
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random/cuda"].to(torch.uint8), self._device)

    def _pack(self, epoch: int) -> None:
        self._blocks = pack_epoch(self._songs, self._options, epoch)

    @property
    def _step_blocks(self) -> int:
        """Blocks that one step reads, over all processes."""
        return self._options.batch_blocks * self._options.accumulation * int(self._accelerator.num_processes)

    @property
    def _epoch_steps(self) -> int:
        return math.ceil(len(self._blocks) / self._step_blocks)

    @property
    def _total_steps(self) -> int | None:
        """Steps of the whole run; None where time decides. Epochs differ by a few blocks: the first one counts."""
        if self._options.steps is not None:
            return self._options.steps
        if self._options.epochs is not None:
            return max(1, round(self._options.epochs * math.ceil(self._first_epoch_blocks / self._step_blocks)))
        return None

    @cached_property
    def _first_epoch_blocks(self) -> int:
        return len(pack_epoch(self._songs, self._options, 0))

    def _progress(self) -> float:
        """Return the share of the run that is over."""
        if self._options.minutes is not None:
            return self._state.elapsed_s / (60 * self._options.minutes)
        return self._state.step / cast(int, self._total_steps)

    def _step(self, begun_s: float) -> StepFinished:
        """Read the next blocks, make one step."""
        options, state, began_s = self._options, self._state, time.perf_counter()
        if state.next_block >= len(self._blocks):
            state = replace(state, epoch=state.epoch + 1, next_block=0)
            self._pack(state.epoch)
        blocks = self._blocks[state.next_block : state.next_block + self._step_blocks]
        whole = np.full((self._step_blocks, options.block_tokens + 1), IGNORED, dtype=np.int64)
        whole[: len(blocks)] = blocks
        counted = int((whole[:, 1:] != IGNORED).sum())
        share = options.learning_rate_share(state.step, self._progress())
        self._learner.train()
        nats = torch.zeros((), device=self._device)
        mine = whole[self._accelerator.process_index :: self._accelerator.num_processes]
        passes = [mine[start : start + options.batch_blocks] for start in range(0, len(mine), options.batch_blocks)]
        for number, rows in enumerate(passes):
            targets = torch.from_numpy(rows[:, 1:].copy()).to(self._device)  # (B, T)
            tokens = torch.from_numpy(np.maximum(rows[:, :-1], 0)).to(self._device)
            last = number == len(passes) - 1
            with nullcontext() if last else self._accelerator.no_sync(self._learner), self._autocast():
                loss = self._learner(tokens, targets).sum()
            # Processes average their gradients; each token of the step is to weigh the same.
            self._accelerator.backward(loss * (self._accelerator.num_processes / counted))
            nats += loss.detach()
        if options.clip_norm:
            self._accelerator.clip_grad_norm_(self._network.parameters(), options.clip_norm)
        for optimizer, stepper in zip(self._optimizers.values(), self._steppers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * share
            stepper.step()
            stepper.zero_grad()
        mean = float(self._accelerator.reduce(nats)) / counted
        if not math.isfinite(mean):
            raise TrainingError(
                f"The loss is no longer a number at step {state.step + 1}; the best model and the last good checkpoint "
                "were kept.",
                "Train again with a lower --learning-rate, or --precision float32.",
            )
        now_s = time.perf_counter()
        losses = (*state.losses, (state.step + 1, round(mean, 5)))
        self._state = replace(
            state,
            step=state.step + 1,
            next_block=state.next_block + self._step_blocks,
            tokens=state.tokens + counted,
            elapsed_s=now_s - begun_s,
            losses=losses if len(losses) <= _KEPT_LOSSES else losses[1::2],
        )
        progress = self._progress()
        return StepFinished(
            step=self._state.step,
            progress=min(1.0, progress),
            epoch=state.epoch + 1,
            nats_per_token=mean,
            learning_rate_share=share,
            tokens_per_s=counted / (now_s - began_s),
            tokens=self._state.tokens,
            elapsed_s=self._state.elapsed_s,
            remaining_s=self._state.elapsed_s * max(0.0, 1 / progress - 1),
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, self._precision, enabled=self._precision is not torch.float32, cache_enabled=True
        )

    def _evaluate(self) -> Iterator[Evaluated]:
        """Read songs that were kept back, and keep the weights if none read them better."""
        found, state = self._judge(self._run.split.validation[: self._options.validation_songs]), self._state
        if not state.evaluations or state.evaluations[-1][0] != state.step:
            row = (state.step, found.nats_per_token, found.bits_per_byte)
            self._state = replace(state, evaluations=(*state.evaluations, row))
        best = found.bits_per_byte < state.best_bits_per_byte
        if best:
            self._state = replace(self._state, best_step=state.step, best_bits_per_byte=found.bits_per_byte)
            if self._accelerator.is_main_process:
                checkpoint.save_best(self._run.folder, self._weights())
        yield self._evaluated(found, step=state.step, best=best)

    def _judge(self, songs: tuple[TrainingSong, ...]) -> Judgement:
        if len(songs) not in self._judges:
            run, options = self._run, self._options
            window = min(run.config.context_window_tokens, options.block_tokens)
            self._judges[len(songs)] = Judge(
                songs, run.tokenizer, run.manifest.format, window=window, batch_rows=options.batch_blocks
            )
        return self._judges[len(songs)].judge(self._network, self._device, self._precision)

    @staticmethod
    def _evaluated(found: Judgement, *, step: int, best: bool) -> Evaluated:
        return Evaluated(
            step=step,
            nats_per_token=found.nats_per_token,
            bits_per_byte=found.bits_per_byte,
            songs=found.songs,
            best=best,
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight.detach() for weight, name in self._names.items()}

    def _sample(self) -> str:
        return write_sample(
            self._run.config,
            self._weights(),
            self._run.tokenizer,
            self._run.manifest.format,
            self._run.split.validation,
            step=self._state.step,
        )

    def _save(self, begun_s: float) -> CheckpointSaved:
        """Write all that training goes on from."""
        self._state = replace(self._state, elapsed_s=time.perf_counter() - begun_s)
        tensors = {f"weight/{name}": weight for name, weight in self._weights().items()}
        tensors |= checkpoint.optimizer_tensors(self._optimizers, self._names)
        tensors["random/cpu"] = torch.get_rng_state()
        if self._device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self._device)
        path = self._run.folder
        if self._accelerator.is_main_process:
            path = checkpoint.save_checkpoint(self._run.folder, self._state, tensors)
        self._accelerator.wait_for_everyone()
        return CheckpointSaved(step=self._state.step, path=path)

    def _finish(self, *, interrupted: bool) -> Iterator[TrainingEvent]:
        """Judge the best weights by every song that was kept back, and write them as a model directory."""
        best, step = checkpoint.load_best(self._run.folder), self._state.best_step
        if interrupted:
            # Where it was stopped it may be better than at the last evaluation. The run itself does not hear of it: resumed,
            # it goes on as if it had not been stopped.
            now_here = self._judge(self._run.split.validation[: self._options.validation_songs])
            if now_here.bits_per_byte < self._state.best_bits_per_byte:
                best, step = {name: weight.clone() for name, weight in self._weights().items()}, self._state.step
        if best is None:
            raise TrainingError("No evaluation of this run gave a number.", "Train again with a lower --learning-rate.")
        with torch.no_grad():
            for weight, name in self._names.items():
                weight.copy_(best[name])
        found = self._judge(self._run.split.validation)
        yield self._evaluated(found, step=step, best=False)
        metrics = {
            "validation_bits_per_byte": round(found.bits_per_byte, 4),
            "validation_nats_per_token": round(found.nats_per_token, 4),
            "steps": step,
            "trained_tokens": self._state.tokens,
            "training_minutes": round(self._state.elapsed_s / 60, 1),
        }
        if self._accelerator.is_main_process:
            manifest = replace(self._run.manifest, metrics=metrics, created_at=now())
            save_model(self._run.model_folder, self._run.config, best, self._run.tokenizer, manifest)
        yield TrainingFinished(
            step=self._state.step,
            model=self._run.model_folder,
            metrics=metrics,
            interrupted=interrupted,
            losses=self._state.losses,
            evaluations=self._state.evaluations,
        )
