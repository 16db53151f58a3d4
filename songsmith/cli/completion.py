"""Shell completion of names: models, corpora, tokenizers and songs. Never fails, prints nothing."""

import os
from collections.abc import Callable, Iterable, Iterator
from textwrap import shorten
from typing import TYPE_CHECKING

from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.studio.studio import Studio

Completion = tuple[str, str]
"""A value, and what a shell that shows descriptions may say of it."""

_DESCRIPTION_CHARACTERS = 50
_HARMLESS = frozenset(" -_.,+/’…")
"""Beside letters and digits, what no shell reads as more than itself: zsh evaluates completions, bash expands them."""


_ZSH_CALL = """
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  %(complete_func)s "$@"
fi
"""


def complete_at_the_first_tab() -> None:
    """Mend Typer's script for zsh, which loads it when Tab is first pressed: it defined the function and did not call it."""
    from typer import _completion_shared as shared

    script = shared._completion_scripts["zsh"]
    if _ZSH_CALL not in script:
        shared._completion_scripts["zsh"] = script + _ZSH_CALL


def devices(incomplete: str) -> list[Completion]:
    """Return where models run."""
    told = (("auto", "a GPU if there is one"), ("cpu", ""), ("cuda", "an NVIDIA GPU"), ("mps", "an Apple GPU"))
    return _starting(incomplete, told)


def models(incomplete: str) -> list[Completion]:
    """Return the installed models whose names begin like this."""
    return _found(
        incomplete, lambda studio: ((model.name, model.manifest.description) for model in studio.models.entries())
    )


def corpora(incomplete: str) -> list[Completion]:
    """Return the corpora whose names begin like this."""
    return _found(incomplete, lambda studio: ((name, "") for name in studio.corpora.names()))


def tokenizers(incomplete: str) -> list[Completion]:
    """Return the tokenizers, and models with theirs, whose names begin like this."""

    def named(studio: "Studio") -> Iterator[Completion]:
        from songsmith.studio.tokenizers import list_tokenizers

        yield from ((entry.name, "") for entry in list_tokenizers(studio))

    return _found(incomplete, named)


def songs(incomplete: str) -> list[Completion]:
    """Return the numbers of songs: those that begin like this, or of songs whose title does."""

    def numbered(studio: "Studio") -> Iterator[Completion]:
        from songsmith.library.records import SongRecord

        with studio.library as library:
            for song in library.entries():  # one at a time: there may be a million
                if isinstance(song, SongRecord) and (
                    str(song.number).startswith(incomplete) or song.name.casefold().startswith(incomplete.casefold())
                ):
                    yield str(song.number), song.name

    return _found("", numbered)


def _found(incomplete: str, look: "Callable[[Studio], Iterable[Completion]]") -> list[Completion]:
    from songsmith.errors import SongsmithError
    from songsmith.studio.studio import Studio

    try:
        return _starting(incomplete, look(Studio.open()))
    except (SongsmithError, OSError):
        return []  # somebody is typing: what is wrong is told by the command itself


def _starting(incomplete: str, completions: Iterable[Completion]) -> list[Completion]:
    """Return those that begin like this, in a form that no shell takes for a command."""
    # bash puts a completion on the line as it is; zsh and fish quote it themselves.
    space = "\\ " if os.environ.get("_SONGSMITH_COMPLETE") == "complete_bash" else " "
    return [
        (value.replace(" ", space), _description(about))
        for value, about in completions
        if value.startswith(incomplete) and all(map(_is_harmless, value))
    ]


def _description(about: str) -> str:
    line = one_line(about).replace("'", "’")
    # Longer ones are broken into lines on the way.
    return "".join(c if _is_harmless(c) else " " for c in shorten(line, _DESCRIPTION_CHARACTERS, placeholder=" …"))


def _is_harmless(character: str) -> bool:
    return character.isalnum() or character in _HARMLESS
