"""What only looks dirty comes through cleaning as it is: a hundred songs, line by line, with dirt around them too."""

import pytest
from hard_cases import HARD_CASES, HardCase

from songsmith.corpus.cleaning import clean_text

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


_FORM = "5Embed\nCancel\nHow to Format Lyrics:\nType out all lyrics, even if it’s a chorus that’s repeated throughout the song"
AROUND = {
    "a head and an end": "27 ContributorsTranslationsEspañolРусский{title} Lyrics{text}12Embed",
    "a head and an end on lines": "{title} Lyrics\n{text}\n12\nEmbed",
    "share links": "{text}EmbedShare URLCopyEmbedCopy",
    "the edit form and the footer": f"{{text}}{_FORM}\nAbout\nGenius Annotation\n3 contributors\nIt is old.\nExpand\nCredits",
    "tickets before": "See {artist} LiveGet tickets as low as $79You might also like\n\n{text}",
    "tickets and more behind": "{text}\nSee {artist} Live\nGet tickets as low as $79\nYou might also like\nWeep\n{artist}",
}


def test_there_are_a_hundred() -> None:
    assert len({case.why for case in HARD_CASES}) == len({case.text for case in HARD_CASES}) == 100


@pytest.mark.parametrize("case", HARD_CASES, ids=lambda case: case.why)
def test_a_hard_case_is_kept(case: HardCase) -> None:
    cleaned = clean_text(case.raw or case.text, title=case.title, artist=case.artist)
    assert (cleaned.text.split("\n"), cleaned.set_aside) == (case.text.split("\n"), "")
    assert case.raw or not cleaned.removed
    assert not case.told or case.told in [found.text for found in cleaned.suspicious]


@pytest.mark.parametrize("around", AROUND)
def test_hard_cases_are_kept_inside_a_page(around: str) -> None:
    for case in HARD_CASES:
        if case.under_dirt and not case.raw:
            raw = AROUND[around].format(title=case.title, artist=case.artist, text=case.text)
            cleaned = clean_text(raw, title=case.title, artist=case.artist)
            assert (cleaned.text.split("\n"), cleaned.set_aside) == (case.text.split("\n"), ""), case.why
