"""Sounds of words and lines: what a singer would count, whatever the spelling."""

import random
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.craft import dictionary, letters
from songsmith.craft.phones import VARIANT_DIVIDER, count_vowels, decode
from songsmith.craft.pronunciation import Pronunciation, end_word, hear, pronounce, rhyme_part, syllables

COUNTED_WORDS = {
    1: "love fire hour our walked o'er e'er ne'er 'tis 'twas heav'n pow'r flow'r gi'en walk'd bless'd turn'd know'st 'neath "
    "'gainst sooooo yeahhh nooo goooood freeee looove y'all ain't they'll thou'rt 8th grey drest stopp'd cri'd "
    "shhh brrr grrr mmm hmmm pssst pfft tsk skrrt skrrrrt i'th'",
    2: "fam'ly sev'ral ev'ning bus'ness choc'late gen'rous temp'rance int'rest goin rollin nothin dr. L.A. a.m. "
    "lovin' lovin river's rivers' should've gonna moonlight moonbeams starfall goeth maketh knowest ev'ry wand'ring "
    "mem'ry whate'er whene'er blessèd blesséd wingèd colour honour TV DJ want'd sparkling nana o'erflow faithless wand'rer's",
    3: "ev'rything ev'ryone ev'rywhere ev'ryday ev'rytime U.S.A. I.O.U "
    "belovèd realise unnumbered heartbreaker USA rock'n'roll 24 lalala hallowèd wheresoe'er loveliest",
    4: "ev'rybody ev'rybody's 27 unremembered hallelujah nananana forevermore",
}
COUNTED_LINES = {
    "From this valley they say you are going": 10,
    "Amazing grace! how sweet the sound": 8,
    "’Tis grace hath brought me safe thus far,": 8,
    "O beautiful for spacious skies": 8,
    "Swing low, sweet chariot": 6,
    "I see trees of green — red roses, too": 9,
    "rock 'n' roll & rhythm": 6,
    "heart-broken": 3,
    "the year 1999": 7,
    "in 2005": 5,
    "my 2nd $5": 6,
    "24/7": 5,
    "1,250 miles": 9,
    "3.5%": 5,
    "the '90s": 3,
    "meet me @ 8": 4,
    "Naïve café": 4,
    "[?] ... 🎸 —": 0,
    "I will love you [x2]": 4,
    "[laughs] I will": 2,
    "I will love you (x2)": 4,
    "I will (2X) love you × 3!": 4,
    "I will love you x2 [laughs]": 4,
    "[x2]": 0,
    "mix 2": 2,
    "born in the U.S.A.": 6,
    "": 0,
}
WORDS = [word for words in COUNTED_WORDS.values() for word in words.split()]


@pytest.mark.parametrize(
    ("word", "count"), [(word, count) for count, words in COUNTED_WORDS.items() for word in words.split()]
)
def test_words_have_the_syllables_they_are_sung_with(word: str, count: int) -> None:
    assert syllables(word) == count
    assert not any(variant.guessed for variant in pronounce(word))


@pytest.mark.parametrize(("line", "count"), COUNTED_LINES.items())
def test_lines_have_the_syllables_they_are_sung_with(line: str, count: int) -> None:
    assert syllables(line) == hear(line).syllables == count


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("loving", "L AH1 V IH0 NG"),
        ("lovin’", "L AH1 V IH0 N"),
        ("O'er", "AO1 R"),
        ("river's", "R IH1 V ER0 Z"),
        ("kiss'd", "K IH1 S T"),
        ("blessèd", "B L EH1 S IH0 D"),
        ("yeahhhh", "Y AE1"),
        ("moonlight", "M UW1 N L AY2 T"),
        ("colour", "K AH1 L ER0"),
        ("heaven", "HH EH1 V AH0 N"),
        ("heav'n", "HH EH1 V N"),
        ("Ev'rything", "EH1 V R IY0 TH IH2 NG"),
        ("fam'ly", "F AE1 M L IY0"),
        ("goin", "G OW1 IH0 N"),
        ("Dr.", "D AA1 K T ER0"),
        ("L.A.", "EH1 L EY1"),
    ],
)
def test_the_best_way_to_say_a_word_comes_first(word: str, phones: str) -> None:
    assert pronounce(word)[0] == Pronunciation(phones=tuple(phones.split()))


def test_every_variant_is_told() -> None:
    assert {variant.phones[1] for variant in pronounce("read")} == {"EH1", "IY1"}


def test_a_guess_is_marked() -> None:
    (guess,) = pronounce("zorblatting")
    assert guess.guessed
    assert guess.syllables == 3
    assert syllables("zorbled") + 1 == syllables("zorblèd")
    assert hear("my zorblatting heart").guessed
    assert not hear("my beating heart").guessed


@pytest.mark.parametrize("word", ["zzzt", "frrr", "bzzz"])
def test_a_noise_is_no_row_of_letters(word: str) -> None:
    assert syllables(word) <= 1
    assert pronounce(word)[0].guessed


@pytest.mark.parametrize("text", ["", "...", "🎸", "привет", "我爱你"])
def test_what_is_silent_or_in_another_script_has_no_phones(text: str) -> None:
    assert pronounce(text) == ()
    assert rhyme_part(text) == ()


@pytest.mark.parametrize(("line", "count"), [("привет мир", 3), ("我爱你", 3), ("사랑해요", 4), ("きょうは", 3)])
def test_other_scripts_are_counted_roughly_and_say_so(line: str, count: int) -> None:
    sound = hear(line)
    assert (sound.syllables, sound.foreign, sound.guessed) == (count, True, True)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("They say you are going,", "going"),
        ("I love you (oh yeah)", "you"),
        ("I love you (oh (oh) yeah", "you"),
        ("(oh yeah)", "yeah"),
        ("(I can't get no) Satisfaction!", "satisfaction"),
        ("In the mornin’", "mornin'"),
        ("He said ‘hello’", "hello"),
        ('"Get rid of ’em"', "'em"),
        ("the rivers’", "rivers"),
        ("tra-la-la...", "la"),
        ("born in 1999", "nine"),
        ("you & I / me 🎸", "me"),
        ("люблю тебя", "тебя"),
        ("I will love you [x2]", "you"),
        ("I will love you (x2)", "you"),
        ("I will love you x2", "you"),
        ("you and me (oh) [laughs]", "me"),
        ("born in the U.S.A.", "u.s.a"),
        ("born in the U.S.A (oh yeah)", "u.s.a"),
        ("[laughs]", None),
        ("(...)", None),
        ("", None),
    ],
)
def test_a_line_ends_in_its_last_word_that_sounds(line: str, word: str | None) -> None:
    assert end_word(line) == hear(line).end_word == word


@pytest.mark.parametrize(
    "lines",
    [
        ("the pale moonlight", "into the night"),
        ("set the world on fire", "my heart's desire"),
        ("goin’ home in the mornin’", "a word of warnin'"),
        ("a thousand miles away (oh no)", "will you stay?"),
        ("this is my colour", "duller"),
        ("she was blessèd", "unprofessèd"),
        ("born in the U.S.A.", "will you stay? [x2]"),
    ],
)
def test_what_rhymes_has_one_rhyme_part(lines: tuple[str, str]) -> None:
    first, second = lines
    assert rhyme_part(first) == rhyme_part(second) == hear(first).rhyme_part != ()


def test_what_does_not_rhyme_has_two() -> None:
    assert rhyme_part("going") != rhyme_part("goin'")
    assert rhyme_part("love") != rhyme_part("move")


@given(st.text())
def test_any_text_has_a_sound(text: str) -> None:
    sound = hear(text)
    assert sound.syllables == syllables(text) >= 0
    assert sound.end_word == end_word(text)
    assert sound.rhyme_part == rhyme_part(text)
    pronounce(text)


lyric_texts = st.one_of(
    st.text(), st.lists(st.sampled_from([*WORDS, *COUNTED_LINES, "(", ")", "zorblat", "мир", "'"])).map(" ".join)
)


# Brackets may close in another text than they open in, and x2 counts only where a line ends.
@given(*[lyric_texts.filter(lambda text: not set(text) & set("[]xX×"))] * 2)
def test_lines_put_together_have_the_syllables_of_both(first: str, second: str) -> None:
    assert syllables(f"{first} {second}") == syllables(first) + syllables(second)


@given(st.one_of(st.text(st.sampled_from("abcdeinorstuvyéèñ'-& 0129$%.,!?()")), lyric_texts.filter(str.isascii)))
def test_case_and_the_shape_of_quotes_change_nothing(text: str) -> None:
    heard = hear(text)
    assert hear(text.upper()) == heard
    assert hear(text.replace("'", "’")) == heard


@pytest.mark.parametrize(
    "piece",
    ["a", "'", "(", "9", "9,", "e\u0301", "\u0301\u0323", "a-", "ha ", "我", "è'd", "lo(ve) ", "[", "[x2", "x2 ", "a."],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    # What takes the square of its length would take hours for a line of a million characters.
    hear("love zorblat 'é' (9)")
    begun = time.perf_counter()
    hear(piece * (200_000 // len(piece)))
    assert time.perf_counter() - begun < 20


def test_no_torch_is_needed() -> None:
    program = "import sys, songsmith.craft.plans as plans; plans.plan_line('zorblat'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "numpy", "transformers", "tokenizers", "rich", "typer", "textual"}


@pytest.mark.slow
def test_words_nobody_listed_are_guessed_well() -> None:
    """Rules learnt without five thousand of the words say how these sound: syllables, and what they rhyme on."""
    listed = {word: sounds.split(VARIANT_DIVIDER) for word, sounds in dictionary.words().items()}
    hidden = set(random.Random(3).sample(sorted(listed), 5000))
    rules = letters.learn(letters.alignable((word, ways[0]) for word, ways in listed.items() if word not in hidden))

    def rhyme(sounds: str) -> tuple[str, ...]:
        return Pronunciation(phones=decode(sounds)).rhyme_part

    counted = rhymed = 0
    for word in hidden:
        sounds = letters.guess(word, rules)
        counted += count_vowels(sounds) in map(count_vowels, listed[word])
        rhymed += rhyme(sounds) in map(rhyme, listed[word])
    assert counted >= 0.90 * len(hidden)
    assert rhymed >= 0.60 * len(hidden)
