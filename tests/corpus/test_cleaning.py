"""Cleaning: dirt goes, songs stay, and cleaning what is clean changes nothing."""

import random
import time

import pytest
from dirt import GRACE, LOWERED, RIVER, SAINTS, SHORE, SONGS, CleanSong, DirtySong, crossed, every_kind, soil
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.cleaning import RULES, Cleaned, CleaningOptions, clean_record, clean_text
from songsmith.corpus.records import RawRecord
from songsmith.errors import UsageError
from songsmith.lyrics import SectionKind, parse

# Lines of songs that a careless cleaner would take for dirt.
KEPT_LINES = """\
You might also like the way I sing
You might also like, you might also love
I think that you might also like
and You might also like me
You might also likely lose
If you might also like this song, then sing
Did you know you might also like it here?
Lyrics of love, lyrics of war
These are the lyrics that I wrote for you
I forgot the lyrics
Sing me the Lyrics that you made
He wrote the Lyrics
lyrics lyrics lyrics
Lyrics
A song without Lyrics is air
Embedded in my heart
The thorns embed
It is embedded in stone
Embed your name within my hand
The memories that we embed
You can't re-embed a broken thorn
Deep in the bed
In bed
Member of the bed
Contributors to my pain
Five contributors sat at the table
5 contributors sat at the table
1 contributor was all I had
Contributor of sorrow
Lost in translations
Translations of your eyes
No translation for the way you sing
English roses on the hill
Romanization of the heart
Read more, sleep less
Read More Of My Heart
I want to read more
Read more… and dream
Get tickets to the moon
Get tickets, get a ride, get away
Get tickets as low as you can find them
Get tickets as low as 79 and go
I'm going to get tickets for the show
Get tickets for your favorite girl
See you live
See you live, see you long
See me live and see me die
See Ann live her life
Live at the river
I came to See Ann Live
See upcoming storms
About
Cancel
Credits
Copy
Comments
Expand
Tags
Share
Release Date
Q&A
Embrace
Genius
Genius of the river
Genius level flow
You are a genius
Sign up and drop your guard
Add a comment, add a curse
About Genius
Share URL was all he said
How to format a heart
1999
7 Years
7
1, 2, 3
One, two, 3
99 red kites in the sky
Route 66
25 or 6 to 4
I've got $307
As low as $79
Get low, 4, 5, 6
1.5 miles to go
867-5309
The year was 1,999
[?]
[x2]
(x2)
x2
[Sample: an old song]
[Sample: a voice (in French)]
[laughs]
[?] and then the river
[Applause]
(Ahoy)
(Ahoy, (ahoy))
(Hey)
:)
(
:(
...
N/A
Instrumental
Unreleased
It's an instrumental, baby
Unreleased, unfinished, unforgiven
Lyrics from snippets of paper
Калинка, калинка моя
Не он, а она
хор и рама
Ελληνικά λόγια
Ο ήλιος
Привет the world
KoЯn on the radio
Ça va, naïve façade
Señor, mañana
Tiếng Việt của tôi
こんにちは　世界
사랑해요
我爱你
می‌خواهم
क्‍ष नमस्ते
👩‍🚀 to the moon
❤️‍🔥
🤓
McDonald had a farm, iPhone in hand
LOUD LINES ARE LOUD
lower lines are low
O'er the land — o'er the sea
“Curly,” she said
'Twas brillig
Chorus of angels sing
The chorus: a thousand voices
Verse and bridge and chorus
Refrain from weeping
Bridge
Hook
Hook, line and sinker
Bridge over the river
Intro to sorrow
Outro of the night
Verse
Coro de ángeles
Cross that bridge:
Chorus and verse (x2)
<3
a < b and c > d
*
- and then
# 1
Sorry, we didn't mean for that to happen
Just a moment
Coming soon
Released
Sign Up
Page 1
2 x 4
4ever21
R8
U2
B52
Over the sea [to me]
Type out all the words you never said
Cloudflare
Tracklist of my life
What's 45Embedded in the wood
1) take the road
2. Then the river"""

KEPT_TEXTS = {
    "headers in other languages": "[Couplet 1]\nLa mer\n\n[Coro]\nEl mar\n\n[가사]\n바다\n\n[Strophe 2: Ben]\nDas Meer",
    "a header over several lines": "[Verse 1: Ann,\nBen & Cora]\nSo far away\nSo far",
    "a header with people": "[Verse 1: A & B]\nSo far away\n\n[Chorus: A, both B & C]\nSo near",
    "indented lines": "The ship was cheered\n  The harbour cleared\n    Merrily did we drop\n  Below the kirk",
    "parentheses over lines": "I walked (for so\nthe song goes)\nto the river (and\nback again)",
    "pairs after nothing": "Make Them Weep\nAnn\nLullaby\nBen\nSo far away",
    "a song that counts": "1\n2\n3\n4\nSo far away",
    "a song that counts ones": "1. is for the river\n1. is for the sea\n1. is for the both of us\n1. is me",
    "a song of two sides": "Side A\nSo far away\n1. One\n2. Two\n3. Three\nSide B\nSo near",
    "a song that counts on": "1. For the river\nand the sea\n2. For the mountain\nand for me",
    "a stanza that changes": "So far away\nSo near to me\n\nSo far away\nSo dear to me",
    "one line that returns": "So far away\n\nSo near to me\nSo dear\n\nSo far away",
    "a stanza twice, with a chorus": "[Chorus]\nO river\n\nSo far\nSo near\n\nSo far\nSo near",
    "an empty chorus with none before": "[Chorus]\n\n[Verse 1]\nSo far away",
    "a chorus below a blank line": "[Chorus]\nO river\nO sea\n\n[Chorus]\n\nO river\nO sea",
    "curly alone": "I can’t, you won’t\nthey ’gin to sing",
    "one name shouted": "So far away\nANN\nSo near",
    "unreleased in it": "Unreleased\nSo far away\nAll my songs are unreleased",
    "instrumental in it": "So far away\n\n[Instrumental]\n\nSo near",
    "stanzas alike but for one": "So far away, so far\nSo near\n\n[Verse 2]\nSo far away, so far\nSo near",
    "a song twice sung": "So far away\nSo far away\n\nOver the sea\nOver the sea",
}  # fmt: skip


@pytest.mark.parametrize("line", KEPT_LINES.splitlines())
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_line_of_a_song_is_kept(line: str, place: str) -> None:
    others = ["So far away beyond the hills", "the river runs to meet the sea"]
    others.insert({"first": 0, "middle": 1, "last": 2}[place], line)
    text = "\n".join(others)
    for title in ("Beyond the Hills", "1999", ""):
        cleaned = clean_text(text, title=title, artist="Ann")
        assert (cleaned.text, cleaned.removed, cleaned.set_aside) == (text, (), "")


@pytest.mark.parametrize("name", KEPT_TEXTS)
def test_a_text_that_only_looks_dirty_is_kept(name: str) -> None:
    cleaned = clean_text(KEPT_TEXTS[name], title="Unreleased", artist="Ann")
    assert (cleaned.text, cleaned.removed, cleaned.set_aside) == (KEPT_TEXTS[name], (), "")


def test_clean_songs_stay_as_they_are() -> None:
    for song in SONGS:
        assert clean_text(song.text, title=song.title, artist=song.artist) == Cleaned(text=song.text)


def check_recovered(dirty: DirtySong) -> None:
    song = dirty.song
    cleaned = clean_text(dirty.raw, title=song.title, artist=song.artist)
    assert cleaned.text == song.text, dirty.kinds
    assert not cleaned.set_aside, dirty.kinds
    assert clean_text(cleaned.text, title=song.title, artist=song.artist) == Cleaned(text=song.text)


def test_a_song_is_recovered_from_every_kind_of_dirt() -> None:
    for dirty in every_kind():
        check_recovered(dirty)


def test_a_song_is_recovered_from_dirt_everywhere() -> None:
    for dirty in crossed(500):
        check_recovered(dirty)


@pytest.mark.slow
def test_a_song_is_recovered_from_dirt_everywhere_many_times() -> None:
    for dirty in crossed(5000, seed=1):
        check_recovered(dirty)


@pytest.mark.parametrize("song", [RIVER, SHORE, GRACE, SAINTS], ids=lambda song: song.title)
@pytest.mark.parametrize("tail", ["digits", "on its line", ""])
def test_a_page_that_came_twice_leaves_one_song(song: CleanSong, tail: str) -> None:
    dirty = soil(song, head="scripts", gap="tickets glued", tail=tail)
    assert clean_text(f"{dirty.raw}\n{song.text}", title=song.title, artist=song.artist).text == song.text


def test_a_song_that_is_sung_twice_stays_whole() -> None:
    twice = f"{GRACE.text}\n\n{GRACE.text}"
    kept = clean_text(f"3 ContributorsAmazing Grace Lyrics{twice}", title="Amazing Grace").text
    assert [line for line in kept.splitlines() if line != "[Chorus]"] == twice.splitlines()


CLEANED = {
    # raw: clean, of a song called Chinchilla by Ann
    "So far away\n1Embed": "So far away",
    "So far away (Uh)UhEmbed": "So far away (Uh)Uh",
    "So far away1,234Embed": "So far away",
    "so far away\nuhembed": "so far away\nuh",
    "so far away270embed": "so far away",
    "So far away!3EmbedEmbed": "So far away!",
    "So far away\nhere\n16\nEmbed": "So far away\nhere",
    "Chinchilla LyricsSo far away": "So far away",
    "Chinchilla Lyrics[Verse 1]\nSo far": "[Verse 1]\nSo far",
    "chinchilla lyricsso far away": "so far away",
    "Chinchilla (Live) Lyrics\nSo far away": "So far away",
    "5 ContributorsChinchilla Lyricsso far away": "so far away",
    "5 ContributorsÄlskling Lyrics[Intro]\nSo far": "[Intro]\nSo far",
    "TranslationsEspañolChinchilla LyricsSo far away": "So far away",
    "Chinchilla LyricsRead More So far away": "So far away",
    "Chinchilla Lyrics“Chinchilla” is a song about fur.\nAnn wrote it…\u00a0Read More\u00a0\n[Intro]\nSo far": "[Intro]\nSo far",
    "So far away\nYou might also like\nnear me": "So far away\nnear me",
    "So far awayYou might also like[Chorus]\nNear me": "So far away\n\n[Chorus]\nNear me",
    "So far awayYou might also likeNear me": "So far away\nNear me",
    "so faryou might also like\nnear me": "so far\nnear me",
    "So far\nSee Bob LiveGet tickets as low as €46Near me": "So far\nNear me",
    "So far\nSee Bob LiveGet tickets as low as CA$307": "So far",
    "So far\nSee Bob LiveGet tickets as low as R$1,307You might also likeNear me": "So far\nNear me",
    "So far\nSee Bob Live\nGet tickets as low as 79 €\nNear me": "So far\nNear me",
    "So far\nSee Bob LiveGet tickets as low as 1079krNear me": "So far\nNear me",
    "So far\nSee Bob LiveGet tickets as low as CHF 79Near me": "So far\nNear me",
    "So far away\nQ&A\nNo questions asked yet": "So far away",
    "So far away\nLyrics should be broken down into individual lines\nIf you don’t understand a lyric, use [?]": "So far away",
    "So far away\nIf you don’t understand a lyric, use [?]\nCancel": "So far away",
    "So far\nYou might also like\nOther\nAnn\nMore\nAnn\nThird\nAnn\nNear me\nAnn": "So far\nNear me\nAnn",
    "So far\nYou might also like\nOther\nGenius Türkçe Çeviri\nnear me": "So far\nnear me",
    "So far (\nyeah, yeah\n)\nnear me": "So far (yeah, yeah)\nnear me",
    "Thе rivеr and the sea": "The river and the sea",
    "Thο river\u200b and\u00a0the\u2005sea": "Tho river and the sea",
    "Cafe\u0301 au lait": "Café au lait",
    "I don't and I can't\nand you won’t": "I don't and I can't\nand you won't",
    "So far  \r\n\r\n\r\n\r\nNear me\t\n": "So far\n\nNear me",
    "So far\rNear me\x00": "So far\nNear me",
    "So far[Chorus]\nNear me": "So far\n\n[Chorus]\nNear me",
    "[Verse 1]So far\nNear me": "[Verse 1]\nSo far\nNear me",
    "Verse 1:\nSo far\n\nChorus:\nNear me": "[Verse 1]\nSo far\n\n[Chorus]\nNear me",
    "(Chorus x2)\nSo far": "[Chorus x2]\nSo far",
    "CHORUS\nSo far\n\nVERSE 2\nNear me": "[Chorus]\nSo far\n\n[Verse 2]\nNear me",
    "**Pre-Chorus**\nSo far\n\nBridge:\nNear me": "[Pre-Chorus]\nSo far\n\n[Bridge]\nNear me",
    "Verse 2 (Ann):\nSo far\n\n[Chorus 2x]\nNear me": "[Verse 2: Ann]\nSo far\n\n[Chorus x2]\nNear me",
    "[Chorus]\nO sea\nO me\n\n[Verse 1]\nSo far\n\n[Chorus]": "[Chorus]\nO sea\nO me\n\n[Verse 1]\nSo far\n\n[Chorus]\nO sea\nO me",
    "[Chorus]\nO sea\n\n(Repeat Chorus)\n\nSo far": "[Chorus]\nO sea\n\n[Chorus]\nO sea\n\nSo far",
    "So far\nso far\n\nO sea\nO me\n\nOther\nlines\n\nO, sea!\nO me": (
        "So far\nso far\n\n[Chorus]\nO sea\nO me\n\nOther\nlines\n\n[Chorus]\nO, sea!\nO me"
    ),
}  # fmt: skip


@pytest.mark.parametrize("raw", CLEANED, ids=repr)
def test_dirt_goes(raw: str) -> None:
    cleaned = clean_text(raw, title="Chinchilla", artist="Ann")
    assert cleaned.text == CLEANED[raw]
    assert clean_text(cleaned.text, title="Chinchilla", artist="Ann").text == cleaned.text


DOUBTFUL = {
    # raw: (what is kept, what is called suspicious), of a song called 1999 by Ann
    "So far away\n1, 2, 345Embed": ("So far away\n1, 2, 345", "1, 2, 345"),
    "So far\nit was 19993Embed": ("So far\nit was 1999", "it was 1999"),
    "So far\n1\n2\n3\nEmbed": ("So far\n1\n2\n3", "3"),
    "So far\nwords that you Embed": ("So far\nwords that you Embed", "words that you Embed"),
    "I lost the Lyrics\nSo far away": ("I lost the Lyrics\nSo far away", "I lost the Lyrics"),
    "5 Contributorsand a table\nSo far": ("5 Contributorsand a table\nSo far", "5 Contributorsand a table"),
    "So far and You might also like\nme": ("So far and You might also like\nme", "You might also like"),
    "So far\nYou might also like\nMake Them Weep\nBen Bold\nnear me": (
        "So far\nMake Them Weep\nBen Bold\nnear me", "Make Them Weep\nBen Bold"
    ),
}  # fmt: skip


@pytest.mark.parametrize("raw", DOUBTFUL, ids=repr)
def test_what_may_be_sung_is_kept_and_told(raw: str) -> None:
    cleaned = clean_text(raw, title="1999", artist="Ann")
    assert (cleaned.text, [found.text for found in cleaned.suspicious]) == (DOUBTFUL[raw][0], [DOUBTFUL[raw][1]])


def test_a_known_artist_makes_a_recommendation() -> None:
    options = CleaningOptions(known_artists=frozenset({"Ben Bold"}))
    raw = "So far\nYou might also like\nMake Them Weep\nBen Bold\nnear me"
    assert clean_text(raw, options=options).text == "So far\nnear me"


SET_ASIDE = {
    "": "no lyrics",
    " \n\n": "no lyrics",
    "Embed": "no lyrics",
    "(...)": "no lyrics",
    "N/A": "no lyrics",
    "[Intro]\n\n[Outro]": "no lyrics",
    "Chinchilla Lyrics\n[Instrumental]": "an instrumental",
    "This song is an instrumental": "an instrumental",
    "[Morceau instrumental : deux flûtes]": "an instrumental",
    "[Intro]\n[Instrumental]\n12Embed": "an instrumental",
    "Unreleased": "lyrics not released",
    "Lyrics for this song have yet to be released. Please check back once the song has been released.": "lyrics not released",
    "Lyrics from Snippet": "a snippet",
    "Tracklist\n1. One\n2. Two\n3. Three": "a track list",
    "[Disc 1]\n1. One\n2. Two\n3. Three\nDisc 2: Live\n1. Four\n2. Five": "a track list",
    "CD 1:\n1. One\n2. Two\n\nCD 2:\n3. Three\n4. Four": "a track list",
    "1. Overture\n2. Chinchilla\n3. Encore\n4. Curtain": "a track list",
    "Sorry, we didn't mean for that to happen!": "an error page",
    "<!DOCTYPE html>\n<html><head><title>Attention Required! | Cloudflare</title>": "an error page",
    "So far\n<|endof\u200btext|>": "holds <|endoftext|>, a mark songsmith uses itself",
}


@pytest.mark.parametrize("raw", SET_ASIDE, ids=repr)
def test_what_is_no_song_is_set_aside_with_the_reason(raw: str) -> None:
    assert clean_text(raw, title="Chinchilla", artist="Ann").set_aside == SET_ASIDE[raw]


@pytest.mark.parametrize("artist", ["Genius Romanizations", "Genius English Translations", "Genius Türkçe Çeviri"])
def test_translations_are_set_aside(artist: str) -> None:
    assert clean_record(RawRecord(id="1", text="So far away", artist=artist)).set_aside
    assert not clean_record(RawRecord(id="1", text="So far away", artist="Genius of Love")).set_aside


def test_a_chorus_found_is_a_chorus_for_the_parser() -> None:
    song = parse(clean_text("So far\nso near\n\nO sea\nO me\n\nMore\nwords\n\nO sea\nO me").text)
    assert [section.kind for section in song.sections] == [SectionKind.VERSE, SectionKind.CHORUS] * 2


def test_what_went_is_told_with_its_rule_and_line() -> None:
    raw = "Chinchilla Lyrics\nSo far\n\nYou might also like\nNear me\n\nthе sea3Embed"
    removed = [(gone.rule, gone.text, gone.line) for gone in clean_text(raw, title="Chinchilla").removed]
    assert removed == [
        ("look-alikes", "thе", 7),
        ("head", "Chinchilla Lyrics\n", 1),
        ("recommendations", "You might also like\n", 4),
        ("embed", "3Embed", 7),
    ]


WRITTEN_ANEW = {
    # raw: the rule, what went, what stands there, the line
    "[Chorus]\nO sea\nO me\n\nSo far\n\n[Chorus]": ("bare choruses", "", "O sea\nO me", 7),
    "CHORUS\nSo far": ("header styles", "CHORUS", "[Chorus]", 1),
    "So far\nthе sea": ("look-alikes", "thе", "the", 2),
    "So farYou might also likeNear me": ("recommendations", "You might also like", "", 1),
}  # fmt: skip


@pytest.mark.parametrize("raw", WRITTEN_ANEW, ids=repr)
def test_what_is_written_anew_or_put_in_is_told(raw: str) -> None:
    removed = clean_text(raw).removed
    assert [(span.rule, span.text, span.replacement, span.line) for span in removed] == [WRITTEN_ANEW[raw]]


def test_each_header_put_in_is_told() -> None:
    cleaned = clean_text("So far\nso near\n\nO sea\nO me\n\nMore\nwords\n\nO sea\nO me")
    assert [(span.text, span.replacement, span.line) for span in cleaned.removed] == [
        ("", "[Chorus]", 4),
        ("", "[Chorus]", 10),
    ]


@pytest.mark.parametrize(
    "blurb", ["Ann wrote it in 1896.\nIt is of fur.", "“Fur” came first.\nThen this!\nThen more. "]
)
def test_a_blurb_of_several_lines_is_told(blurb: str) -> None:
    cleaned = clean_text(f"3 ContributorsChinchilla Lyrics{blurb}Read More So far away", title="Chinchilla")
    assert cleaned.text == f"{blurb}Read More So far away"
    assert [(found.rule, found.text) for found in cleaned.suspicious] == [("blurb", f"{blurb}Read More")]


def test_thousands_of_known_artists_cost_nothing_a_song() -> None:
    options = CleaningOptions(known_artists=frozenset(f"Artist {number}" for number in range(20_000)))
    raw = "So far\nYou might also like\nMake Them Weep\nArtist 7\nNear me"
    clean_text(raw, options=options)
    began = time.process_time()
    assert {clean_text(raw, artist="Ann", options=options).text for _ in range(300)} == {"So far\nNear me"}
    assert time.process_time() - began < 3  # each song took 20 ms when it looked at every artist


def test_a_rule_can_be_left_out() -> None:
    raw = "Thе river\n3Embed"
    assert clean_text(raw, options=CleaningOptions(disabled=frozenset({"embed"}))).text == "The river\n3Embed"
    with pytest.raises(UsageError, match="embeds"):
        CleaningOptions(disabled=frozenset({"embeds"}))


def test_every_rule_has_a_name_and_says_what_it_does() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.does.endswith(".") and rule.does[0] in "`ABCDEFGHIJKLMNOPQRSTUVWXYZ" for rule in RULES)


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
    "No questions asked yet", "Q&A", "Tracklist\n", "1. One\n", "2. Two\n", "Disc 2\n",
]  # fmt: skip
TITLES = ["Chinchilla", "", "1999", "Lyrics", "Unreleased"]


def check_settled(raw: str, title: str) -> None:
    once = clean_text(raw, title=title, artist="Ann")
    again = clean_text(once.text, title=title, artist="Ann")
    assert (again.text, again.set_aside, again.removed) == (once.text, once.set_aside, ())


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(), st.sampled_from(TITLES))
@settings(max_examples=400)
def test_cleaning_again_changes_nothing(raw: str, title: str) -> None:
    check_settled(raw, title)


@pytest.mark.slow
def test_cleaning_again_changes_nothing_many_times() -> None:
    chance = random.Random(5)
    for _ in range(100_000):
        check_settled("".join(chance.choices(PIECES, k=chance.randint(1, 30))), chance.choice(TITLES))


def test_a_line_of_ten_megabytes_is_cleaned_in_time() -> None:
    began = time.process_time()
    line = "So far away " * 830_000
    assert clean_text(f"5 ContributorsChinchilla Lyrics{line}3Embed").text == f"{line.strip()} 3"
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "piece", ["Embed", "[Hook]", "You might also like", "a\n\n", "1 ", "(\n", "[", "<img ", "CHORUS\n", "е"]
)
def test_the_worst_text_takes_no_time_to_speak_of(piece: str) -> None:
    began = time.process_time()
    clean_text("5 ContributorsTranslations" + piece * (200_000 // len(piece)) + "3Embed", title="Chinchilla")
    assert time.process_time() - began < 8  # a hundred times as long if the time grew with the square


def test_lower_case_is_kept() -> None:
    dirty = soil(RIVER, head="languages", gap="recommendations", tail="digits", characters=LOWERED)
    assert clean_text(dirty.raw, title=RIVER.title, artist=RIVER.artist).text == RIVER.text.lower()
