"""Train a network on songs: a generator of events. Knows no screens, and nothing of corpora but songs.

accelerate places the network and reduces over processes; checkpoints are songsmith's own (see `checkpoint.py`).
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
from songsmith.training.batch_loader import BatchLoader
from songsmith.training.checkpoint import TrainingState
from songsmith.training.dataset import IGNORED, TrainingSong, tokenize
from songsmith.training.evaluator import EvalResult, Evaluator
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingStarted,
)
from songsmith.training.network import TrainableNetwork
from songsmith.training.optimizers import make_optimizers
from songsmith.training.options import Precision
from songsmith.training.run import TrainingRun
from songsmith.training.samples import write_sample

# Letters in shapes: B = blocks, T = tokens in a block.

_KEPT_LOSSES = 2000  # points of the training loss in a checkpoint, at most


def train(
    run: TrainingRun, *, device: torch.device, resume: bool = False, stopping: Callable[[], bool] = lambda: False
) -> Iterator[TrainingEvent]:
    """Train to the end, from the start or the last checkpoint, and write the weights of the best evaluation as a model.

    Closing the generator stops training at once; the last checkpoint and the best weights stay on disk.

    Args:
        run: network, songs and options.
        device: to train on.
        resume: continue from the run's last checkpoint; otherwise its checkpoints are deleted.
        stopping: called after every step; once it returns true, a checkpoint and the model are written and training ends.

    Raises:
        TrainingError: too few songs, no checkpoint to resume from or one of another run, a loss that is not finite, too
            little memory, or the network failed.
        StorageError: a folder cannot be written.
    """
    return _Trainer(run, device).run(resume=resume, stopping=stopping)


class _Trainer:
    """The state of one run in progress."""

    def __init__(self, run: TrainingRun, device: torch.device) -> None:
        if device.type == "cuda":
            torch.cuda.set_device(device)  # accelerate uses the current device
        # Autocast is done here: ACCELERATE_MIXED_PRECISION in the environment must not add its own.
        self._accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")
        self._device: torch.device = self._accelerator.device
        self._run, self._options = run, run.options
        self._identity = {**run.identity, "device": self._device.type}
        self._evaluators: dict[int, Evaluator] = {}
        songs = tokenize(run.split.train, run.tokenizer, run.planner, format=run.manifest.format)
        step_blocks = (
            run.options.micro_batch_size
            * run.options.gradient_accumulation_steps
            * int(self._accelerator.num_processes)
        )
        self._batches = BatchLoader(songs, run.options, step_blocks=step_blocks)

    def run(self, *, resume: bool, stopping: Callable[[], bool]) -> Iterator[TrainingEvent]:
        if not self._accelerator.is_main_process:
            for _ in self._train(resume=resume, stopping=stopping):  # only the main process has events
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
            checkpoint.delete_run(folder)
        self._prepare(found)
        state = self._state
        yield TrainingStarted(
            parameters=sum(weight.numel() for weight in self._network.parameters()),
            train_songs=len(self._run.split.train),
            validation_songs=len(self._run.split.validation),
            epoch_tokens=self._batches.count_tokens(state.epoch),
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
                    with suppress(EngineError):  # a failed sample is no reason to stop training
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
            raise self._training_error(error) from error
        yield from self._finish(interrupted=self._progress() < 1)
        if self._progress() >= 1 and self._accelerator.is_main_process:
            checkpoint.delete_run(folder)  # the model is written, and a checkpoint is several times its size

    def _training_error(self, error: RuntimeError | MemoryError) -> TrainingError:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "memory" in reason:
            return TrainingError(
                f"There isn't enough memory to train this network on {self._device}.",
                "Use a smaller --micro-batch-size, with more --gradient-accumulation-steps to make up for it.",
            )
        way_out = "Train without --compile." if self._options.compile else "Try --device cpu --precision float32."
        return TrainingError(f"The network failed: {reason}.", way_out)

    def _prepare(self, found: tuple[TrainingState, dict[str, Tensor]] | None) -> None:
        """Build network and optimisers, new or from a checkpoint."""
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
        torch.manual_seed(options.seed)  # for dropout; initial weights and the order of songs have their own streams
        weights = {name.removeprefix("weight/"): value for name, value in tensors.items() if name.startswith("weight/")}
        network = TrainableNetwork(run.spec, weights or run.weights, dropout=options.dropout)
        self._network = network.to(self._device)
        self._names = {weight: name for name, weight in self._network.named_parameters()}
        self._optimizers = make_optimizers(self._network, options, self._precision)
        checkpoint.restore_optimizers(self._optimizers, self._names, tensors)
        # Wrapped for several processes: these run the forward pass and the updates, the plain ones hold the state.
        self._wrapped_network, *self._wrapped_optimizers = self._accelerator.prepare(
            self._network, *self._optimizers.values()
        )
        if options.compile:
            self._wrapped_network = torch.compile(self._wrapped_network, dynamic=False)
        if tensors:
            torch.set_rng_state(tensors["random/cpu"].to(torch.uint8))
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random/cuda"].to(torch.uint8), self._device)

    def _count_steps(self) -> int | None:
        """Return the number of steps in the run, None where it is limited by time.

        Epochs differ by a few blocks, since plans are dropped at random; the first one stands for all.

        Raises:
            TrainingError: the songs do not fill one block.
        """
        if not self._batches.fills_a_block(0):
            tokens = self._batches.count_tokens(0)
            raise TrainingError(
                f"The songs to train on have {tokens} tokens, fewer than one block of {self._options.block_size_tokens}.",
                f"Use more songs, or --block-size {max(8, tokens // 2)}.",
            )
        if self._options.epochs is not None:
            return max(1, round(self._options.epochs * self._batches.count_steps(0)))
        return self._options.steps

    def _progress(self) -> float:
        """Return the fraction of the run that is done."""
        if self._options.minutes is not None:
            return self._state.elapsed_s / (60 * self._options.minutes)
        return self._state.step / cast(int, self._total_steps)

    def _step(self, stopping: Callable[[], bool]) -> StepFinished:
        """Make one optimiser step on the next blocks.

        Raises:
            FloatingPointError: the loss or the gradient norm is not finite; the weights are unchanged.
        """
        options, state, began_s = self._options, self._state, time.perf_counter()
        blocks, epoch, next_block = self._batches.load(state.epoch, state.next_block)  # (B, T + 1)
        tokens = int((blocks[:, 1:] != IGNORED).sum())
        lr_scale = options.lr_scale(state.step, self._progress())
        nats = self._forward_backward(blocks, tokens)
        grad_norm = self._accelerator.clip_grad_norm_(self._network.parameters(), options.max_grad_norm or math.inf)
        # The clock of the main process, and a request to stop in any, apply to all: one reduction per step.
        own = [float(stopping()), time.perf_counter() - self._begun_s if self._accelerator.is_main_process else 0.0]
        total, stops, elapsed_s = self._accelerator.reduce(torch.stack([nats, *nats.new_tensor(own)])).tolist()
        if not (math.isfinite(total) and math.isfinite(float(grad_norm))):
            raise FloatingPointError("The loss is no longer a number")
        for optimizer, wrapped in zip(self._optimizers.values(), self._wrapped_optimizers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * lr_scale
            wrapped.step()
            wrapped.zero_grad()
        self._stopped = stops > 0
        self._state = replace(
            state,
            step=state.step + 1,
            epoch=epoch,
            next_block=next_block,
            tokens=state.tokens + tokens,
            elapsed_s=elapsed_s,
            losses=_thin((*state.losses, (state.step + 1, round(total / tokens, 5)))),
        )
        progress = self._progress()
        return StepFinished(
            step=self._state.step,
            progress=min(1.0, progress),
            epoch=epoch + 1,
            nats_per_token=total / tokens,
            lr_scale=lr_scale,
            tokens_per_s=tokens / (time.perf_counter() - began_s),
            tokens=self._state.tokens,
            elapsed_s=elapsed_s,
            remaining_s=elapsed_s * max(0.0, 1 / progress - 1),
        )

    def _forward_backward(self, blocks: NDArray[np.int64], step_tokens: int) -> Tensor:
        """Accumulate gradients over this process's blocks of a step, in micro-batches.

        Args:
            blocks: (B, T + 1) of all processes.
            step_tokens: predicted tokens in them.

        Returns:
            (), the summed loss of this process's blocks, in nats.
        """
        processes, size = int(self._accelerator.num_processes), self._options.micro_batch_size
        own = blocks[self._accelerator.process_index :: processes]
        self._wrapped_network.train()
        nats = torch.zeros((), device=self._device)
        for start in range(0, len(own), size):
            rows = own[start : start + size]
            targets = torch.from_numpy(rows[:, 1:].copy()).to(self._device)  # (B, T)
            inputs = torch.from_numpy(np.maximum(rows[:, :-1], 0)).to(self._device)  # (B, T)
            last = start + size >= len(own)
            with nullcontext() if last else self._accelerator.no_sync(self._wrapped_network), self._autocast():
                loss = self._wrapped_network(inputs, targets).sum()
            # Gradients are averaged over processes; every token of the step gets the same weight.
            self._accelerator.backward(loss * (processes / step_tokens))
            nats += loss.detach()
        return nats

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, self._precision, enabled=self._precision is not torch.float32, cache_enabled=True
        )

    def _evaluate(self) -> Evaluated:
        """Measure the validation loss, and save the weights if it is the lowest so far.

        Raises:
            FloatingPointError: it is not finite.
        """
        result, state = self._validate(self._run.split.validation[: self._options.validation_songs]), self._state
        if not math.isfinite(result.nats):
            raise FloatingPointError("The validation loss is no longer a number")
        row = (state.step, result.nats_per_token, result.bits_per_byte)
        self._state = replace(state, evaluations=(*state.evaluations, row))
        best = result.bits_per_byte < state.best_bits_per_byte
        if best:
            self._state = replace(self._state, best_step=state.step, best_bits_per_byte=result.bits_per_byte)
            if self._accelerator.is_main_process:
                checkpoint.save_best(self._run.folder, self._weights())
        return self._evaluated(result, step=state.step, best=best)

    def _validate(self, songs: tuple[TrainingSong, ...]) -> EvalResult:
        if len(songs) not in self._evaluators:
            run, options = self._run, self._options
            window = min(run.spec.context_window_tokens, options.block_size_tokens)
            self._evaluators[len(songs)] = Evaluator(
                songs, run.tokenizer, run.manifest.format, window=window, batch_rows=options.micro_batch_size
            )
        return self._evaluators[len(songs)].evaluate(self._network, self._device, self._precision)

    @staticmethod
    def _evaluated(result: EvalResult, *, step: int, best: bool) -> Evaluated:
        return Evaluated(
            step=step,
            nats_per_token=result.nats_per_token,
            bits_per_byte=result.bits_per_byte,
            songs=result.songs,
            best=best,
        )

    def _weights(self) -> dict[str, Tensor]:
        """Return its weights by the names of a checkpoint."""
        return {name: weight.detach() for name, weight in self._network.network.weights().items()}

    def _sample(self) -> str:
        return write_sample(
            self._run.spec,
            self._weights(),
            self._run.tokenizer,
            self._run.manifest.format,
            self._run.split.validation,
            turn=self._state.step // self._options.sample_every_steps,
        )

    def _save(self) -> CheckpointSaved:
        """Write a checkpoint: everything that is needed to resume."""
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
        """Evaluate the best weights on the whole validation set, and write them as a model directory."""
        best, step = checkpoint.load_best(self._run.folder), self._state.best_step
        if interrupted:
            # The current weights may be better than those of the last evaluation. The state does not record this one: a
            # resumed run continues as if it had not been stopped.
            current = self._validate(self._run.split.validation[: self._options.validation_songs])
            if current.bits_per_byte < self._state.best_bits_per_byte:
                best, step = {name: weight.clone() for name, weight in self._weights().items()}, self._state.step
        assert best is not None  # the evaluation before the first step saved the initial weights
        self._network.network.load(best)
        result = self._validate(self._run.split.validation)
        yield self._evaluated(result, step=step, best=False)
        metrics = {
            "validation_bits_per_byte": round(result.bits_per_byte, 4),
            "validation_nats_per_token": round(result.nats_per_token, 4),
            "steps": step,
            "trained_tokens": self._state.tokens,
            "training_minutes": round(self._state.elapsed_s / 60, 1),
        }
        if self._accelerator.is_main_process:
            options = {**self._run.manifest.options, "precision": self._state.precision}
            manifest = replace(self._run.manifest, metrics=metrics, options=options, created_at=now())
            save_model(self._run.model_folder, self._run.spec, best, self._run.tokenizer, manifest)
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
    """Return losses at even spacing: without the newest if it is off the grid, every second one once there are too many."""
    spacing = losses[1][0] - losses[0][0] if len(losses) > 2 else 1
    if (losses[-1][0] - losses[0][0]) % spacing:
        return losses[:-1]
    return losses if len(losses) <= _KEPT_LOSSES else losses[::2]
