"""The logits processors of every sequence, by its options."""

from collections.abc import Sequence

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.character_integrity import CharacterIntegrity
from songsmith.generation.processors.min_lines import MinLines
from songsmith.generation.processors.no_repeat_ngram import NoRepeatNgram
from songsmith.generation.processors.protocol import LogitsProcessor
from songsmith.generation.processors.repetition_penalty import RepetitionPenalty
from songsmith.generation.processors.song_form import SongForm
from songsmith.generation.processors.unused_tokens import UnusedTokens
from songsmith.generation.token_classes import TokenClasses
from songsmith.markup import Prompt


def standard_processors(
    options: GenerationOptions, classes: TokenClasses, prompt: Prompt, body: Sequence[int]
) -> list[LogitsProcessor]:
    """Return the processors of a sequence that is about to begin; what no option asks for is left out.

    Args:
        options: of the take.
        classes: of the model's tokens.
        prompt: the place in the song to write at.
        body: ids of the lyric so far.
    """
    processors: list[LogitsProcessor] = [
        UnusedTokens(), SongForm(prompt), MinLines(options), CharacterIntegrity(classes.characters),
    ]  # fmt: skip
    if options.repetition_penalty != 1:
        processors.append(RepetitionPenalty(options.repetition_penalty, classes.structural, body))
    if options.no_repeat_ngram:
        processors.append(NoRepeatNgram(options.no_repeat_ngram, classes.structural, body))
    return processors
