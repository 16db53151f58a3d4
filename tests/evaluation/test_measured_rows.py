"""The rows that evaluation reads: everything but the title is predicted once, however small the window."""

from hypothesis import example, given
from hypothesis import strategies as st

from songsmith.lyrics import Line, Section, SectionKind, Song
from songsmith.markup import END, LINE, SECTIONS, TITLE, MarkupFormat
from songsmith.model.loading import LoadedModel
from songsmith.training.dataset import IGNORED, measured_rows

texts = st.text(st.sampled_from("aeor stn’éß猫\U0001f3b5"), max_size=30).map(lambda text: f"o{text}".strip())
sections = st.builds(
    Section, st.sampled_from(SectionKind), st.lists(st.builds(Line, texts), min_size=1, max_size=5).map(tuple)
)
songs = st.builds(Song, st.one_of(st.just(""), texts), st.lists(sections, min_size=1, max_size=4).map(tuple))
LONG_TITLE = Song("A title that is a good deal longer than what fits the window", (Section(lines=(Line("o"),)),))


def expected(song: Song, model: LoadedModel, format: MarkupFormat) -> tuple[list[int], list[int]]:
    """Return the ids that are given, and those to be predicted, in order."""
    encode, marks = model.tokenizer.encode, model.tokenizer.id_of_mark
    title = " ".join(song.name.split())
    if format is MarkupFormat.PLAIN:
        lyric = "\n".join("".join(f"{line.text}\n" for line in section.lines) for section in song.sections)
        return [marks[END], *encode(f"{song.name}\n\n")], [*encode(lyric), marks[END]]
    ids: list[int] = []
    for section in song.sections:
        ids += [marks[SECTIONS[section.kind]], *encode("\n")]
        for line in section.lines:
            ids += [marks[LINE], *encode(f"{line.text}\n")]
    return [marks[END], marks[TITLE], *encode(title), *encode("\n")], [*ids, marks[END]]


@example(song=LONG_TITLE, window=4, format=MarkupFormat.MARKUP)
@example(song=LONG_TITLE, window=3, format=MarkupFormat.PLAIN)
@given(song=songs, window=st.integers(2, 40), format=st.sampled_from([MarkupFormat.MARKUP, MarkupFormat.PLAIN]))
def test_every_token_behind_the_title_counts_once(
    starter: LoadedModel, song: Song, window: int, format: MarkupFormat
) -> None:
    head, predicted = expected(song, starter, format)
    ids, place = [*head, *predicted], len(head)
    counted: list[int] = []
    for row in measured_rows(song, starter.tokenizer, window=window, format=format):
        assert 1 <= len(row.tokens) == len(row.targets) <= window
        for at, target in enumerate(row.targets):
            if target == IGNORED:
                assert row.targets[-1] != IGNORED  # predicted tokens are at the end of a row
                continue
            # Its context is all that precedes it, or at least half a window of that.
            seen = row.tokens[: at + 1]
            assert list(seen) == ids[place - len(seen) : place]
            assert len(seen) >= min(place, window // 2)
            counted.append(target)
            place += 1
    assert counted == predicted


@given(song=songs, window=st.integers(2, 40), format=st.sampled_from([MarkupFormat.MARKUP, MarkupFormat.PLAIN]))
def test_the_bytes_of_a_song_are_those_of_its_words(
    starter: LoadedModel, song: Song, window: int, format: MarkupFormat
) -> None:
    lyric = "\n\n".join("\n".join(line.text for line in section.lines) for section in song.sections) + "\n"
    rows = measured_rows(song, starter.tokenizer, window=window, format=format)
    assert sum(row.text_bytes for row in rows) == len(lyric.encode())
