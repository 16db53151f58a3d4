"""Train a network on songs: a generator of events. Knows no screens, and nothing of corpora but songs.

accelerate prepares, places and reduces; what is kept on disk is songsmith's own (see `checkpoint.py`).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from torch import Tensor

from songsmith.errors import EngineError, TrainingError, storing
from songsmith.model.device import choose_training_dtype
from songsmith.model.saving import save_model
from songsmith.takes import now
from songsmith.training import checkpoint
from songsmith.training.checkpoint import TrainingState
from songsmith.training.dataset import (
    IGNORED,
    TrainingSong,
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
from songsmith.training.feed import Feed
from songsmith.training.judging import Judge, Judgement
from songsmith.training.network import LearningGPT2
from songsmith.training.optimizers import make_optimizers
from songsmith.training.options import Precision
from songsmith.training.run import TrainingRun
from songsmith.training.samples import write_sample

# Letters in shapes: B = blocks in a pass, T = tokens in a block.

_KEPT_LOSSES = 2000


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
        if device.type == "cuda":
            torch.cuda.set_device(device)  # accelerate takes the current one
        # Precision is ours: an environment made for another program must not add its own.
        self._accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")
        self._device: torch.device = self._accelerator.device
        self._run, self._options = run, run.options
        self._identity = {**run.identity, "device": self._device.type}
        self._judges: dict[int, Judge] = {}
        songs = tokenize(run.split.train, run.tokenizer, run.planner, format=run.manifest.format)
        step_blocks = run.options.micro_batch_size * run.options.gradient_accumulation_steps * int(self._accelerator.num_processes)
        self._feed = Feed(songs, run.options, step_blocks=step_blocks)

    def run(self, *, resume: bool, stopping: Callable[[], bool]) -> Iterator[TrainingEvent]:
        if not self._accelerator.is_main_process:
            for _ in self._train(resume=resume, stopping=stopping):  # works along, and says nothing
                pass
            return
        folder = self._run.folder
        with storing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder.parent / f".{folder.name}.lock", timeout=0):
                yield from self._train(resume=resume, stopping=stopping)
        except Timeout as error:
            raise TrainingError(
                f"'{self._run.name}' is being trained by another songsmith.",
                "Wait for it to finish, or choose another --name.",
            ) from error

    def _train(self, *, resume: bool, stopping: Callable[[], bool]) -> Iterator[TrainingEvent]:
        options, folder = self._options, self._run.folder
        found = checkpoint.load_checkpoint(folder, self._identity) if resume else None
        if resume and found is None:
            raise TrainingError(f"'{self._run.name}' has no checkpoint to resume from.", "Train without --resume.")
        self._total_steps = self._count_steps()
        if not resume and self._accelerator.is_main_process:
            checkpoint.forget(folder)
        self._prepare(found)
        state = self._state
        yield TrainingStarted(
            parameters=sum(weight.numel() for weight in self._network.parameters()),
            train_songs=len(self._run.split.train),
            validation_songs=len(self._run.split.validation),
            epoch_tokens=self._feed.tokens(state.epoch),
            device=str(self._device),
            precision=state.precision,
            step=state.step,
            total_steps=self._total_steps,
        )
        try:
            if state.step == 0:
                yield self._evaluate()
            self._begun_s = time.perf_counter() - state.elapsed_s
            while not (self._stopped or self._progress() >= 1):
                yield self._step(stopping)
                step, over = self._state.step, self._progress() >= 1
                due = over or step % options.evaluate_every_steps == 0
                if due:
                    yield self._evaluate()
                if due or self._stopped:
                    yield self._save()
                if options.sample_every_steps and step % options.sample_every_steps == 0:
                    with suppress(EngineError):  # what cannot be heard is no reason to stop
                        yield SampleWritten(step=step, text=self._sample())
        except FloatingPointError as error:
            if self._state.best_step:
                yield from self._finish(interrupted=False)
            raise TrainingError(
                f"{error} at step {self._state.step + 1}; "
                f"{'the best model so far was kept' if self._state.best_step else 'there was no model to keep yet'}.",
                "Train under another --name with a lower --learning-rate, or with --precision float32.",
            ) from error
        except (RuntimeError, MemoryError) as error:
            raise self._explain(error) from error
        yield from self._finish(interrupted=self._progress() < 1)
        if self._progress() >= 1 and self._accelerator.is_main_process:
            checkpoint.forget(folder)  # the model is whole, and a checkpoint is several times its size

    def _explain(self, error: RuntimeError | MemoryError) -> TrainingError:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "memory" in reason:
            return TrainingError(
                f"There isn't enough memory to train this network on {self._device}.",
                "Use a smaller --micro-batch-size, with more --gradient-accumulation-steps to make up for it.",
            )
        way_out = "Train without --compile." if self._options.compile else "Try --device cpu --precision float32."
        return TrainingError(f"The network failed: {reason}.", way_out)

    def _prepare(self, found: tuple[TrainingState, dict[str, Tensor]] | None) -> None:
        """Build network and optimisers, as new or as a checkpoint left them."""
        run, options = self._run, self._options
        state, tensors = found or (TrainingState(identity=self._identity), {})
        if state.precision:
            self._precision = getattr(torch, state.precision)
        elif options.precision is Precision.AUTO:
            self._precision = choose_training_dtype(self._device)
        else:
            self._precision = getattr(torch, options.precision)
        self._state = replace(state, precision=str(self._precision).removeprefix("torch."))
        self._stopped = False
        torch.manual_seed(options.seed)  # of dropout; weights and songs have streams of their own
        weights = {name.removeprefix("weight/"): value for name, value in tensors.items() if name.startswith("weight/")}
        network = LearningGPT2(run.config, weights or run.weights, dropout=options.dropout)
        self._network = network.to(self._device)
        self._names = {weight: name for name, weight in self._network.named_parameters()}
        self._optimizers = make_optimizers(self._network, options, self._precision)
        checkpoint.restore_optimizers(self._optimizers, self._names, tensors)
        self._learner, *self._steppers = self._accelerator.prepare(self._network, *self._optimizers.values())
        if options.compile:
            self._learner = torch.compile(self._learner, dynamic=False)
        if tensors:
            torch.set_rng_state(tensors["random/cpu"].to(torch.uint8))
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random/cuda"].to(torch.uint8), self._device)

    def _count_steps(self) -> int | None:
        """Return the steps of the whole run, None where time decides. Epochs differ by a few blocks: the first one counts.

        Raises:
            TrainingError: there is too little text for one block.
        """
        if not self._feed.fills_a_block(0):
            tokens = self._feed.tokens(0)
            raise TrainingError(
                f"The songs to train on have {tokens} tokens, fewer than one block of {self._options.block_size_tokens}.",
                f"Use more songs, or --block-size {max(8, tokens // 2)}.",
            )
        if self._options.epochs is not None:
            return max(1, round(self._options.epochs * self._feed.steps(0)))
        return self._options.steps

    def _progress(self) -> float:
        """Return the share of the run that is over."""
        if self._options.minutes is not None:
            return self._state.elapsed_s / (60 * self._options.minutes)
        return self._state.step / cast(int, self._total_steps)

    def _step(self, stopping: Callable[[], bool]) -> StepFinished:
        """Read the next blocks, make one step.

        Raises:
            FloatingPointError: loss or gradients are no numbers; the weights are as they were.
        """
        options, state, began_s = self._options, self._state, time.perf_counter()
        blocks, epoch, next_block = self._feed.take(state.epoch, state.next_block)  # (B, T + 1)
        counted = int((blocks[:, 1:] != IGNORED).sum())
        share = options.learning_rate_share(state.step, self._progress())
        nats = self._learn(blocks, counted)
        norm = self._accelerator.clip_grad_norm_(self._network.parameters(), options.max_grad_norm or math.inf)
        # The main process's clock and anybody's wish to stop hold for all of them: one exchange a step.
        mine = [float(stopping()), time.perf_counter() - self._begun_s if self._accelerator.is_main_process else 0.0]
        total, stops, elapsed_s = self._accelerator.reduce(torch.stack([nats, *nats.new_tensor(mine)])).tolist()
        if not (math.isfinite(total) and math.isfinite(float(norm))):
            raise FloatingPointError("The loss is no longer a number")
        for optimizer, stepper in zip(self._optimizers.values(), self._steppers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * share
            stepper.step()
            stepper.zero_grad()
        self._stopped = stops > 0
        self._state = replace(
            state,
            step=state.step + 1,
            epoch=epoch,
            next_block=next_block,
            tokens=state.tokens + counted,
            elapsed_s=elapsed_s,
            losses=_thin((*state.losses, (state.step + 1, round(total / counted, 5)))),
        )
        progress = self._progress()
        return StepFinished(
            step=self._state.step,
            progress=min(1.0, progress),
            epoch=epoch + 1,
            nats_per_token=total / counted,
            learning_rate_share=share,
            tokens_per_s=counted / (time.perf_counter() - began_s),
            tokens=self._state.tokens,
            elapsed_s=elapsed_s,
            remaining_s=elapsed_s * max(0.0, 1 / progress - 1),
        )

    def _learn(self, blocks: NDArray[np.int64], counted: int) -> Tensor:
        """Add up the gradients of this process's share of a step's blocks; return the nats they cost."""
        count, size = int(self._accelerator.num_processes), self._options.micro_batch_size
        mine = blocks[self._accelerator.process_index :: count]
        self._learner.train()
        nats = torch.zeros((), device=self._device)
        for start in range(0, len(mine), size):
            rows = mine[start : start + size]
            targets = torch.from_numpy(rows[:, 1:].copy()).to(self._device)  # (B, T)
            tokens = torch.from_numpy(np.maximum(rows[:, :-1], 0)).to(self._device)
            last = start + size >= len(mine)
            with nullcontext() if last else self._accelerator.no_sync(self._learner), self._autocast():
                loss = self._learner(tokens, targets).sum()
            # Processes average their gradients; each token of the step is to weigh the same.
            self._accelerator.backward(loss * (count / counted))
            nats += loss.detach()
        return nats

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, self._precision, enabled=self._precision is not torch.float32, cache_enabled=True
        )

    def _evaluate(self) -> Evaluated:
        """Read songs that were kept back, and keep the weights if none read them better.

        Raises:
            FloatingPointError: what they cost is no number.
        """
        found, state = self._judge(self._run.split.validation[: self._options.validation_songs]), self._state
        if not math.isfinite(found.nats):
            raise FloatingPointError("The validation loss is no longer a number")
        row = (state.step, found.nats_per_token, found.bits_per_byte)
        self._state = replace(state, evaluations=(*state.evaluations, row))
        best = found.bits_per_byte < state.best_bits_per_byte
        if best:
            self._state = replace(self._state, best_step=state.step, best_bits_per_byte=found.bits_per_byte)
            if self._accelerator.is_main_process:
                checkpoint.save_best(self._run.folder, self._weights())
        return self._evaluated(found, step=state.step, best=best)

    def _judge(self, songs: tuple[TrainingSong, ...]) -> Judgement:
        if len(songs) not in self._judges:
            run, options = self._run, self._options
            window = min(run.config.context_window_tokens, options.block_size_tokens)
            self._judges[len(songs)] = Judge(
                songs, run.tokenizer, run.manifest.format, window=window, batch_rows=options.micro_batch_size
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
            turn=self._state.step // self._options.sample_every_steps,
        )

    def _save(self) -> CheckpointSaved:
        """Write all that training goes on from."""
        self._state = replace(self._state, elapsed_s=time.perf_counter() - self._begun_s)
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
        assert best is not None  # the evaluation before the first step keeps the weights it began with
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
            options = {**self._run.manifest.options, "precision": self._state.precision}
            manifest = replace(self._run.manifest, metrics=metrics, options=options, created_at=now())
            save_model(self._run.model_folder, self._run.config, best, self._run.tokenizer, manifest)
        self._accelerator.wait_for_everyone()
        yield TrainingFinished(
            step=self._state.step,
            model=self._run.model_folder,
            metrics=metrics,
            interrupted=interrupted,
            losses=self._state.losses,
            evaluations=self._state.evaluations,
        )


def _thin(losses: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """Return losses without the newest, if it does not lie on their even spacing; too many are spaced twice as far apart."""
    spacing = losses[1][0] - losses[0][0] if len(losses) > 2 else 1
    if (losses[-1][0] - losses[0][0]) % spacing:
        return losses[:-1]
    return losses if len(losses) <= _KEPT_LOSSES else losses[::2]
