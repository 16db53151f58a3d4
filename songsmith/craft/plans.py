"""The plan of a line, which a model is given before it writes the line: made from how the line sounds. Knows lines, not models."""

from songsmith.craft.pronunciation import hear
from songsmith.markup import SYLLABLES, LinePlan

# Longer is no word of any song, but something that got into one.
_LONGEST_RHYME_WORD = 40


def plan_line(text: str) -> LinePlan:
    """Return the plan that a line fulfils.

    It names no syllables where they cannot be counted (words in another script) or told (none, or more than any mark says),
    and no rhyme where the line ends in no word.
    """
    sound = hear(text)
    countable = not sound.foreign and 1 <= sound.syllables <= len(SYLLABLES)
    end = sound.end_word
    return LinePlan(
        syllables=sound.syllables if countable else None,
        rhyme=end if end and len(end) <= _LONGEST_RHYME_WORD else None,
    )
