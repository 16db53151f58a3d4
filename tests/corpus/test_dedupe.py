"""Near-duplicates: every pair that is alike is found, none that is not, and the stated one is kept."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.dedupe import (
    ACCEPTED,
    ACCEPTED_SAME_TITLE,
    BANDS,
    FEWEST_WORDS,
    FINGERPRINT,
    ROWS,
    Duplicate,
    digest,
    find_duplicates,
    find_originals,
    fingerprint,
    jaccard,
    list_words,
    sign,
)
from songsmith.corpus.records import CleanRecord
from songsmith.corpus.versions import Rank, read_title

VOCABULARY = [f"{first}{second}{third}" for first in "bdfglmnprst" for second in "aeiou" for third in "bdklmnrst"]


def song(number: int, text: str, *, title: str = "", artist: str = "") -> CleanRecord:
    return CleanRecord(id=f"s{number}", title=title, artist=artist, text=text)


def duplicates(
    songs: list[CleanRecord], compare: Callable[[frozenset[str], frozenset[str]], float] = jaccard
) -> list[Duplicate]:
    rows = np.array([fingerprint(record, size=0) for record in songs], FINGERPRINT)
    events = find_duplicates(rows, lambda row: songs[row].text, compare)
    found = [event for event in events if isinstance(event, Duplicate)]
    return sorted(found, key=lambda duplicate: duplicate.row)


def similarity(first: str, second: str) -> float:
    return jaccard(frozenset(list_words(first)), frozenset(list_words(second)))


def lines(words: list[str]) -> str:
    return "\n".join(" ".join(words[start : start + 6]) for start in range(0, len(words), 6)) + "\n"


def plant(chance: random.Random, wanted: float) -> tuple[str, str]:
    """Return two songs that have about so many of their words in common."""
    count = chance.randint(20, 150)
    base = chance.sample(VOCABULARY, 2 * count)
    changed = round(count * (1 - wanted) / (1 + wanted))
    first, second = base[:count], base[changed : count + changed]
    chance.shuffle(second)
    return lines(first + first[: count // 3]), lines(second)


@pytest.mark.parametrize("pairs", [400, pytest.param(4000, marks=pytest.mark.slow)])
def test_planted_pairs_are_found_by_what_they_have_in_common(pairs: int):
    chance = random.Random(pairs)
    texts = [plant(chance, chance.uniform(0.3, 1.0)) for _ in range(pairs)]
    songs = [song(number, text) for number, text in enumerate(text for pair in texts for text in pair)]
    found = {(duplicate.of, duplicate.row): duplicate for duplicate in duplicates(songs)}
    found |= {(row, of): duplicate for (of, row), duplicate in found.items()}
    measured = {(2 * number, 2 * number + 1): similarity(*pair) for number, pair in enumerate(texts)}
    alike = [pair for pair, common in measured.items() if common >= 0.8]
    assert len(alike) > pairs // 5
    assert sum(pair in found for pair in alike) >= 0.99 * len(alike)
    for (row, of), duplicate in found.items():
        common = similarity(songs[row].text, songs[of].text)
        assert common >= ACCEPTED
        assert duplicate.similarity == common
    assert len(found) // 2 >= 0.9 * sum(common >= 0.75 for common in measured.values())


def test_the_bands_catch_what_they_must():
    def met(common: float) -> float:
        return 1 - (1 - common**ROWS) ** BANDS

    assert met(0.8) > 0.999
    assert met(ACCEPTED) > 0.95
    assert met(0.2) < 0.002


@given(
    shared=st.sets(st.text(min_size=1, max_size=8), max_size=60),
    first=st.sets(st.text(min_size=1, max_size=8), max_size=60),
    second=st.sets(st.text(min_size=1, max_size=8), max_size=60),
)
def test_signatures_estimate_what_songs_have_in_common(shared: set[str], first: set[str], second: set[str]):
    one, other = frozenset(shared | first | {"-"}), frozenset(shared | second | {"-"})
    estimate = float((sign(one) == sign(other)).mean())
    assert abs(estimate - jaccard(one, other)) < 0.25
    assert (sign(one) == sign(frozenset(sorted(one)))).all()


def test_a_signature_is_the_same_on_every_machine():
    least = sign(frozenset(list_words("a b c d e f g h i j k l\n")))
    assert least[:4].tolist() == [384111613, 54477559, 53588874, 75115165]


def test_words_are_told_apart_as_people_do():
    assert list_words("[Verse 1: Ann]\nDon't, DON’T stop!\n\n[Chorus]\nÉtoile — étoile\n") == [
        "dont", "dont", "stop", "étoile", "étoile",
    ]  # fmt: skip
    assert list_words("봄날 love\n") == ["봄날", "love"]
    assert list_words("月の光x9\n") == ["月", "の", "光", "x9"]
    assert list_words("[x] stays [y]\n") == ["x", "stays", "y"]


def test_songs_of_few_words_are_alike_only_word_for_word():
    few = "la " * (FEWEST_WORDS - 1)
    songs = [song(0, f"{few}\noh\n"), song(1, f"oh {few}\n"), song(2, f"La {few.strip()}\n"), song(3, f"{few}la\n")]
    assert [(found.row, found.of) for found in duplicates(songs)] == [(3, 2)]


@pytest.mark.parametrize(
    ("title", "artist", "same_as", "rank"),
    [
        ("Red (Live)", "Ann", ("Red", "ANN"), Rank.MARKED),
        ("Red - 2011 Remaster", "Ann", ("Red", "Ann"), Rank.MARKED),
        ("Red (Taylor’s Version) [From the Vault]", "Ann", ("RED!", "Ann"), Rank.MARKED),
        ("Red (feat. Bob) [Remix]", "Ann feat. Bob", ("Red", "Ann"), Rank.MARKED),
        ("Red ft. Bob", "Ann", ("Red", "Ann"), Rank.PLAIN),
        ("Ann - Red (Romanized)", "Genius Romanizations", ("Red", "Ann"), Rank.TRANSLATED),
        ("Ann - Rouge (Red) (English Translation)", "Genius English Translations", ("Rouge (Red)", "Ann"), Rank.TRANSLATED),
        ("Red (Traducción al Español)", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red (Russian Translation)", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red (Translation)", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red [Deutsche Übersetzung]", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red (Перевод на русский)", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red (한국어 번역)", "Ann", ("Red", "Ann"), Rank.TRANSLATED),
        ("Ann - Red - English Translation", "Genius English Translations", ("Red", "Ann"), Rank.TRANSLATED),
        ("Red (Lost In Translation)", "Ann", ("Red (Lost in Translation)", "Ann"), Rank.PLAIN),
        ("Red (Bad Translation)", "Ann", ("Red (Bad Translation)", "Ann"), Rank.PLAIN),
        ("Red - Lost In Translation", "Ann", ("Red - Lost in Translation", "Ann"), Rank.PLAIN),
        ("Red - Translation", "Ann", ("Red - Translation", "Ann"), Rank.PLAIN),
        ("Live and Let Live", "Ann", ("Live and Let Live", "Ann"), Rank.PLAIN),
        ("(I Will Not) Go (Home)", "Ann", ("I Will Not Go Home", "Ann"), Rank.PLAIN),
        ("(Remix)", "Ann", ("Remix", "Ann"), Rank.PLAIN),
    ],
)  # fmt: skip
def test_titles_say_which_song_a_page_is(title: str, artist: str, same_as: tuple[str, str], rank: Rank):
    assert read_title(title, artist) == read_title(*same_as).__class__(song=read_title(*same_as).song, rank=rank)
    assert read_title("", artist).song == read_title(title, "").song == ""


@given(st.text(), st.text())
def test_any_title_can_be_read(title: str, artist: str):
    assert digest(read_title(title, artist).song) >= 0


def test_one_artists_versions_of_a_title_may_differ_more():
    chance = random.Random(5)
    first, second = plant(chance, 0.6)
    assert ACCEPTED_SAME_TITLE < similarity(first, second) < ACCEPTED
    titled = [song(0, first, title="Red", artist="Ann"), song(1, second, title="Red (Live)", artist="ann")]
    assert [(found.row, found.of) for found in duplicates(titled)] == [(1, 0)]
    assert duplicates([titled[0], song(1, second, title="Red (Live)", artist="Bob")]) == []
    assert duplicates([titled[0], song(1, second, title="Blue", artist="Ann")]) == []
    apart = [song(number, text, title="Red", artist="Ann") for number, text in enumerate(plant(chance, 0.4))]
    assert duplicates(apart) == []


def test_the_plain_title_is_kept_then_the_longest_then_the_first():
    text, _ = plant(random.Random(1), 1.0)
    songs = [
        song(0, text + text, title="Red (Remix)", artist="Ann"), song(1, text, title="Red", artist="Ann"),
        song(2, text + text, title="Blue", artist="Bob"), song(3, text + text, title="Green", artist="Cy"),
    ]  # fmt: skip
    assert [(found.row, found.of) for found in duplicates(songs)] == [(0, 2), (1, 2), (3, 2)]


def test_no_song_is_set_aside_for_one_it_is_unlike_though_a_chain_joins_them():
    words = VOCABULARY[:160]
    songs = [song(place, lines(words[10 * place : 10 * place + 60])) for place in range(10)]
    found = duplicates(songs)
    assert len(found) >= 4
    for duplicate in found:
        assert similarity(songs[duplicate.row].text, songs[duplicate.of].text) >= ACCEPTED
    assert not {duplicate.row for duplicate in found} & {duplicate.of for duplicate in found}


def test_a_translation_goes_with_its_original():
    chance = random.Random(2)
    texts = [plant(chance, 0.0)[0] for _ in range(4)]
    songs = [
        song(0, texts[0], title="Red (English Translation)", artist="Ann"), song(1, texts[1], title="Red", artist="Ann"),
        song(2, texts[2], title="Blue (Romanized)", artist="Ann"),
        song(3, texts[3], title="Ann - Red (Romanized)", artist="Genius Romanizations"),
    ]  # fmt: skip
    assert [(found.row, found.of, found.similarity) for found in duplicates(songs)] == [(0, 1, None), (3, 1, None)]
    rows = np.array([fingerprint(record, size=0) for record in songs], FINGERPRINT)
    assert find_originals(rows, [digest("red\0ann"), digest("blue\0ann"), 0]) == [1, None, None]


def test_of_several_translations_none_stands_for_another_when_the_original_is_there():
    chance = random.Random(7)
    original, german = (plant(chance, 0.0)[0] for _ in range(2))
    songs = [
        song(0, original, title="River", artist="Ann"),
        song(1, german, title="River (German Translation)", artist="Ann"),
        song(2, german + german, title="River (Deutsche Übersetzung)", artist="Ann"),
    ]
    assert [(found.row, found.of, found.similarity) for found in duplicates(songs)] == [(1, 0, None), (2, 0, None)]
    assert [(found.row, found.of, found.similarity) for found in duplicates(songs[1:])] == [(0, 1, 1.0)]


def test_a_song_of_few_words_is_alike_to_one_of_more():
    words = VOCABULARY[:FEWEST_WORDS]
    songs = [song(0, lines(words)), song(1, lines(words[:-1])), song(2, lines(words[-2::-1]))]
    assert [(found.row, found.of, found.similarity) for found in duplicates(songs)] == [(1, 0, 0.9), (2, 0, 0.9)]
    assert duplicates(songs[1:]) == []


def test_of_a_long_chain_only_what_may_be_alike_is_compared():
    songs = [song(n, lines([f"w{word}" for word in range(10 * n, 10 * n + 100)])) for n in range(300)]
    compared = 0

    def count(first: frozenset[str], second: frozenset[str]) -> float:
        nonlocal compared
        compared += 1
        return jaccard(first, second)

    assert len(duplicates(songs, count)) > 100
    assert compared < 10 * len(songs)  # each with each would be 45,000


def test_many_copies_of_a_song_are_one_group():
    text, _ = plant(random.Random(3), 1.0)
    songs = [song(number, text) for number in range(1000)]
    assert {(found.of, found.similarity) for found in duplicates(songs)} == {(0, 1.0)}
    assert len(duplicates(songs)) == 999
    assert duplicates([]) == duplicates(songs[:1]) == []
