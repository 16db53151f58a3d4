"""The dictionary's data: built from CMUdict the same way each time, small, quick, and with its notice."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from songsmith.craft.build_dictionary import build
from songsmith.craft.dictionary import DATA, LYRIC_WORDS_FILE, letter_rules, look_up, read_entries, words
from songsmith.craft.letters import guess
from songsmith.craft.phones import VARIANT_DIVIDER, decode, encode

ROWS = """\
a AH0
a(2) EY1
able-bodied EY1 B AH0 L B AA1 D IY0
cat K AE1 T
fire F AY1 ER0
heart's HH AA1 R T S
mat M AE1 T # what a cat sits on
night N AY1 T
right R AY1 T
u.s. Y UW1 EH1 S
"""


def test_cmudict_is_in_with_its_notice() -> None:
    assert len(words()) > 120_000
    assert "Carnegie Mellon University" in (DATA / "LICENSE-cmudict").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1_200_000


def test_our_own_words_come_first() -> None:
    own = read_entries((DATA / LYRIC_WORDS_FILE).read_text(encoding="utf-8"))
    assert own
    for word, variants in own.items():
        assert look_up(word)[: len(variants)] == tuple(variants), word


def test_every_entry_is_made_of_phones() -> None:
    for word, variants in words().items():
        assert word.isascii()
        assert word == word.lower()
        for sounds in variants.split(VARIANT_DIVIDER):
            assert encode(" ".join(decode(sounds))) == sounds


def test_a_build_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    source = tmp_path / "cmudict.dict"
    source.write_text(ROWS, encoding="utf-8")
    built = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        build(source, folder)
        built.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert built[0] == built[1]
    rows = gzip.decompress(built[0]["cmudict.txt.gz"]).decode().splitlines()
    entries = {word: [decode(sounds) for sounds in ways.split(VARIANT_DIVIDER)] for word, ways in map(str.split, rows)}
    assert list(entries) == ["a", "cat", "fire", "heart's", "mat", "night", "right"]
    assert entries["a"] == [("AH0",), ("EY1",)]
    assert entries["fire"] == [("F", "AY1", "R"), ("F", "AY1", "ER0")]


@pytest.mark.parametrize("word", ["flib", "snorgle", "brillig", "wabe", "mimsy", "tove", "outgrabe"])
def test_a_guess_bears_one_main_stress(word: str) -> None:
    phones = decode(guess(word, letter_rules()))
    assert [phone[-1] for phone in phones].count("1") == 1


def test_nothing_is_read_before_the_first_word() -> None:
    program = (
        "from songsmith.craft import dictionary, plans\n"
        "assert not dictionary.words.cache_info().currsize\n"
        "plans.plan_line('love')\n"
        "assert dictionary.words.cache_info().currsize\n"
        "assert not dictionary.letter_rules.cache_info().currsize\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
