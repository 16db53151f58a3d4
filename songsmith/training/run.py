"""Everything a training run needs: initial weights, songs, options and folders. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.manifest import Manifest
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import Planner, Split
from songsmith.training.options import TrainingOptions


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One training run, new or resumed."""

    name: str
    """Of the resulting model."""
    folder: Path
    """For checkpoints and the best weights."""
    model_folder: Path
    """Where the model directory will be written."""
    spec: NetworkSpec
    weights: Mapping[str, Tensor]
    """Initial weights, by the names of `spec.weight_shapes()`."""
    tokenizer: Tokenizer
    """One that has every mark."""
    split: Split
    planner: Planner
    options: TrainingOptions
    manifest: Manifest
    """Of the resulting model, without metrics. Its format is that of the training text."""
    identity: Mapping[str, Any]
    """Must equal the identity in a checkpoint for training to resume from it."""
