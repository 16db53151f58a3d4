"""Clean songs of the public domain, and every kind of dirt a lyrics page leaves on them."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class CleanSong:
    title: str
    artist: str
    text: str


@dataclass(frozen=True)
class DirtySong:
    song: CleanSong
    raw: str
    kinds: tuple[str, ...]


RIVER = CleanSong(
    "Red River Valley",
    "The Prairie Singers",
    """[Verse 1]
From this valley they say you are going
We will miss your bright eyes and sweet smile
For they say you are taking the sunshine
That has brightened our pathway awhile

[Chorus]
Come and sit by my side if you love me
Do not hasten to bid me adieu
Just remember the Red River Valley
And the cowboy that loved you so true

[Verse 2: Ann & Ben]
I've been thinking a long time, my darling
Of the sweet words you never would say
Now, alas, must my fond hopes all vanish
For they say you are going away""",
)
SAINTS = CleanSong(
    "When the Saints Go Marching In",
    "Traditional",
    """Oh, when the saints go marching in
Oh, when the saints go marching in
Lord, how I want to be in that number
When the saints go marching in

And when the sun begins to shine
And when the sun begins to shine
Lord, how I want to be in that number
When the sun begins to shine!""",
)
SHORE = CleanSong(
    "7 Ships (Live) [Remastered]",
    "AC & The Tide",
    """[Intro: Ann]
(Hey, ho)
One, two, 3 ships on the water (Ahoy)
You might also like the way they roll

[Refrain]
Read more in the sails than the letters
So embedded in salt and in foam (Ooh-ooh, ooh)
[?]
See you live, see you long on the water

[Outro]
(Hey, ho)
7 ships coming home""",
)
FRENCH = CleanSong(
    "Au clair de la lune",
    "La Chorale",
    """[Couplet 1]
Au clair de la lune
Mon ami Pierrot
Prête-moi ta plume
Pour écrire un mot

[Refrain]
Ma chandelle est morte
Je n'ai plus de feu
Ouvre-moi ta porte
Pour l'amour de Dieu""",
)
RUSSIAN = CleanSong(
    "Калинка",
    "Народная",
    """[Припев]
Калинка, калинка, калинка моя
В саду ягода малинка, малинка моя

[Куплет 1]
Ах, под сосною, под зеленою
Спать положите вы меня""",
)
GRACE = CleanSong(
    "Amazing Grace",
    "John Newton",
    """Amazing grace! how sweet the sound
That saved a wretch like me
I once was lost, but now am found
Was blind, but now I see

'Twas grace that taught my heart to fear
And grace my fears relieved
How precious did that grace appear
The hour I first believed""",
)
SONGS = (RIVER, SAINTS, SHORE, FRENCH, RUSSIAN, GRACE)

Dirt = Callable[[CleanSong, random.Random], str]
_BLURB = "“{0}” is a song about a place that many have sung of. [1] It was first written down in 1896… "
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
}  # fmt: skip
_PAIRS = (
    "{0} (English Translation)\nGenius English Translations",
    "Another Song\n{1}",
    "Калинка (Romanized)\nGenius Romanizations",
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
        "\n\n", f"See {song.artist} LiveGet tickets as low as {chance.choice(['CA$307', 'R$1,307', '79 €'])}You might also like"
    ),
    "shows near": lambda song, _: ("\nSee pop shows near Milan\nGet tickets as low as $101\n\n", ""),
    "upcoming shows": lambda song, _: ("\n\nSee upcoming rap shows\nGet tickets for your favorite artists\n\n", ""),
    "recommendations": lambda song, chance: (f"\n\nYou might also like\n{_pairs(song, chance)}\n\n", ""),
    "recommendations, then a line": lambda song, chance: (f"\n\nYou might also like\n{_pairs(song, chance)}\n", ""),
    "tickets and recommendations": lambda song, chance: (
        f"\n\nSee {song.artist} Live\nGet tickets as low as $1,079\nYou might also like\n{_pairs(song, chance)}\n\n", ""
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
}


def _watermark(text: str, chance: random.Random) -> str:
    """Put look-alikes into words of Latin letters that are longer than the disguise."""
    words = text.split(" ")
    for place in chance.sample(range(len(words)), min(5, len(words))):
        if words[place].isascii() and len(words[place]) > 3 and "\n" not in words[place] and "[" not in words[place]:
            words[place] = words[place].replace("e", "е", 1)
    return " ".join(words)


def _sprinkle(text: str, chance: random.Random) -> str:
    for mark in "\u200b\ufeff\u2060\u200c":
        place = chance.choice([at for at in range(len(text)) if text[at] != "\n"])
        text = text[:place] + mark + text[place:]
    return text


CHARACTERS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, _: text,
    "look-alikes": _watermark,
    "zero width": _sprinkle,
    "odd spaces": lambda text, chance: text.replace(" ", chance.choice("\u00a0\u2005\u205f"), 3),
    "line ends": lambda text, _: text.replace("\n", "\r\n"),
    "trailing spaces": lambda text, _: text.replace("\n", " \n"),
    "lower case": lambda text, _: text.lower(),
}
LOWERED = "lower case"


def soil(
    song: CleanSong, *, head: str = "", gap: str = "", tail: str = "", characters: str = "as it is", seed: int = 0
) -> DirtySong:
    """Return the song under the dirt named; where it is lower-cased, the song is too."""
    chance = random.Random(seed)
    text = (
        CHARACTERS[characters](song.text, chance)
        if characters in ("look-alikes", "zero width", "odd spaces")
        else song.text
    )
    if characters == "zero width" and song is RUSSIAN:
        text = song.text.replace("калинка", "калин\u200bка")
    if gap:
        before, after = GAPS[gap](song, chance)
        first, *stanzas = text.split("\n\n")
        place = chance.randrange(len(stanzas))
        stanzas = [first, *stanzas]
        text = "\n\n".join(stanzas[: place + 1]) + before + after + "\n\n".join(stanzas[place + 1 :])
    text = (HEADS[head](song, chance) if head else "") + text + (TAILS[tail](song, chance) if tail else "")
    if characters in ("line ends", "trailing spaces", LOWERED):
        text = CHARACTERS[characters](text, chance)
    if characters == LOWERED:
        song = CleanSong(song.title, song.artist, song.text.lower())
    return DirtySong(song, text, tuple(filter(None, (head, gap, tail, characters))))


def every_kind() -> list[DirtySong]:
    """Return every song under every kind of dirt alone."""
    soiled = []
    for song in SONGS:
        soiled += [soil(song, head=head, seed=3) for head in HEADS]
        soiled += [soil(song, gap=gap, seed=3) for gap in GAPS]
        soiled += [soil(song, tail=tail, seed=3) for tail in TAILS]
        soiled += [soil(song, characters=characters, seed=3) for characters in CHARACTERS]
    return soiled


def crossed(count: int, seed: int = 0) -> list[DirtySong]:
    """Return `count` songs under dirt of every place at once."""
    chance = random.Random(seed)
    return [
        soil(
            chance.choice(SONGS),
            head=chance.choice(list(HEADS)),
            gap=chance.choice(list(GAPS)),
            tail=chance.choice(list(TAILS)),
            characters=chance.choice(list(CHARACTERS)),
            seed=number,
        )
        for number in range(count)
    ]
