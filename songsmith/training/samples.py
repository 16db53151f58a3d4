"""Sample verses during training, which show how the network improves."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import Song
from songsmith.markup import MarkupFormat, Prompt
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.loading import LoadedModel
from songsmith.model.manifest import Manifest
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import TrainingSong


def write_sample(
    spec: NetworkSpec,
    weights: Mapping[str, Tensor],
    tokenizer: Tokenizer,
    format: MarkupFormat,
    songs: Sequence[TrainingSong],
    *,
    turn: int,
    lines: int = 8,
) -> str:
    """Return a title from the validation set and a few lines that the network writes for it.

    Uses random streams of its own, so samples do not change training.

    Args:
        config: shape of the network.
        weights: as they are now.
        tokenizer: of the network.
        format: of the training text.
        songs: the validation set.
        turn: number of the sample; chooses the title, and is its seed.
        lines: most lines to write.

    Raises:
        EngineError: the network failed.
    """
    device = next(iter(weights.values())).device
    network = TorchBackend(spec, weights, device, torch.float32)
    model = LoadedModel(
        name="sample",
        manifest=Manifest(format=format),
        weights_sha256="",
        backend=network,
        tokenizer=tokenizer,
    )
    title = songs[turn % len(songs)].song.name
    options = GenerationOptions(seed=turn, max_lines=lines, max_new_tokens=40 * lines)
    for event in write_takes(Engine(model), Prompt(song=Song(title)), [options]):
        if isinstance(event, TakeFinished):
            return f"{title}\n\n{event.result.text}".rstrip()
    return ""
