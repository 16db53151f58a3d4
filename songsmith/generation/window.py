"""What remains in the context of a song that has outgrown its window. Pure: token ids in, token ids out."""

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray


def slide(
    head: list[int], body: list[int], *, keep_tokens: int, line_ends: NDArray[np.bool_], sections: Set[int]
) -> tuple[list[int], list[int]]:
    """Drop the oldest whole lines of a song; its title and the mark of the section now open stay.

    Args:
        head: ids of the title; more than half of `keep_tokens` of them are cut short.
        body: ids of the lyric.
        keep_tokens: most ids to return, head and body together; at least 2.
        line_ends: (V,) true for ids that end a line.
        sections: ids of section marks; empty for plain models.

    Returns:
        Head and body, together at most `keep_tokens` long, the body's last token always there.
    """
    head = head[: keep_tokens // 2]
    room = keep_tokens - len(head)
    if len(body) <= room:
        return head, body
    starts = [0, *(place + 1 for place, token in enumerate(body[:-1]) if line_ends[token])]
    section: list[int] = []
    for start, following in zip(starts, [*starts[1:], len(body)], strict=True):
        if body[start] in sections:
            section = []  # it opens with its own mark
        if len(section) + len(body) - start <= room:
            return head, section + body[start:]
        if body[start] in sections:
            section = body[start:following]
    section = section[: room // 2]
    # One line alone is too long: only here is a line cut.
    return head, section + body[len(body) - (room - len(section)) :]
