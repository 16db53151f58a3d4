"""Chords in lines above words: what is sung stays, what is played goes, and a lyric is never taken for a sheet."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.formats.chord_sheet import read_chord_sheet
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.records import RawRecord, SetAside

SHEET = """\
Red River Valley
Capo: 2nd fret

Intro: G  D7  | G  (x2)

[Verse 1]
     G              D7       G
From this valley they say you are going
                                 D7
We will miss your bright eyes and   sweet smile

[Chorus] G
          G7             C
For they say you are taking the sunshine
A
Go
D7  F#m7b5  Cmaj7/E  Gsus4  N.C.
A E I O U

e|--3--2--0-------|
B|--0--1--0-------|
G
"""
WORDS = """\
Red River Valley

[Intro]

[Verse 1]
From this valley they say you are going
We will miss your bright eyes and sweet smile

[Chorus]
For they say you are taking the sunshine
Go
A E I O U"""


def test_the_words_of_a_sheet():
    assert read_chord_sheet(SHEET) == WORDS
    assert read_chord_sheet(SHEET.replace("     G  ", "\tG\t")) == WORDS


@pytest.mark.parametrize(
    "lyric",
    [
        "A\nI\nAm I the one\nAm\nI alone\n",
        "A E I O U\nand sometimes Y\nA E I O U\nGo\n",
        "A B C\nEasy as one two three\nA B C\nThat's how it goes\n",
        "Gimme an A\nA\nGimme a B\nB\nGimme a C\n",
        "D A D\nspells dad\nD A D\nsays he\n",
        "Emma\nOh Emma\nEmma\nOh Emma\n",
        "Hmm\nI see\nHm\nI know\nHalt\nwho goes\nHalt\nthere\n",
        "Ami\nmon ami\nAmi\nviens\n",
        "Em\nem ở đâu\nEm\nvề đi\n",
        "Add\none more\nBad\nday\nAdd\nanother\nC4\nboom\nC4\nboom\n",
        "B-b-b-b-b-b-b\nbaby\npsst--psst--\nhush--hush--\n",
        "Abba\nEgg\nFad\nDada\nCage\nBaba\nDad\nwords\n",
        "Dm7\nG7\n\nthe words are elsewhere\n",
        "It is in D7\nwhere G7 goes\nand a C\nword\n",
        "G7\nmet in the north\nand nobody cared\n",
        "Time: the thief\nKey: to my heart\nCapo dei capi\n",
        "",
        "\n\n",
    ],
)
def test_a_lyric_is_no_sheet(lyric: str):
    assert read_chord_sheet(lyric) is None


@pytest.mark.parametrize(
    "chords",
    ["G  C", "   A", "Gmaj7", "C#m", "Bb", "F/A", "Dsus4", "Cadd9", "G7sus4", "E7#9", "Bm7b5", "Am7(b5)", "D°", "H7", "B♭m", "C7/E",
     "(G  C)", "| G | D7 |", "G - D7", "Am  x02210", "Fmaj7*", "C6/9", "Caug", "G7 x2", "Cm(maj7)"],
)  # fmt: skip
def test_chords_of_many_hands(chords: str):
    assert read_chord_sheet(f"{chords}\none word\n{chords}\nanother\n") == "one word\nanother"


def test_tablature_is_not_sung():
    staff = "\n".join(f"{string}|--0--2--3-h2-0---|" for string in "eBGDAE")
    assert read_chord_sheet(f"la la\n{staff}\nlo lo\n") == "la la\nlo lo"


def read(path: Path) -> list[RawRecord | SetAside]:
    return list(Importer(path).songs())


@pytest.mark.parametrize("ending", ["txt", "crd", "chords", "tab", "cho"])
def test_a_sheet_is_imported_with_its_chords_beside_it(tmp_path: Path, ending: str):
    path = tmp_path / f"Valley.{ending}"
    path.write_text(SHEET)
    (song,) = read(path)
    assert isinstance(song, RawRecord)
    assert (song.title, song.text, song.metadata["chords"]) == ("Valley", WORDS, SHEET.strip("\n"))
    assert read(tmp_path) == [song]


def test_chordpro_directives_beside_chords_above_words(tmp_path: Path):
    (tmp_path / "x.crd").write_text("{title: Valley}\nG  C\nFrom this valley\nD7\nthey say\n")
    (song,) = read(tmp_path / "x.crd")
    assert isinstance(song, RawRecord)
    assert (song.title, song.text) == ("Valley", "From this valley\nthey say")


def test_each_song_of_a_file_is_judged_by_itself(tmp_path: Path):
    lyric = "A\nGo  on\nA"
    (tmp_path / "x.txt").write_text(f"{SHEET}<|endoftext|>\n{lyric}\n<|endoftext|>\ne|--3--2--|\nB|--3--2--|\n")
    first, second, third = read(tmp_path / "x.txt")
    assert isinstance(first, RawRecord)
    assert isinstance(second, RawRecord)
    assert (first.text, second.text, dict(second.metadata)) == (WORDS, lyric, {})
    assert isinstance(third, SetAside)
    assert third.reason == "no words"


WORD = st.sampled_from(["From", "this", "valley", "they", "say", "A", "I", "Am", "go", "be"])
LINE = st.lists(WORD, min_size=2, max_size=6).map(lambda words: f"{' '.join(words)} now")
CHORDS = st.lists(st.sampled_from(["G", "C", "D7", "Am", "F#m7", "Bb/D", "A"]), min_size=2, max_size=4)


@given(lines=st.lists(st.tuples(CHORDS.map("   ".join), LINE), min_size=2, max_size=8))
def test_every_word_is_kept_and_every_chord_line_goes(lines: list[tuple[str, str]]):
    sheet = "".join(f"{chords}\n{words}\n" for chords, words in lines)
    assert read_chord_sheet(sheet) == "\n".join(words for _, words in lines)
    assert read_chord_sheet("\n".join(words for _, words in lines)) is None


@pytest.mark.parametrize(
    "piece", ["A ", "A", "-", "--", "|--", "Am7 ", "(b5", "[A", "a: ", " ", "sus", "G\n", "G  C\nla\n"]
)
def test_the_time_grows_with_the_size_and_not_with_its_square(piece: str):
    start = time.process_time()
    read_chord_sheet(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 5  # a square would take minutes
