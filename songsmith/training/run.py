"""What a training run is: a network to start from, songs, options, and where it is kept. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from songsmith.model.config import GPT2Config
from songsmith.model.manifest import Manifest
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import Planner, Split
from songsmith.training.options import TrainingOptions


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
