"""How a take is to be written. Values only."""

from dataclasses import asdict, dataclass
from typing import Any

from songsmith.errors import UsageError

MOST_LINES, MOST_NEW_TOKENS = 100_000, 1_000_000
"""Most that can be asked for."""


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """Options of one take. Out of range raises UsageError, naming the option and its range."""

    seed: int = 0
    """Start of the take's own random stream, 0 to 2**63 - 1."""
    temperature: float = 0.75
    """Divides the logits: 0 always takes the likeliest token (greedy), 1 keeps the model's odds, at most 10."""
    top_k: int = 0
    """Sample from the k likeliest tokens; 0 or less, from all."""
    top_p: float = 0.9
    """Sample from the fewest tokens whose odds sum to this (Holtzman et al. 2020), above 0 to 1; 1 is off."""
    min_p: float = 0.0
    """Sample from tokens at least this share as likely as the likeliest (Nguyen et al. 2024), 0 to 1; 0 is off."""
    repetition_penalty: float = 1.1
    """Divides (or multiplies, below zero) the logit of each token the lyric has had (Keskar et al. 2019); 0.1 to 10.
    Marks and line ends are exempt: a song repeats its form."""
    no_repeat_ngram: int = 0
    """Never write a run of this many tokens twice; runs end at a line's end. 0 is off."""
    max_new_tokens: int = 1000
    """Stop after this many tokens, at least 1."""
    max_lines: int = 32
    """Stop after this many lines, written or finished; 0 is no limit."""
    min_lines: int = 4
    """Neither the song nor the section ends before this many lines, written or finished."""
    stop_at_section: bool = False
    """Stop where the section ends, not only where the song does."""
    stay_in_section: bool = False
    """Write into the section the prompt ends in before a new one is begun; otherwise one may be begun right away."""

    def __post_init__(self) -> None:
        self._check("seed", 0, 2**63 - 1)
        self._check("temperature", 0, 10)
        self._check("top_p", 0, 1, above=True)
        self._check("min_p", 0, 1)
        self._check("repetition_penalty", 0.1, 10)
        self._check("no_repeat_ngram", 0, 1000)
        self._check("max_new_tokens", 1, MOST_NEW_TOKENS)
        self._check("max_lines", 0, MOST_LINES)
        self._check("min_lines", 0, MOST_LINES)

    def _check(self, name: str, low: float, high: float, *, above: bool = False) -> None:
        value = getattr(self, name)
        if not low <= value <= high or (above and value == low):  # so put, NaN is out of range too
            span = f"{'above ' if above else ''}{low} {'up ' if above else ''}to {high}"
            raise UsageError(f"--{name.replace('_', '-')} {value} is out of range.", f"Use a number from {span}.")

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)
