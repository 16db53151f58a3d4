"""Options of a take. Values only."""

from dataclasses import asdict, dataclass
from typing import Any

from songsmith.options import check, option

MOST_LINES, MOST_NEW_TOKENS = 100_000, 1_000_000
"""Most that can be asked for."""


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """Options of one take. A value that cannot be used raises UsageError, naming the option and its range."""

    seed: int = option(0, help="Seed of the first take; later takes count up from it.", minimum=0, maximum=2**63 - 1)
    """Start of the take's own random stream."""
    temperature: float = option(
        0.75, help="Higher is more surprising; 0: always the likeliest token.", minimum=0, maximum=10, short_flag="-t"
    )
    """Divides the logits: 0 always takes the likeliest token (greedy), 1 keeps the model's probabilities."""
    top_k: int = option(0, help="Choose from the k likeliest tokens; 0: from all.", unit="tokens")
    """0 or less: from all."""
    top_p: float = option(
        0.9, help="Choose from the likeliest tokens whose probabilities add up to this.", exclusive_minimum=0, maximum=1
    )
    """The fewest tokens whose probabilities add up to this (Holtzman et al. 2020); 1 is off."""
    min_p: float = option(
        0.0, help="Choose from tokens at least this fraction as likely as the best.", minimum=0, maximum=1
    )
    """Nguyen et al. 2024; 0 is off."""
    repetition_penalty: float = option(1.1, help="Above 1: repeat words less often.", minimum=0.1, maximum=10)
    """Divides (or multiplies, below zero) the logit of each token the lyric has had (Keskar et al. 2019).
    Marks and line ends are exempt: a song repeats its form."""
    no_repeat_ngram: int = option(
        0, help="Never repeat a run of this many tokens; 0: off.", minimum=0, maximum=1000, unit="tokens"
    )
    """Runs end at a line's end."""
    max_new_tokens: int = option(
        1000, help="Stop after this many tokens.", minimum=1, maximum=MOST_NEW_TOKENS, unit="tokens"
    )
    max_lines: int = option(
        32, help="Stop after this many new lines; 0: no limit.", minimum=0, maximum=MOST_LINES, unit="lines"
    )
    """Lines written or finished."""
    min_lines: int = option(4, help="Write at least this many new lines.", minimum=0, maximum=MOST_LINES, unit="lines")
    """Neither the song nor the section ends before this many lines, written or finished."""
    stop_at_section: bool = option(False, help="Stop where the section ends, not only where the song does.", flag=None)
    stay_in_section: bool = option(
        False, help="Write into the section the prompt ends in before beginning a new one.", flag=None
    )
    """Otherwise a new one may be begun right away."""

    def __post_init__(self) -> None:
        check(self)

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)
