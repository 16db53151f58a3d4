"""Every kind of dirt a lyrics page leaves on a song, and songs under some of it, with what they are when clean."""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from clean_songs import SONGS, CleanSong


@dataclass(frozen=True)
class DirtySong:
    song: CleanSong
    raw: str
    kinds: tuple[str, ...]
    title: str
    """What the record calls the song, which is not always what the page does."""
    artist: str


Dirt = Callable[[CleanSong, random.Random], str]
_BLURB = "“{0}” is a song about a place that many have sung of. [1] It was first written down in 1896… "
_PARAGRAPHS = "It is an old song.\n\nIt was first printed in 1896, and again in 1927. [1]\nNobody knows who wrote it"
HEADS: dict[str, Dirt] = {
    "title alone": lambda song, _: f"{song.title} Lyrics\n",
    "title and a blank line": lambda song, _: f"{song.title} Lyrics\n\n",
    "title glued": lambda song, _: f"{song.title} Lyrics",
    "contributors, title glued": lambda song, chance: f"{chance.randint(2, 300)} Contributors{song.title} Lyrics",
    "no space": lambda song, chance: f"{chance.randint(2, 300)}Contributors{song.title} Lyrics",
    "one contributor": lambda song, _: f"1 Contributor{song.title} Lyrics\n",
    "a line each": lambda song, _: f"27 Contributors\nTranslations\nPortuguês\nРусский\n{song.title} Lyrics\n",
    "languages": lambda song, _: f"27ContributorsTranslationsPortuguêsDeutschCatalàFrançaisEspañol{song.title} Lyrics",
    "scripts": lambda song, _: f"225 ContributorsTranslationsРусскийالعربيةΕλληνικάÍslenskaRomanization{song.title} Lyrics",
    "another page": lambda song, _: (
        f"57 ContributorsTranslationsFrançaisСрпски{song.artist} - {song.title} [From the Vault] (ترجمه‌ی فارسی){song.title} Lyrics"
    ),
    "thousands": lambda song, _: f"1.2K Contributors{song.title} Lyrics",
    "blurb": lambda song, _: f"{song.title} Lyrics{_BLURB.format(song.title)}Read More ",
    "counted blurb": lambda song, _: f"8 Contributors{song.title} Lyrics{_BLURB.format(song.title)}\u00a0Read More\u00a0\n",
    "empty blurb": lambda song, _: f"8 Contributors{song.title} LyricsRead More ",
    "picture": lambda song, _: (
        f'8 Contributors{song.title} Lyrics\\<img src="https://images.genius.com/1.300x300.jpg"/>Sung by many… Read More '
    ),
    "comment": lambda song, _: "<!--sse-->",
    "languages nobody lists": lambda song, _: f"31 ContributorsTranslationsHausaКыргызчаᐃᓄᒃᑎᑐᑦYorùbá{song.title} Lyrics",
    "one translation": lambda song, _: f"2 ContributorsTranslationEnglish{song.title} Lyrics\n",
    "every translation": lambda song, _: (
        "98 ContributorsTranslationsTürkçeไทย繁體中文Azərbaycan dili한국어日本語हिन्दीTiếng ViệtPolskiעבריתفارسیShqip"
        f"{song.title} Lyrics"
    ),
    "no translations": lambda song, _: f"TranslationsEspañolDeutsch{song.title} Lyrics",
    "split by tags": lambda song, _: f"31\nContributors\nTranslations\nHausa\nEspañol\n{song.title}\n Lyrics\n",
    "split, with a blurb": lambda song, _: (
        f"4 Contributors\n{song.title} Lyrics\n“{song.title}” is a song by\nsomebody\n, sung in\nthe hills\n"
        "since 1896…\nRead More\n"
    ),
    "blurb of paragraphs": lambda song, _: f"8 Contributors{song.title} Lyrics{_PARAGRAPHS}… Read More\u00a0\n",
    "blurb of sentences": lambda song, _: f"8 Contributors{song.title} Lyrics{_PARAGRAPHS}.\u00a0Read More\u00a0",
}  # fmt: skip
_PRICES = ["CA$307", "R$1,307", "79 €", "£30", "€45.50", "CHF 79", "1079 kr", "₹999", "MX$1,200", "zł 120"]
_PAIRS = (
    "{0} (English Translation)\nGenius English Translations",
    "Калинка (Romanized)\nGenius Romanizations",
    "{0} (Türkçe Çeviri)\nGenius Türkçe Çeviri",
    "Another Song\n{1}",
)


def _pairs(song: CleanSong, chance: random.Random) -> str:
    return "\n".join(pair.format(song.title, song.artist) for pair in chance.sample(_PAIRS, chance.randint(1, 3)))


# Each stands between two stanzas: what is glued to the one before, and what to the one after.
GAPS: dict[str, Callable[[CleanSong, random.Random], tuple[str, str]]] = {
    "marker alone": lambda song, _: ("\n\nYou might also like\n\n", ""),
    "marker below": lambda song, _: ("\nYou might also like\n\n", ""),
    "marker at a line's end": lambda song, _: ("You might also like\n\n", ""),
    "marker glued to what follows": lambda song, _: ("\n\n", "You might also like"),
    "tickets glued": lambda song, chance: (
        "\n\n", f"See {song.artist} LiveGet tickets as low as ${chance.randint(5, 999)}You might also like"
    ),
    "tickets glued to a line": lambda song, _: (f"See {song.artist} LiveGet tickets as low as $307You might also like\n\n", ""),
    "tickets on lines": lambda song, _: (f"\n\nSee {song.artist} Live\nGet tickets as low as $79\nYou might also like\n\n", ""),
    "tickets abroad": lambda song, chance: (
        "\n\n", f"See {song.artist} LiveGet tickets as low as {chance.choice(_PRICES)}You might also like"
    ),
    "shows near": lambda song, _: ("\nSee pop shows near Milan\nGet tickets as low as $101\n\n", ""),
    "upcoming shows": lambda song, _: ("\n\nSee upcoming rap shows\nGet tickets for your favorite artists\n\n", ""),
    "recommendations": lambda song, chance: (f"\n\nYou might also like\n{_pairs(song, chance)}\n\n", ""),
    "recommendations, then a line": lambda song, chance: (f"\n\nYou might also like\n{_pairs(song, chance)}\n", ""),
    "tickets and recommendations": lambda song, chance: (
        f"\n\nSee {song.artist} Live\nGet tickets as low as $1,079\nYou might also like\n{_pairs(song, chance)}\n\n", ""
    ),
    "tickets from a price": lambda song, chance: (
        f"\n\nSee {song.artist} Live\nGet tickets from {chance.choice(_PRICES)}\nYou might also like\n\n", ""
    ),
    "tickets split by tags": lambda song, _: (
        f"\n\nSee\n{song.artist}\nLive\nGet tickets as low as\n$79\nYou might also like\n\n", ""
    ),
    "shows near, glued": lambda song, _: (
        "\n\n", "See hip-hop shows near New York, NYGet tickets as low as $46You might also like"
    ),
    "twice": lambda song, _: ("\nYou might also like\n\n", "See The Band LiveGet tickets as low as $46You might also like"),
    "recommendations glued": lambda song, _: (
        "\n\n", f"You might also like{song.title} (Romanized)Genius Romanizations"
        "The Hills (English Translation)Genius English Translations"
    ),
    "the unknown among the known": lambda song, _: (
        "\n\nYou might also like\nMake Them Weep\nBen Strange\nThe Hills (Romanized)\nGenius Romanizations\n\n", ""
    ),
}  # fmt: skip
_FORM = (
    "Share URL\nCopy\nCancel\nHow to Format Lyrics:\nType out all lyrics, even if it’s a chorus that’s repeated throughout the song"
    "\nUse section headers above different song parts like [Verse], [Chorus], etc.\nUse italics (<i>lyric</i>)\n"
    "If you don’t understand a lyric, use [?]\nTo learn more, check out our transcription guide or visit our transcribers forum"
)
_FOOTER = (
    "About\nGenius Annotation\n3 contributors\nA song of the prairie, by nobody in particular.\nQ&A\nWhen was it written?\n"
    "Credits\nWritten By\nNobody\nRelease Date\nMarch 3, 1896\nTags\nCountry\nExpand\nComments\nAdd a comment\n"
    "Sign Up And Drop Knowledge 🤓\nGenius is the ultimate source of music knowledge, created by scholars like you who share facts"
)
TAILS: dict[str, Dirt] = {
    "embed": lambda song, _: "Embed",
    "digits": lambda song, chance: f"{chance.randint(1, 999)}Embed",
    "digits, small letters": lambda song, chance: f"{chance.randint(1, 999)}embed",
    "thousands": lambda song, _: "1.2KEmbed",
    "on its line": lambda song, _: "\nEmbed",
    "digits on its line": lambda song, _: "\n\n3Embed\n",
    "over two lines": lambda song, _: "\n16\nEmbed",
    "over two lines, apart": lambda song, _: "\n\n\n16\nEmbed\n",
    "share links": lambda song, _: "142EmbedShare URLCopyEmbedCopy",
    "share links, no digits": lambda song, _: "EmbedShare URLCopyEmbedCopy",
    "share lines": lambda song, _: "\n142\nEmbed\nShare URL\nCopy\nEmbed\nCopy",
    "edit form": lambda song, _: f"5Embed\n{_FORM}",
    "edit form glued": lambda song, _: "5EmbedCancelHow to Format Lyrics:Type out all lyrics, even if it’s a chorus",
    "footer": lambda song, _: f"\n\n{_FOOTER}",
    "everything": lambda song, _: f"\n16\nEmbed\n{_FORM}\n{_FOOTER}",
    "thousands on lines": lambda song, _: "\n1.2K\nEmbed",
    "some share links": lambda song, _: "7EmbedShare URLCopy",
    "some of the form": lambda song, _: (
        "\n16\nEmbed\nCancel\nHow to Format Lyrics:\nLyrics should be broken down into individual lines"
    ),
    "some of the footer": lambda song, _: (
        "12Embed\nCredits\nWritten By\nNobody\nRelease Date\nMarch 3, 1896\nTags\nCountry"
    ),
    "nothing said about it": lambda song, _: (
        "\nAbout\nHave the inside scoop on this song?\nSign up and drop some knowledge\nStart the song bio"
    ),
    "questions": lambda song, _: (
        "3Embed\nQ&A\nFind answers to frequently asked questions about the song and explore its deeper meaning\n"
        "No questions asked yet"
    ),
    "footer glued": lambda song, _: (
        "3EmbedSign Up And Drop Knowledge 🤓Genius is the ultimate source of music knowledge, created by scholars like you"
    ),
}


def _watermark(text: str, chance: random.Random) -> str:
    """Put look-alikes into words of Latin letters that are longer than the disguise."""
    words = text.split(" ")
    for place in chance.sample(range(len(words)), min(5, len(words))):
        if words[place].isascii() and len(words[place]) > 3 and "\n" not in words[place] and "[" not in words[place]:
            words[place] = words[place].replace("e", "е", 1).replace("o", chance.choice("οо"), 1)
    return " ".join(words)


def _widen(text: str, chance: random.Random) -> str:
    """Write a letter of some Latin words in double width."""
    words = text.split(" ")
    for place in chance.sample(range(len(words)), min(5, len(words))):
        if words[place].isascii() and words[place].isalpha() and len(words[place]) > 3:
            words[place] = words[place][:2] + chr(ord(words[place][2]) + 0xFEE0) + words[place][3:]
    return " ".join(words)


def _sprinkle(marks: str) -> Callable[[str, random.Random], str]:
    """Return what puts marks without width between Latin letters, where no script needs them."""

    def sprinkle(text: str, chance: random.Random) -> str:
        for mark in marks:
            places = [
                at
                for at in range(1, len(text))
                if text[at - 1 : at + 1].isascii() and "\n" not in text[at - 1 : at + 1]
            ]
            if places:
                place = chance.choice(places)
                text = text[:place] + mark + text[place:]
        return text

    return sprinkle


def _curl(text: str, chance: random.Random) -> str:
    """Write the fewer apostrophes of a song the other way."""
    mark, other = ("'", "’") if "'" in text else ("’", "'")
    return text.replace(mark, other, 1) if text.count(mark) > 2 else text


def _break_ad_libs(text: str, chance: random.Random) -> str:
    return "\n".join(
        line.replace("(", "(\n").replace(")", "\n)") if line.count("(") == 1 and "[" not in line else line
        for line in text.split("\n")
    )


CHARACTERS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, _: text,
    "look-alikes": _watermark,
    "zero width": _sprinkle("\u200b\ufeff\u2060\u200c\u00ad"),
    "other hidden marks": _sprinkle("\u200e\u2063\u034f\u3164\u200d"),
    "odd spaces": lambda text, chance: text.replace(" ", chance.choice("\u00a0\u2005\u205f\u2009\u202f\u2800"), 3),
    "wide letters": _widen,
    "apart from their accents": lambda text, _: unicodedata.normalize("NFD", text),
    "mixed apostrophes": _curl,
    "broken ad-libs": _break_ad_libs,
    "line ends": lambda text, _: text.replace("\n", "\r\n"),
    "trailing spaces": lambda text, _: text.replace("\n", " \n"),
    "lower case": lambda text, _: text.lower(),
}
LOWERED = "lower case"
# What is done to the song itself, before the page puts its dirt around it.
_OF_THE_SONG = {"look-alikes", "zero width", "other hidden marks", "odd spaces", "wide letters", "apart from their accents",
                "mixed apostrophes", "broken ad-libs"}  # fmt: skip
# What only capitals tell from a song.
_NEEDS_CAPITALS = {"blurb of sentences", "split by tags", "recommendations glued", "the unknown among the known"}
# Songs by the artist are recommended there.
_NEEDS_THE_ARTIST = {"recommendations", "recommendations, then a line", "tickets and recommendations"}
RECORDS: dict[str, Callable[[CleanSong], tuple[str, str]]] = {
    "the same": lambda song: (song.title, song.artist),
    "in capitals": lambda song: (song.title.upper(), song.artist.upper()),
    "a remix": lambda song: (f"{song.title} (Remix)", song.artist),
    "a remaster": lambda song: (f"{song.title} - Remastered 2011", song.artist),
    "with guests": lambda song: (f"{song.title} (Ft. Cora)", song.artist),
    "with its artist": lambda song: (f"{song.title} by {song.artist}", song.artist),
    "after its artist": lambda song: (f"{song.artist} - {song.title}", song.artist),
    "without brackets": lambda song: (song.title.split(" (")[0], song.artist),
    "another apostrophe": lambda song: (song.title.replace("'", "’"), song.artist.replace("'", "’")),
    "nobody knows": lambda song: ("", ""),
}


def soil(
    song: CleanSong,
    *,
    head: str = "",
    gap: str = "",
    tail: str = "",
    characters: str = "as it is",
    record: str = "the same",
    seed: int = 0,
) -> DirtySong:
    """Return the song under the dirt named; where it is lower-cased, the song is too."""
    chance = random.Random(seed)
    title, artist = RECORDS[record](song)
    text = CHARACTERS[characters](song.text, chance) if characters in _OF_THE_SONG else song.text
    if gap:
        before, after = GAPS[gap](song, chance)
        first, *stanzas = text.split("\n\n")
        place = chance.randrange(len(stanzas))
        stanzas = [first, *stanzas]
        text = "\n\n".join(stanzas[: place + 1]) + before + after + "\n\n".join(stanzas[place + 1 :])
    text = (HEADS[head](song, chance) if head else "") + text + (TAILS[tail](song, chance) if tail else "")
    if characters not in _OF_THE_SONG:
        text = CHARACTERS[characters](text, chance)
    kinds = (head, gap, tail, characters, record)
    if characters == LOWERED:
        song = replace(song, text=song.text.lower())
    return DirtySong(song, text, tuple(filter(None, kinds)), title, artist)


def every_kind() -> list[DirtySong]:
    """Return every song under every kind of dirt alone, and under every head whatever its record calls it."""
    soiled = []
    for song in SONGS:
        soiled += [soil(song, head=head, seed=3) for head in HEADS]
        soiled += [soil(song, gap=gap, seed=3) for gap in GAPS]
        soiled += [soil(song, tail=tail, seed=3) for tail in TAILS]
        soiled += [soil(song, characters=characters, seed=3) for characters in CHARACTERS]
        soiled += [soil(song, head=head, tail="digits", record=record, seed=3) for head in HEADS for record in RECORDS]
    return soiled


def crossed(count: int, seed: int = 0) -> list[DirtySong]:
    """Return `count` songs under dirt of every place at once, by records that know them more or less."""
    chance = random.Random(seed)
    soiled = []
    while len(soiled) < count:
        names = {
            "head": chance.choice(list(HEADS)),
            "gap": chance.choice(list(GAPS)),
            "tail": chance.choice(list(TAILS)),
            "characters": chance.choice(list(CHARACTERS)),
            "record": chance.choice(list(RECORDS)),
        }
        lowered = names["characters"] == LOWERED
        unknown = names["record"] == "nobody knows"
        if (lowered and (unknown or not _NEEDS_CAPITALS.isdisjoint(names.values()))) or (
            unknown and names["gap"] in _NEEDS_THE_ARTIST
        ):
            continue
        soiled.append(soil(chance.choice(SONGS), **names, seed=len(soiled)))
    return soiled
