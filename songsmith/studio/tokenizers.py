"""List the tokenizers, and show how each splits a text. Trains none."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.errors import ModelError, NotFoundError, storing
from songsmith.model.registry import is_name
from songsmith.studio.studio import Studio

if TYPE_CHECKING:
    from songsmith.model.tokenizer import Tokenizer

GPT2_TOKENIZER = "gpt2"
"""Name of the tokenizer that comes with the package."""


@dataclass(frozen=True, kw_only=True)
class TokenizerEntry:
    """A tokenizer in the list."""

    name: str
    path: Path
    entries: int = 0
    """How many ids it has, including marks."""
    problem: str = ""
    """Why it cannot be used; empty if it can."""


@dataclass(frozen=True, kw_only=True)
class TextPiece:
    """A piece of a text that is one token."""

    token: int
    text: str
    """Bytes that are not a character by themselves are shown as `\\xe2`."""


def list_tokenizers(studio: Studio) -> list[TokenizerEntry]:
    """Return GPT-2's own and every tokenizer that was trained by itself; damaged ones say so in `problem`."""
    folders = {GPT2_TOKENIZER: studio.paths.gpt2_tokenizer}
    parent = studio.paths.tokenizers
    with storing(parent):
        found = sorted(parent.iterdir()) if parent.is_dir() else []
    own = (path for path in found if path.is_dir() and not path.name.startswith("."))
    folders = {path.name: path for path in own} | folders  # as in `find_tokenizer`, where no other is called gpt2
    return sorted((_inspect(*folder) for folder in folders.items()), key=lambda entry: entry.name != GPT2_TOKENIZER)


def find_tokenizer(studio: Studio, name: str) -> Path:
    """Return the folder of a tokenizer.

    Args:
        studio: whose tokenizers.
        name: of one, `gpt2`, a model that holds one, or a path to a folder that does.

    Raises:
        NotFoundError: there is none.
    """
    paths = studio.paths
    if name == GPT2_TOKENIZER:
        return paths.gpt2_tokenizer
    places = [Path(os.path.expanduser(name))]  # noqa: PTH111  (Path's own fails for a user that is not there)
    if is_name(name):  # a bare name is one of ours
        places = [paths.tokenizers / name, paths.models / name, *([paths.starter] if name == "starter" else [])]
    for folder in places:
        # os.path's own answers False where Path's raises: for names that no system takes.
        if any(os.path.isfile(folder / file) for file in ("tokenizer.json", "vocab.json")):  # noqa: PTH113
            return folder
    raise NotFoundError(f"There is no tokenizer '{name}'.", "See: songsmith tokenizer list")


def load_tokenizer(studio: Studio, name: str) -> "Tokenizer":
    """Load the tokenizer that `find_tokenizer` finds, with every mark.

    Raises:
        NotFoundError: there is none.
        ModelError: it cannot be read.
    """
    from songsmith.model.tokenizer import Tokenizer

    return Tokenizer.load(find_tokenizer(studio, name)).with_marks()


def split_text(tokenizer: "Tokenizer", text: str) -> list[TextPiece]:
    """Return the tokens of a text with the piece that each encodes; half characters become question marks."""
    whole = text.encode("utf-8", "replace").decode()
    return [
        TextPiece(token=token, text=tokenizer.token_bytes(token).decode("utf-8", "backslashreplace"))
        for token in tokenizer.encode(whole)
    ]


def _inspect(name: str, folder: Path) -> TokenizerEntry:
    from songsmith.model.tokenizer import Tokenizer

    try:
        return TokenizerEntry(name=name, path=folder, entries=Tokenizer.load(folder).vocabulary_size)
    except ModelError as error:
        return TokenizerEntry(name=name, path=folder, problem=error.message)
