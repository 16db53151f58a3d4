"""Sections: headers in every style begin one, choruses that are only named are sung, and no line is lost over it."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.cleaning import clean_text
from songsmith.corpus.rules.rule import RuleContext
from songsmith.corpus.rules.structure import STRUCTURE
from songsmith.lyrics import SectionKind, parse, render

HILL = "Over the hills and far away\nthe shepherd leads his flock to play"
ROSE = "O my love is like a red red rose\nthat is newly sprung in June"
SEA = "Till all the seas gang dry, my dear\nand the rocks melt with the sun"
FARE = "And fare thee weel, my only love\nand fare thee weel a while"
LAND = "And I will come again, my love\nthough it were ten thousand mile"


def sections(text: str) -> list[tuple[str, str | None, int]]:
    """Return kind, label and number of lines of each section after cleaning."""
    cleaned = clean_text(text)
    assert clean_text(cleaned.text).text == cleaned.text
    song = parse(cleaned.text)
    assert parse(render(song)) == song
    return [(section.kind.value, section.label, len(section.lines)) for section in song.sections]


def form(text: str) -> str:
    """Return the kinds of the sections with words, a letter each."""
    letters = {"verse": "V", "prechorus": "P", "chorus": "C", "bridge": "B", "intro": "I", "outro": "O"}
    return "".join(letters[kind] for kind, _, lines in sections(text) if lines)


# A song of verse, chorus, verse, bridge, chorus, outro in each language that has a row; the names come in that order.
NAMES = {
    "English": ("Verse 1", "Chorus", "Verse 2", "Bridge", "Outro"),
    "English, others": ("Verse One", "Refrain", "2nd Verse", "Interlude", "Coda"),
    "French": ("Couplet 1", "Refrain", "Couplet 2", "Pont", "Outro"),
    "Spanish": ("Verso 1", "Estribillo", "Verso 2", "Puente", "Salida"),
    "Spanish, coro": ("Estrofa 1", "Coro", "Estrofa 2", "Puente", "Outro"),
    "Portuguese": ("Verso 1", "Refrão", "Verso 2", "Ponte", "Outro"),
    "Italian": ("Strofa 1", "Ritornello", "Strofa 2", "Ponte", "Outro"),
    "German": ("Strophe 1", "Refrain", "Strophe 2", "Brücke", "Schluss"),
    "Dutch": ("Couplet 1", "Refrein", "Couplet 2", "Brug", "Outro"),
    "Polish": ("Zwrotka 1", "Refren", "Zwrotka 2", "Przejście", "Zakończenie"),
    "Russian": ("Куплет 1", "Припев", "Куплет 2", "Бридж", "Аутро"),
    "Ukrainian": ("Куплет 1", "Приспів", "Куплет 2", "Брідж", "Аутро"),
    "Turkish": ("Kıta 1", "Nakarat", "Kıta 2", "Köprü", "Çıkış"),
    "Swedish": ("Vers 1", "Refräng", "Vers 2", "Brygga", "Outro"),
    "Danish": ("Vers 1", "Omkvæd", "Vers 2", "C-stykke", "Outro"),
    "Finnish": ("Säkeistö 1", "Kertosäe", "Säkeistö 2", "Silta", "Outro"),
    "Czech": ("Sloka 1", "Refrén", "Sloka 2", "Mezihra", "Dohra"),
    "Hungarian": ("Verze 1", "Refrén", "Verze 2", "Átvezetés", "Befejezés"),
    "Romanian": ("Strofa 1", "Refren", "Strofa 2", "Punte", "Încheiere"),
    "Greek": ("Στροφή 1", "Ρεφρέν", "Στροφή 2", "Γέφυρα", "Κλείσιμο"),
    "Hebrew": ("בית 1", "פזמון", "בית 2", "גשר", "סיום"),
    "Arabic": ("المقطع 1", "كورس", "المقطع 2", "الجسر", "الخاتمة"),
    "Korean": ("벌스 1", "후렴", "벌스 2", "브릿지", "아웃트로"),
    "Japanese": ("バース1", "サビ", "バース2", "ブリッジ", "アウトロ"),
    "Chinese": ("主歌1", "副歌", "主歌2", "桥段", "尾奏"),
    "Vietnamese": ("Đoạn 1", "Điệp khúc", "Đoạn 2", "Cầu nối", "Kết"),
}
STYLES: dict[str, Callable[[str], str]] = {
    "brackets": lambda name: f"[{name}]",
    "singers": lambda name: f"[{name}: Ann & Ben]",
    "singers behind a dash": lambda name: f"[{name} – Ann]",
    "singers in parentheses": lambda name: f"[{name} (Ann)]",
    "singers over rows": lambda name: f"[{name}: Ann,\nBen & Cora]",
    "capitals": lambda name: f"[{name.upper()}]",
    "small letters": lambda name: f"[{name.lower()}]",
    "colon": lambda name: f"{name}:",
    "parentheses": lambda name: f"({name})",
    "braces": lambda name: f"{{{name}}}",
    "stars": lambda name: f"*{name}*",
    "bold": lambda name: f"**{name}**",
    "hash": lambda name: f"## {name}",
    "dashes": lambda name: f"--- {name} ---",
    "lenses": lambda name: f"【{name}】",
    "bracket and colon": lambda name: f"[{name}]:",
    "not closed": lambda name: f"[{name}",
    "not opened": lambda name: f"{name}]",
    "bare": lambda name: name,
    "bare capitals": lambda name: name.upper(),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("language", NAMES)
def test_headers_of_every_language_and_style_begin_sections(language: str, style: str) -> None:
    first, chorus, second, bridge, outro = map(STYLES[style], NAMES[language])
    text = f"{first}\n{HILL}\n\n{chorus}\n{ROSE}\n\n{second}\n{SEA}\n\n{bridge}\n{FARE}\n\n{chorus}\n{ROSE}\n\n{outro}\n{LAND}"
    assert form(text) == "VCVBCO"
    lines = [line.text for line in parse(clean_text(text).text).lines]
    assert lines == "\n".join([HILL, ROSE, SEA, FARE, ROSE, LAND]).split("\n")
    assert (
        form(text.removesuffix(f"\n\n{outro}\n{LAND}").removesuffix(f"\n{ROSE}")) == "VCVBC"
    )  # the last chorus named only


HEADED = {
    # raw: kind, label and lines of each section
    f"[Verse 1]\n{HILL}\n\n[Hook] (2x)\n{ROSE}": [("verse", "Verse 1", 2), ("chorus", "Hook x2", 2)],
    f"[Verse 1]\n{HILL}\n\n[Chorus]x2\n{ROSE}": [("verse", "Verse 1", 2), ("chorus", "Chorus x2", 2)],
    f"[Intro][Verse 1]\n{HILL}": [("intro", None, 0), ("verse", "Verse 1", 2)],
    "[Verse 1] So far away\nbeyond\n\n[Chorus]: O river\nO sea": [("verse", "Verse 1", 2), ("chorus", None, 2)],
    f"{HILL}[Chorus]\n{ROSE}\n\n[Verse 2]\n{SEA}[Chorus]": [
        ("verse", None, 2), ("chorus", None, 2), ("verse", "Verse 2", 2), ("chorus", None, 2),
    ],
    "So far away[Chorus]O river\nO sea": [("verse", None, 1), ("chorus", None, 2)],
    "So far away, beyond [Chorus]\nO river": [("verse", None, 1), ("chorus", None, 1)],
    f"Verse 2 (Ann):\n{HILL}\n\n**Chorus: Ann & Ben**\n{ROSE}": [
        ("verse", "Verse 2: Ann", 2), ("chorus", "Chorus: Ann & Ben", 2),
    ],
    "Verse 1: So far away\nbeyond\n\nChorus: O river\nO sea": [("verse", "Verse 1", 2), ("chorus", None, 2)],
    f"PRE-CHORUS\n{HILL}\n\nCHORUS X2\n{ROSE}": [("prechorus", None, 2), ("chorus", "Chorus x2", 2)],
    f"[Letra de \"Rosa\" ft. Ana]\n\n[Verso 1]\n{HILL}\n\n[Coro]\n{ROSE}": [
        ("verse", 'Letra de "Rosa" ft. Ana', 0), ("verse", "Verso 1", 2), ("chorus", "Coro", 2),
    ],
    f"[가사]\n{HILL}": [("verse", "가사", 2)],
    f"[Verse 1]\n{HILL}\n\n[Guitar Solo]\n\n[Verse 2]\n{SEA}": [
        ("verse", "Verse 1", 2), ("bridge", "Guitar Solo", 0), ("verse", "Verse 2", 2),
    ],
    f"[Hook] - Ann & Ben\n{ROSE}\n\n[Bridge] [x2]\n{HILL}": [("chorus", "Hook: Ann & Ben", 2), ("bridge", None, 3)],
    f"Verse 1 - Ann\n{HILL}\n\nChorus – Ann\n{ROSE}": [("verse", "Verse 1: Ann", 2), ("chorus", "Chorus: Ann", 2)],
    f"[Verse 1: Ann, [Ben]]\n{HILL}\n\n[Prod. by Ann]\n\n[Chorusx2]\n{ROSE}": [
        ("verse", "Verse 1: Ann, [Ben]", 2), ("verse", "Prod. by Ann", 0), ("chorus", "Chorusx2", 2),
    ],
    f"[Intro:\n\nAnn]\n\n{HILL}": [("intro", "Intro: Ann", 2)],
    f"{HILL}\n\n***Hook***\n{ROSE}": [("verse", None, 2), ("chorus", "Hook", 2)],
    f"[Verse 1]\n{HILL}\n***Chorus: Ann (x2)***\n{ROSE}": [("verse", "Verse 1", 2), ("chorus", "Chorus x2: Ann", 2)],
    f"{HILL}\n\n***Chorus***\n\n{ROSE}": [("verse", None, 2), ("chorus", None, 2)],
    f"{HILL}\n\nCHORUS\n\n{ROSE}\n\n{SEA}\n\nCHORUS": [
        ("verse", None, 2), ("chorus", None, 2), ("verse", None, 2), ("chorus", None, 2),
    ],
    f"[Verse 1]\n{HILL}\nChorus 2:\n{ROSE}\n\n{SEA}\nCHORUS 2": [
        ("verse", "Verse 1", 2), ("chorus", "Chorus 2", 2), ("verse", None, 2), ("chorus", "Chorus 2", 2),
    ],
    f"Chorus\n{ROSE}\n\n{HILL}\n\nChorus\n\n{SEA}\n\nChorus.": [
        ("chorus", None, 2), ("verse", None, 2), ("chorus", None, 2), ("verse", None, 2), ("chorus", None, 2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("raw", HEADED, ids=repr)
def test_headers_people_write_otherwise(raw: str) -> None:
    assert sections(raw) == HEADED[raw]


REPEATED = {
    # raw: lines of each section
    f"[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Chorus]": [2, 2, 2],
    f"[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Chorus x2]\n\n[Repeat Chorus]": [2, 2, 2, 2],
    f"[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n(Repeat Chorus x2)": [2, 2, 2],
    f"[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Chorus: Ann]\n[Outro]\n{SEA}": [2, 2, 2, 2],
    f"[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Chorus]\n(x2)\n\n[Outro]\n{SEA}": [2, 2, 3, 2],
    f"[Припев]\n{ROSE}\n\n[Куплет]\n{HILL}\n\n[Припев 2x]": [2, 2, 2],
    f"[Chorus]\n\n[Verse 1]\n{HILL}\n\n[Chorus]\n{ROSE}": [2, 2, 2],  # it is first sung later
    f"[Pre-Chorus]\n{SEA}\n\n[Chorus]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Pre-Chorus]\n[Chorus]": [2, 2, 2, 2, 2],
    f"{HILL}\n\n[Chorus]\n{ROSE}\n\n{SEA}\n\n[Chorus]\n\n{FARE}\n\n[Chorus]": [2, 2, 2, 2, 2, 2],
    f"[Chorus: Ann,\nBen]\n{ROSE}\n\n[Verse]\n{HILL}\n\n[Chorus: Ann,\nBen]": [2, 2, 2],
    f"[Verse 1]\n{HILL}\n\n[Verse 2]\n{SEA}\n\n[Repeat Verse 1]\n\n[Verse 2]": [2, 2, 2, 0],
    # What is instrumental is not sung, nor what stands beside the chorus, nor a bridge.
    f"[Chorus]\n{ROSE}\n\n[Instrumental Chorus]\n\n[Chorus: Instrumental]\n\n[Verse]\n{HILL}": [2, 0, 0, 2],
    f"[Chorus]\n{ROSE}\n\n[Post-Chorus]\n\n[Drop]\n\n[Bridge]\n\n[Pre-Chorus]\n\n[Verse]\n{HILL}": [2, 0, 0, 0, 0, 2],
    f"[Chorus]\n\n[Verse 1]\n{HILL}": [0, 2],  # no chorus to repeat
    # Its own words stand below a blank line.
    f"[Verse 1]\n\n{HILL}\n\n[Chorus]\n\n{ROSE}\n\n[Verse 2]\n\n{SEA}\n\n[Chorus]\n\n{FARE}": [2, 2, 2, 2],
    f"[Verse 1]\n{HILL}\n\n[Chorus]\n{ROSE}\n\n[Verse 2]\n{SEA}\n\n[Chorus]\n\n{FARE}": [2, 2, 2, 2],
}


@pytest.mark.parametrize("raw", REPEATED, ids=repr)
def test_a_chorus_that_is_only_named_is_sung(raw: str) -> None:
    assert [lines for _, _, lines in sections(raw)] == REPEATED[raw]


def test_each_chorus_repeats_the_one_of_its_name() -> None:
    text = f"[Hook]\n{ROSE}\n\n[Chorus 1]\n{SEA}\n\n[Chorus 2]\n{FARE}\n\n[Verse]\n{HILL}\n\n"
    for header, sung in {"Hook": ROSE, "Chorus 1": SEA, "Chorus 2": FARE, "Chorus": FARE, "Refrain": FARE}.items():
        last = parse(clean_text(f"{text}[{header}]").text).sections[-1]
        assert "\n".join(line.text for line in last.lines) == sung


def test_a_later_stanza_of_a_chorus_belongs_to_it_where_verses_have_headers() -> None:
    text = f"[Verse 1]\n{HILL}\n\n[Chorus]\n{ROSE}\n\n{SEA}\n\n[Verse 2]\n{FARE}\n\n[Chorus]"
    assert form(text) == "VCCVCC"
    assert form(text.replace("[Verse 1]", "").replace("[Verse 2]", "")) == "VCVVC"
    assert form(f"[Intro]\n{HILL}\n\n[Outro]\n{ROSE}\n\n{SEA}") == "IOO"


RETURNING = {
    # stanzas, a letter each, and the form: the first letter of a stanza is what it is like
    "ABCB": "VCVC",
    "ABACAD": "CVCVCV",
    "ABCBDB": "VCVCVC",
    "ABCABD": "VCVVCV",
    "ABA": "CVC",
    "ABC": "VVV",
    "AB": "VV",
    "AA": "VV",
    "AAA": "VVV",
    "ABAB": "VVVV",  # the whole song twice
    "ABCABC": "VVVVVV",
    "ABCDEFGHIJKLMNOPQA": "VVVVVVVVVVVVVVVVVV",  # too rarely to be a chorus
}


@pytest.mark.parametrize("stanzas", RETURNING)
def test_the_stanza_that_comes_back_is_the_chorus(stanzas: str) -> None:
    texts = [f"{letter} song of the {letter * 3} river,\nAnd {letter} the sea" for letter in stanzas]
    assert form("\n\n".join(texts)) == RETURNING[stanzas]
    # Capitals, marks and what is sung in between do not count.
    other = [text.upper().replace(",", " (oh, oh)!") if place % 2 else text for place, text in enumerate(texts)]
    assert form("\n\n".join(other)) == RETURNING[stanzas]


ROSES = "O my love is like a red red rose\nNewly sprung in June\nO my love is like a melody\nSweetly played in tune"


def test_a_chorus_that_varies_is_one() -> None:
    varied = ROSES.replace("in tune", "at noon")
    assert form(f"{HILL}\n\n{ROSES}\n\n{SEA}\n\n{varied}\n\n{FARE}\n\n{ROSES}") == "VCVCVC"
    assert form(f"{HILL}\n\n{ROSES}\n\n{SEA}\n\n{varied}") == "VCVC"
    assert form(f"{ROSES}\n\n{varied}") == "VV"


NOT_CHORUSES = {
    "verses of one pattern": "\n\n".join(
        f"Go tell Aunt Rhody\nGo tell Aunt Rhody\nGo tell Aunt Rhody\n{line}"
        for line in (
            "The old gray goose is dead",
            "The one she's been saving",
            "To make a feather bed",
            "Died in the millpond",
        )
    ),
    "a refrain within": f"{HILL}\nO my darling Clementine\n\n{SEA}\nO my darling Clementine\n\n{FARE}\nO my darling Clementine",
    "one line that returns": f"{HILL}\n\nSo far\n\n{SEA}\n\nSo far",
    "headed verses alike": f"[Verse 1]\n{HILL}\n\n[Verse 2]\n{HILL}\n\n[Verse 3]\n{SEA}",
}


@pytest.mark.parametrize("name", NOT_CHORUSES)
def test_what_is_no_chorus_stays_a_verse(name: str) -> None:
    cleaned = clean_text(NOT_CHORUSES[name])
    assert (cleaned.text, cleaned.removed) == (NOT_CHORUSES[name], ())


SUNG = """\
So far
(Drop)
(Hook)
(Break)
O sea

(Bridge)
O me
--
One refrain:
So far away
--
Hook

So far away

Bridge
--
Verse after verse
So far away

Chorus of angels
So near
--
So far away
[Sample: an old song]
[x2]
[?]

[laughs]
So near
--
[Verse 1]
So far
(Chorus)
So near
--
I sing the [chorus] of my heart
and go
--
The bridge

The end
Solo
--
Intro to sorrow
So far

Final
So near
--
My Most
So far

Ponte
--
[Verse 1]
So far

Radio
So near

Toast
So far

Beat
So near
--
(I am the bridge: come over)
So far
--
[Ann & Ben]
So far

[Both]
So near"""


@pytest.mark.parametrize("text", SUNG.split("\n--\n"))
def test_lines_that_only_look_like_headers_are_sung(text: str) -> None:
    cleaned = clean_text(text)
    assert (cleaned.text, cleaned.removed) == (text, ())
    assert [line.text for line in parse(text).lines] == [
        line for line in text.split("\n") if line not in ("", "[Verse 1]")
    ]


PIECES = [
    "[Chorus]", "[Verse 1]", "[Verse 2: Ann,", "Ben]", "[Hook x2]", "[Guitar Solo]", "[Letra de \"X\"]", "[?]", "[x2]", "(x2)",
    "Chorus:", "Chorus", "CHORUS", "(Chorus x2)", "*Bridge*", "Bridge", "Coro", "Verse 3", "(Repeat Chorus)", "[Pre-Chorus",
    "Припев:", "サビ", "[Outro]", "So far", "so near", "la la", "la la\nla la", "O sea\nO me", "[", "]", "(", ")", ":", "x2", " ",
    "Verse 1: so", "[Verse 1] so", "\n", "\n", "\n", "\n\n", "\n\n", "\n\n",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=16).map("".join)
# What a rule of structure takes for a header, or writes it as: all but that is sung.
_NAMES = re.compile(r"(?i)chorus|verse|hook|solo|letra|coro|bridge|repeat|припев|outro|サビ|\bann\b|\bben\b|pre")


def structured(text: str) -> str:
    """Return a text after the rules of structure alone."""
    for rule in STRUCTURE:
        about = RuleContext(folded=text.lower(), lowered=text.lower() == text)
        for finding in reversed(rule.find(text, about)):
            text = text[: finding.start] + (finding.replacement or "") + text[finding.end :]
    return text


@given(texts)
def test_no_word_that_is_sung_is_lost_or_moved(text: str) -> None:
    found = iter(re.findall(r"\w+", _NAMES.sub(" ", structured(text))))
    assert all(
        word in found for word in re.findall(r"\w+", _NAMES.sub(" ", text)) if not re.fullmatch(r"\d*x?\d*", word)
    )


@given(texts)
def test_structure_settles_and_keeps_the_song(text: str) -> None:
    cleaned = clean_text(text)
    if not cleaned.set_aside:
        assert clean_text(cleaned.text).text == cleaned.text
    song = parse(cleaned.text)
    assert parse(render(song)) == song


STANZAS = st.lists(
    st.tuples(
        st.sampled_from(["Verse 1", "Verse 2: Ann", "Chorus", "Hook", "Pre-Chorus", "Bridge", "Outro", "Couplet 2", "Coro"]),
        st.lists(st.sampled_from([*HILL.split("\n"), *SEA.split("\n"), *FARE.split("\n")]), min_size=1, max_size=4),
    ),
    max_size=8,
)  # fmt: skip


@given(STANZAS)
def test_a_song_with_headers_and_words_stays_as_it_is(stanzas: list[tuple[str, list[str]]]) -> None:
    text = "\n\n".join("\n".join([f"[{header}]", *lines]) for header, lines in stanzas)
    assert structured(text) == text
    assert [section.header for section in parse(text).sections] == [f"[{header}]" for header, _ in stanzas]


@pytest.mark.parametrize(
    "piece",
    ["[Chorus]\n", "[Chorus]", "Chorus:\n", "(Chorus)\n\n", "[Verse 1: Ann,\n", "[Chorus]\nla\n\n", "Chorus: la\n\n",
     "la la\nla\n\n", "[Verse]\nla\n\n[Chorus]\n\n", "(", "*", "Verse ", "[Chorus x2](2x)"],
)  # fmt: skip
def test_the_worst_structure_takes_no_time(piece: str) -> None:
    began = time.process_time()
    structured(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 2


def test_kinds_are_those_that_models_know() -> None:
    assert {kind.value for kind in SectionKind} == {"verse", "prechorus", "chorus", "bridge", "intro", "outro"}
