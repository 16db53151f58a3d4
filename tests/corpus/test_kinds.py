"""Files told by what is in them: song-book XML, scores, subtitles; what is not read is refused by its name, or counted."""

import gzip
import io
import json
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.text_files import PipedInput
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

DATA = Path(__file__).parent / "data"


def read(path: Path) -> list[RawRecord | SetAside]:
    importer = Importer(path)
    for _ in importer.check():
        pass
    return list(importer.songs())


def read_one(path: Path, content: str | bytes = "") -> RawRecord:
    if content:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (song,) = read(path)
    assert isinstance(song, RawRecord)
    return song


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


PARTS = "[Verse 1]\nThe wheel goes round all day\nThe water falls & runs away\n\n[Chorus]\nOh hear the sound behind the wall"


@pytest.mark.parametrize(
    ("name", "title", "words"),
    [
        ("03_opensong.xml", "Mill Song", PARTS),
        ("03_opensong_no_ending", "Mill Song", PARTS),
        (
            "03b_openlyrics.xml",
            "Mill Song",
            "[Verse 1]\nThe wheel goes round\nThe water falls\n\n[Chorus]\nOh hear the sound",
        ),
        ("03c_score.musicxml", "Mill Song", "Water falls"),
        ("03d.ttml", "03d", "The wheel goes round\nThe water falls"),
        ("03e.srt", "03e", "The wheel goes round\nThe water falls"),
        ("03f.vtt", "03f", "The wheel goes round\nThe water falls"),
    ],
)
def test_what_is_left_after_import_and_cleaning_is_sung(home: Path, name: str, title: str, words: str):
    for arguments in (["import", DATA / name, "--corpus", "c"], ["clean", "c"]):
        assert run(*arguments).exit_code == 0
    assert run("corpus", "export", "c", "--format", "text").stdout.strip() == words
    assert read_one(DATA / name).title == title


@pytest.mark.parametrize(
    "name", ["03_opensong.xml", "03b_openlyrics.xml", "03c_score.musicxml", "03d.ttml", "03e.srt", "03f.vtt"]
)
@pytest.mark.parametrize("other", ["song", "song.txt", "song.xml", "song.lyrics", "song.gz"])
def test_a_kind_is_told_by_what_is_in_the_file(tmp_path: Path, name: str, other: str):
    content = (DATA / name).read_bytes()
    if other == "song.xml" and name[-3:] in ("srt", "vtt"):
        content = b"\xef\xbb\xbf\r\n" + content.replace(b"\n", b"\r\n")
    found = read_one(tmp_path / other, gzip.compress(content) if other.endswith("gz") else content)
    assert found.text == read_one(DATA / name).text
    if other != "song.lyrics":  # in a folder, a file of an ending that is not known is passed over
        assert read_one(tmp_path).text == found.text


def test_what_is_piped_in_is_told_by_what_is_in_it():
    for name in (
        "03_opensong.xml",
        "03d.ttml",
        "03e.srt",
        "06_lrclib_get.json",
        "06c_stamps_in_column.jsonl",
        "04d.onsong",
    ):
        with closing(PipedInput(io.BytesIO((DATA / name).read_bytes()))) as pipe:
            importer = Importer(pipe)
            for _ in importer.check():
                pass
            piped = [one.text for one in importer.songs() if isinstance(one, RawRecord)]
        assert piped == [one.text for one in read(DATA / name) if isinstance(one, RawRecord)] != []


OPENSONG = """<?xml version="1.0"?>
<song><title>Mill</title><author>Jo Doe</author><key>G</key><ccli>12</ccli><presentation>{order}</presentation><lyrics>
[C]
.G       C
 Oh hear the sound
[V1]
;played softly
 The wheel goes | round
---
 Hal_le_lu__jah
[B]
 And on

 it goes
[V2]
 The water falls
[X]
</lyrics></song>"""


@pytest.mark.parametrize(
    ("order", "headers"),
    [
        ("", "[Chorus] [Verse 1] [Bridge] [Verse 2]"),
        ("V1 C V2 C B C", "[Verse 1] [Chorus] [Verse 2] [Chorus] [Bridge] [Chorus]"),
        ("v1 c", "[Verse 1] [Chorus] [Bridge] [Verse 2]"),
        ("V7 X V2", "[Verse 2] [Chorus] [Verse 1] [Bridge]"),
    ],
)
def test_opensong_is_read_in_the_order_in_which_it_is_sung(tmp_path: Path, order: str, headers: str):
    song = read_one(tmp_path / "a", OPENSONG.format(order=order))
    assert (song.title, song.artist, song.metadata["key"], song.metadata["ccli"]) == ("Mill", "Jo Doe", "G", "12")
    assert " ".join(row for row in song.text.split("\n") if row.startswith("[")) == headers
    assert "[Verse 1]\nThe wheel goes round\nHallelujah" in song.text
    assert "[Bridge]\nAnd on\n\nit goes" in song.text
    assert ".G       C\n Oh hear the sound" in str(song.metadata["chords"])


def test_verses_of_opensong_that_stand_under_each_other(tmp_path: Path):
    lyrics = "[V]\n.G\n1The wheel goes\n2The water falls\n.C\n1round and round\n2down and down\n[C]\n Oh"
    song = read_one(tmp_path / "a", f"<song><title>A</title><lyrics>{lyrics}</lyrics></song>")
    assert song.text == (
        "[Verse 1]\nThe wheel goes\nround and round\n\n[Verse 2]\nThe water falls\ndown and down\n\n[Chorus]\nOh"
    )


def test_parts_that_come_again_do_not_multiply_a_file(tmp_path: Path):
    song = read_one(tmp_path / "a", OPENSONG.format(order="V1 " * 100_000).replace("The wheel", "The wheel " * 1000))
    assert len(song.text) < 200_000


def test_openlyrics_of_other_hands(tmp_path: Path):
    song = read_one(
        tmp_path / "a.xml",
        """<?xml version="1.0" encoding="ISO-8859-1"?>
<ol:song xmlns:ol="http://openlyrics.info/namespace/2009/song" version="0.9" lang="en">
 <ol:properties><ol:titles><ol:title>Mill &amp; Co</ol:title><ol:title lang="de">Mühle</ol:title></ol:titles>
 <ol:authors><ol:author type="words">Jo</ol:author><ol:author type="music">Al</ol:author></ol:authors>
 <ol:key>G</ol:key><ol:verseOrder>c v1 c</ol:verseOrder></ol:properties>
 <ol:lyrics>
  <ol:verse name="v1" lang="en"><ol:lines part="men">The <ol:chord root="G" structure="min7" bass="B">wheel</ol:chord>
    goes<ol:br/>r<ol:tag name="red">ou</ol:tag>nd <ol:comment>softly</ol:comment>é</ol:lines>
    <ol:lines>and round</ol:lines></ol:verse>
  <ol:verse name="v1" lang="de"><ol:lines>Das Rad</ol:lines></ol:verse>
  <ol:verse name="c" lang="en"><ol:lines><ol:line>Oh</ol:line><ol:line>hear</ol:line></ol:lines></ol:verse>
 </ol:lyrics></ol:song>""",
    )
    assert (song.title, song.artist, song.metadata["key"]) == ("Mill & Co", "Jo, Al", "G")
    assert song.text == "[Chorus]\nOh\nhear\n\n[Verse 1]\nThe wheel goes\nround é\nand round\n\n[Chorus]\nOh\nhear"
    assert "The [Gm7/B]wheel goes\n" in str(song.metadata["chords"])


def note(text: str, syllabic: str = "single", *, number: str = "1", voice: str = "1", more: str = "") -> str:
    lyric = f"<syllabic>{syllabic}</syllabic><text>{text}</text>{more}"
    return f"<note><voice>{voice}</voice><lyric number='{number}'>{lyric}</lyric></note>"


def score(*parts: str) -> str:
    inside = "".join(f"<part id='P{number}'><measure>{part}</measure></part>" for number, part in enumerate(parts))
    return (
        "<score-partwise><movement-title>Mill</movement-title><identification><creator type='composer'>Al</creator>"
        f"<creator type='lyricist'>Jo</creator></identification>{inside}</score-partwise>"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            score(
                note("Hal", "begin") + note("le", "middle") + note("lu", "middle") + note("jah!", "end") + note("Oh")
            ),
            "Hallelujah!\nOh",
        ),
        (
            score(note("1. The") + note("The", number="2") + note("wheel") + note("water", number="2")),
            "[Verse 1]\nThe wheel\n\n[Verse 2]\nThe water",
        ),
        (
            score(note("one", more="<end-line/>") + note("two", more="<end-paragraph/>") + note("three")),
            "one\ntwo\n\nthree",
        ),
        (
            score(
                note("Oh,")
                + note("I")
                + note("see,")
                + note("The")
                + note("Wheel")
                + note("and")
                + note("me.")
                + note("I’m")
            ),
            "Oh, I see,\nThe Wheel and me. I’m",
        ),
        (score(note("all"), note("all") + note("we"), ""), "all we"),
        (score(note("sop") + note("alto", voice="2") + note("rano")), "sop rano"),
        (
            score(
                "<note><voice>1</voice><lyric><syllabic>single</syllabic><text>la</text><elision/><syllabic>begin</syllabic><text>wa</text></lyric></note>"
                + note("ter", "end")
                + "<note><lyric><extend/></lyric></note>"
            ),
            "la water",
        ),
    ],
    ids=["syllables", "verses", "line ends", "capitals", "parts", "voices", "elision"],
)
def test_the_words_of_a_score(tmp_path: Path, content: str, words: str):
    song = read_one(tmp_path / "x.musicxml", content)
    assert (song.title, song.text) == ("Mill", words)
    assert song.metadata == {"composer": "Al", "lyricist": "Jo"}


def test_ttml_as_players_write_it(tmp_path: Path):
    content = """<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
 xmlns:itunes="http://music.apple.com/lyric-ttml-internal"><head><metadata><ttm:title>Mill</ttm:title></metadata></head><body>
 <div itunes:songPart="Verse"><p begin="1"><span>The</span> <span>wa</span><span>ter</span><span ttm:role="x-bg">
   <span>(oh)</span></span></p><p>falls<br/>down<span ttm:role="x-translation">tombe</span></p></div>
 <div itunes:song-part="Chorus"><p>Oh &amp; hear<span ttm:role="x-roman">o</span> me</p></div></body></tt>"""
    song = read_one(tmp_path / "x.ttml", content)
    assert (song.title, song.text) == ("Mill", "[Verse]\nThe water\n(oh)\nfalls\ndown\n\n[Chorus]\nOh & hear me")
    assert song.metadata == {"synced_lyrics": content}


AT = "00:00:01,000 --> 00:00:02,000"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.srt", f"1\n{AT}\nLine one\n\nstill one\n\n2\n{AT}\n99\nred\n", "Line one\nstill one\n99\nred"),
        (
            "x.srt",
            '1\n0:0:1,0 --> 0:0:2,0 X1:1\n{\\an8}<font color="red">♪ Oh <b>hear</b> ♪</font>\nI <3 you & me',
            "Oh hear\nI <3 you & me",
        ),
        (
            "x.vtt",
            "WEBVTT Kind: captions\n\nSTYLE\n::cue { }\n\nNOTE it is\nold\n\nid-1\n00:01.000 --> 00:02.000 align:start\n"
            "<v Ann>The &lt;wheel&gt;</v>\n<00:01.500><c.red>goes</c>\n\nNOTE x\n",
            "The <wheel>\ngoes",
        ),
    ],
)
def test_subtitles_of_other_hands(tmp_path: Path, name: str, content: str, words: str):
    song = read_one(tmp_path / name, content)
    assert (song.text, song.metadata["synced_lyrics"]) == (words, content)


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x", "X:1\nT:Mill\nK:C\nCDE\nw:la", "x is ABC notation, which songsmith doesn't read. Save its lyrics as plain text."),
        ("x.txt", "% a comment\nX: 2\nT:Mill\nK:C", "is ABC notation"),
        ("x.abc", "T:Mill", "is ABC notation"),
        ("x.txt", "% words\n\\documentclass{article}", "is LaTeX"),
        ("x.tex", "la la", "is LaTeX"),
        ("x.ly", "la la", "is LilyPond"),
        ("x", '\\version "2.24"\n\\score { }', "is LilyPond"),
        ("x.txt", "[Script Info]\nTitle: x", "is an ASS subtitle"),
        ("x.py", "print('la')", "is a program"),
        ("x", "#!/bin/sh\necho la", "is a program"),
        ("x.txt", "{\\rtf1 la}", "isn't plain text but RTF"),
        ("x.pdf", "%PDF-1.4\nla", "isn't plain text but PDF"),
        ("x.mid", b"MThd\0\0", "isn't plain text but a MIDI file. Save its lyrics as plain text"),
        ("x.gp5", b"\x18FICHIER GUITAR PRO v5.00", "a Guitar Pro tablature"),
        ("x.gp", zipped("VERSION", "Content/score.gpif"), "a Guitar Pro tablature"),
        ("x.docx", zipped("[Content_Types].xml", "word/document.xml"), "a Word document"),
        ("x.mxl", zipped("META-INF/container.xml", "score.xml"), "a compressed MusicXML score. Unpack it"),
        ("x.mscz", zipped("META-INF/container.xml", "score.mscx"), "a MuseScore score. Export it as MusicXML"),
        ("x.zip", zipped("a.txt"), "a ZIP archive"),
        ("x.png", b"\x89PNG\r\n", "isn't plain text but a picture"),
        ("x.mp3", b"ID3\x03\0", "isn't plain text but a sound file"),
        ("x.xml", "<rss><channel/></rss>", "is a kind of XML that songsmith doesn't read: its root is <rss>"),
        ("x.txt.gz", gzip.compress(gzip.compress(b"la", mtime=0), mtime=0), "isn't plain text but gzipped twice. Unpack it once"),
        ("x", '<?xml version="1.0"?><museScore/>', "its root is <museScore>"),
        ("x.xml", "<song><title>A</title></song>", "its root is <song>"),
        ("x.xml", "la la", "isn't valid XML: syntax error at line 1, column 1. Export it again, or fix it there"),
        ("x.xml", "<song><lyrics>\n la</song>", "isn't valid XML: mismatched tag at line 2, column 6"),
        ("x.xml", "", "is empty"),
        ("x.musicxml", "<score-partwise><part>", "isn't valid XML: no element found"),
        ("x.ttml", "<tt><p>&nbsp;</p></tt>", "isn't valid XML: undefined entity"),
        (
            "x.xml",
            '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "la"><!ENTITY b "&a;&a;&a;">]><song><lyrics>&b;</lyrics></song>',
            "defines XML entities, which songsmith doesn't read. Export it again without them",
        ),
        (
            "x.xml",
            '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><song><lyrics>&a;</lyrics></song>',
            "defines XML entities",
        ),
        ("x.xml", "<a>" * 200_000, "isn't valid XML"),
        ("x.xml", "<song><lyrics> la</lyrics>" + "<a/>" * 1_600_000 + "</song>", "contains more markup than any song"),
        ("x.html", "<html><body>la</body></html>", "no page of Genius with lyrics in it"),
        ("x", "<!DOCTYPE html>\n<html><body>la</body></html>", "no page of Genius with lyrics in it"),
        (
            "x.xml",
            '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x" "y"><html/>',
            "no page of Genius with lyrics in it",
        ),
    ],
    ids=[str(number) for number in range(37)],
)
def test_what_is_not_read_is_refused_in_a_sentence(
    home: Path, tmp_path: Path, name: str, content: str | bytes, complaint: str
):
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    done = run("import", tmp_path / name, "--corpus", "c")
    assert done.exit_code == 3
    assert complaint in " ".join(done.stderr.split())
    assert not (home / "corpora" / "c").exists()


@pytest.mark.parametrize(("name", "kind"), [("03h.abc", "ABC notation"), ("03i_songs.tex", "LaTeX")])
def test_songs_in_languages_of_their_own_are_refused_by_their_name_whatever_the_ending(
    tmp_path: Path, name: str, kind: str
):
    (tmp_path / "x.txt").write_bytes((DATA / name).read_bytes())
    for path in (DATA / name, tmp_path / "x.txt"):
        with pytest.raises(InputError, match=f"is {kind}, which songsmith doesn't read"):
            read(path)


def test_elements_in_elements_without_end_do_no_harm(tmp_path: Path):
    deep = "<i>" * 30_000 + "la la" + "</i>" * 30_000
    assert (
        read_one(tmp_path / "a.xml", f"<song><title>A</title><lyrics>[V1]\n {deep}</lyrics></song>").text
        == "[Verse 1]\nla la"
    )
    assert read_one(tmp_path / "a.xml", f"<tt><p>{deep}</p></tt>").text == "la la"
    verse = f'<song><properties/><lyrics><verse name="v1"><lines>{deep}</lines></verse></lyrics></song>'
    assert read_one(tmp_path / "a.xml", verse).text == "[Verse 1]\nla la"


@pytest.mark.parametrize(
    "lyric",
    [
        "<3 I love you\nla",
        "<i>la la</i>\nlo",
        "{la} la\nlo",
        "X: the unknown\nT: the time",
        "1\n00 --> 01\nla",
        "\\o/ la la\nlo",
        "% of me",
        "WEB of lies\nla",
        "song: la",
    ],
)
def test_words_that_look_like_markup_are_words(tmp_path: Path, lyric: str):
    assert read_one(tmp_path / "x.txt", lyric).text == lyric


def test_a_folder_counts_what_it_passes_over(home: Path, tmp_path: Path):
    (tmp_path / "a.txt").write_text("la la")
    (tmp_path / "Mill Song").write_bytes((DATA / "03_opensong.xml").read_bytes())
    (tmp_path / "No. 5").write_text("[00:01.00]la\n[00:02.00]lo")
    (tmp_path / "Sheet").write_text("[Am]la [G7]la\nla [C]lo")
    for name in ("x.png", "y.PNG", "z.pdf", "README", "Makefile", ".hidden.png", "St. Anne"):
        (tmp_path / name).write_text("la la")
    done = run("import", tmp_path, "--corpus", "c")
    assert done.exit_code == 0
    assert "Kept 4 songs in corpus 'c'." in done.stderr
    assert "Skipped 6 files: 3 without an ending, 2 .png, 1 .pdf." in done.stderr
    assert "Skipped" not in run("import", tmp_path / "a.txt", "--corpus", "d").stderr


def test_a_folder_without_songs_says_what_is_there(tmp_path: Path):
    (tmp_path / "x.png").write_text("")
    with pytest.raises(InputError, match=r"has no files with songs\. Skipped 1 file: 1 \.png\."):
        Importer(tmp_path)


def test_what_is_refused_in_a_folder_is_set_aside_with_its_name(tmp_path: Path):
    (tmp_path / "a.txt").write_text("la la")
    (tmp_path / "b.txt").write_text("X:1\nT:Mill\nK:C")
    (tmp_path / "c.xml").write_text("<rss/>")
    found = read(tmp_path)
    assert [(one.id, one.reason) for one in found if isinstance(one, SetAside)] == [
        ("b.txt", "is ABC notation, which songsmith doesn't read"),
        ("c.xml", "is a kind of XML that songsmith doesn't read: its root is <rss>"),
    ]


def test_a_text_file_of_json_is_read_as_json(tmp_path: Path):
    rows = [{"title": "A", "text": "la"}, {"title": "B", "text": "lo"}]
    for content in ("\n".join(map(json.dumps, rows)), json.dumps(rows, indent=1)):
        (tmp_path / "x.txt").write_text(content)
        assert [one.title for one in read(tmp_path / "x.txt")] == ["A", "B"]


@pytest.mark.parametrize(
    "piece",
    ["<?xml ", "<!---->", "<!--", "<", "%\n", "X:1\n", "[", "[ ", "\n", " ", "[00:01.00]", "[00:01.00]la by and ", "1\n", "and ",
     "-->", "00:00:01,000 --> 00:00:02,000\n", "{", '{"', "{t:a}\n", "[bg:", "a: b\n", "<00:", ".G\n", "WEBVTT\n", "G  C\n"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x", "x.lrc", "x.srt", "x.onsong", "x.xml"])
def test_the_time_grows_with_the_size_and_not_with_its_square(tmp_path: Path, piece: str, name: str):
    before = "<song><lyrics>[V1]\n" if name == "x.xml" and piece[0] not in "<%" else ""
    (tmp_path / name).write_text(f"{before}{piece * (100_000 // len(piece))}")
    start = time.process_time()
    with suppress(InputError):
        read(tmp_path / name)
    assert time.process_time() - start < 5  # a square would take minutes


PIECES = st.sampled_from(
    [
        "<?xml version='1.0'?>",
        "<song>",
        "</song>",
        "<lyrics>",
        "</lyrics>",
        "[V1]\n",
        ".G\n",
        " la\n",
        "<tt>",
        "</tt>",
        "<p>",
        "</p>",
        "<br/>",
        "<properties/>",
        '<verse name="v1">',
        "</verse>",
        "<lines>",
        "</lines>",
        "<chord/>",
        "<score-partwise>",
        "</score-partwise>",
        "<note>",
        "</note>",
        "<lyric>",
        "<text>la</text>",
        "</lyric>",
        "WEBVTT\n",
        "1\n",
        "00:01.000 --> 00:02.000\n",
        "\n",
        "&amp;",
        "X:1\nK:C\n",
        "{title: a}\n",
        "[Am]la ",
        "[00:01.00]",
        '{"text": "la"}\n',
        "<!DOCTYPE a>",
        "\\begin{a}",
        "Key: G\n",
    ]
)


@given(
    content=st.lists(PIECES | st.text(max_size=3), min_size=1).map("".join),
    name=st.sampled_from(["x", "x.xml", "x.srt", "x.onsong"]),
)
def test_no_file_is_too_strange(tmp_path_factory: pytest.TempPathFactory, content: str, name: str):
    path = tmp_path_factory.mktemp("strange") / name
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    found = []
    with suppress(InputError):
        found = read(path)
    for one in found:
        assert one.text.strip() if isinstance(one, RawRecord) else one.reason
