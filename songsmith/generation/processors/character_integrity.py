"""Keep characters whole: a token that cannot continue a character which has begun is drawn again."""

from typing import Self

from songsmith.generation.processors.bias import LogitsBias
from songsmith.lyric_reader import LyricReader
from songsmith.model.characters import BETWEEN, Characters


class CharacterIntegrity:
    """Follows the bytes of the lyric, character by character.

    Tokens that fit are drawn as if this processor did not exist: masked in advance, the others would shift every draw a little.
    """

    def __init__(self, characters: Characters, state: int = BETWEEN) -> None:
        """Start at a state of `Characters`, between two characters unless it is given."""
        self._characters, self._state = characters, state

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Have tokens that would break the character drawn again."""
        bias.redrawn = self._characters.unfit[self._state]

    def accept(self, token: int) -> None:
        """Follow the bytes of a token."""
        self._state = self._characters.follow(self._state, token)

    def fork(self) -> Self:
        """Return a processor with the same state."""
        return type(self)(self._characters, self._state)
