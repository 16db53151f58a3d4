"""Cleaning anything at all: it ends, in time that grows with the text, and cleaning again changes nothing."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.cleaning import CleaningOptions, clean_text

PIECES = [
    "[", "]", "(", ")", "\n", "7", "1999", "12", "x", "е", "é", "क", "\n\n", " ", "  ", "\t", "\r\n", "\r", "(\n",
    "\n)", "\u200b", "\u200d", "\u200c", "\u00a0", "\u3000", "é", "👩\u200d🚀", "\ud800", "\u0000", "\u2028", "Embed",
    "embed", "1.2K", "1,2", "3Embed", "You might also like", "you might also like", "[Chorus]", "[Verse 1]",
    "[Hook]", "[Chorus x2]", "So far away", "so far away", "5 Contributors", "1 Contributor", "Translations",
    "Português", "Русский", "Chinchilla Lyrics", "chinchilla lyrics", " Lyrics", "Read More", "… Read More ",
    "<!--sse-->", "<img src=\"x\">", "See Ann Live", "Get tickets as low as $79", "See upcoming rap shows",
    "Get tickets for your favorite artists", "Ann", "Genius English Translations", "Chorus:", "(Chorus x2)",
    "CHORUS", "Chorus", "chorus", "Verse 2", "(Repeat Chorus)", "**Verse 3**", "Share URL", "Copy", "Cancel",
    "About", "Genius Annotation", "How to Format Lyrics:", "Type out all lyrics, even if", "Add a comment",
    "Credits", "EmbedShare URLCopyEmbedCopy", "thе", "don't", "can’t", "Unreleased", "[Instrumental]", "N/A",
    "<|endoftext|>", "<|endof\u200btext|>", "la la\nla la\n\n", "la la, \nLA la!\n\n", "Intro", "Bridge", "\n1\n",
    "\nEmbed", "Get tickets as low as 79 €", "Get tickets as low as CA$3", "It is of fur. ", "Read More ",
    "No questions asked yet", "Q&A", "Tracklist\n", "1. One\n", "2. Two\n", "Disc 2\n", "Lovely Lyrics\n", "“A song.” ",
    "Credits\nWritten By\nAnn\n", "Release Date\nMarch 3, 1896\n", "Tags\n", "See\nAnn\nLive\n", "Get tickets from €3",
    "Genius is the ultimate source of music knowledge, created", "Some Song\n", " the seaAnd I go ", "\n, yeah)", "\n yeah)",
    "(yeah)", "’", "'til ", "ｅ", "ο", "\u3164", "\u200e", "\u2800", "31\nContributors\nTranslations\n", "Hausa\n",
    "Chinchilla\n Lyrics\n", "\nEmbed\nShare URL\nCopy",
]  # fmt: skip
TITLES = ["Chinchilla", "", "1999", "Lyrics", "Unreleased"]


OPTIONS = [CleaningOptions(), CleaningOptions(keep_adlibs=False, strip_headers=True)]


def check_settled(raw: str, title: str, options: CleaningOptions) -> None:
    once = clean_text(raw, title=title, artist="Ann", options=options)
    again = clean_text(once.text, title=title, artist="Ann", options=options)
    assert (again.text, again.set_aside, again.removed) == (once.text, once.set_aside, ())


@given(
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(),
    st.sampled_from(TITLES),
    st.sampled_from(OPTIONS),
)
@settings(max_examples=400)
def test_cleaning_again_changes_nothing(raw: str, title: str, options: CleaningOptions) -> None:
    check_settled(raw, title, options)


def _noise(chance: random.Random) -> str:
    """Return what no page holds: letters of any alphabet, marks that turn text around, brackets in brackets."""
    first, last = chance.choice(
        [(0, 0x2FF), (0x300, 0x6FF), (0x900, 0x1FFF), (0x2000, 0x206F), (0x3000, 0xFFFF), (0x1F300, 0x1FAFF)]
    )
    return chance.choice(
        [chr(chance.randint(first, last)), chance.choice("[({") * chance.randint(1, 50), "\u202e", "\x00"]
    )


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("<img src=\"x\"> LyricsBridgeCopyChinchilla LyricsAboutChinchilla Lyrics\n[Verse 1]1999EmbedShare URL[Chorus]", ""),
        ("1,2CHORUS\u3164EmbedShare URLCopyEmbedCopyGet tickets from €3 Some Song\n\u202e\u3164", "Unreleased"),
        ("Chinchilla LyricsChinchilla Lyrics<img src=\"x\">EmbedShare URLCopyEmbedCopyChinchilla Lyrics", "Chinchilla"),
        ("You might also likeGet tickets as low as 79 €\nA\nAyou might also like\nDisc 2\n2. Two\n<!--sse-->EmbedShare URL", ""),
        ("You might also likeGet tickets as low as 79 €A\nYou might also like\n31\nContributors\n[Chorus]EmbedShare URL", ""),
    ],
)  # fmt: skip
def test_what_a_text_forgets_of_its_page_changes_nothing(raw: str, title: str) -> None:
    for options in OPTIONS:
        check_settled(raw, title, options)


@pytest.mark.slow
def test_cleaning_again_changes_nothing_many_times() -> None:
    chance = random.Random(5)
    for number in range(100_000):
        pieces = [
            chance.choice(PIECES) if chance.random() < 0.8 else _noise(chance) for _ in range(chance.randint(1, 30))
        ]
        if number % 5000 == 0:
            pieces.insert(chance.randrange(len(pieces)), chance.choice(PIECES) * 50_000)
        check_settled("".join(pieces), chance.choice(TITLES), OPTIONS[number % 4 == 0])


@pytest.mark.slow
@pytest.mark.parametrize("piece", [*PIECES, "1", "1,", "aA", "a(", "’a'", "A Lyrics", "A\nAnn\n"], ids=repr)
def test_time_grows_with_the_text(piece: str) -> None:
    # Four times the text: sixteen times as long if it grew with the square, every time. What else runs may slow one reading.
    assert any(_seconds(piece, 1_000_000) < 8 * max(_seconds(piece, 250_000), 0.05) for _ in range(4))


def _seconds(piece: str, size: int) -> float:
    began = time.process_time()
    clean_text("5 ContributorsTranslations" + piece * (size // len(piece)) + "3Embed", title="Chinchilla", artist="Ann")
    return time.process_time() - began


def test_a_line_of_ten_megabytes_is_cleaned_in_time() -> None:
    began = time.process_time()
    line = "So far away " * 830_000
    assert clean_text(f"5 ContributorsChinchilla Lyrics{line}3Embed").text == line.strip()
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "piece", ["Embed", "[Hook]", "You might also like", "a\n\n", "1 ", "(\n", "[", "<img ", "CHORUS\n", "е", "1", "aA", "A Lyrics",
              "See Ann Live", "Get tickets as low as $79", "Genius Annotation\n", "A\nAnn\n"]
)  # fmt: skip
def test_the_worst_text_takes_no_time_to_speak_of(piece: str) -> None:
    began = time.process_time()
    clean_text("5 ContributorsTranslations" + piece * (200_000 // len(piece)) + "3Embed", title="Chinchilla")
    assert time.process_time() - began < 8  # a hundred times as long if the time grew with the square
