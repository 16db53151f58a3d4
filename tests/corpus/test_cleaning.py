"""Cleaning: dirt goes, songs stay, and cleaning what is clean changes nothing."""

import time

import pytest
from clean_songs import GRACE, RIVER, SONGS, CleanSong
from dirt import LOWERED, DirtySong, crossed, every_kind, soil

from songsmith.corpus.cleaning import RULES, Cleaned, CleaningOptions, clean_record, clean_text
from songsmith.corpus.records import RawRecord
from songsmith.errors import UsageError
from songsmith.lyrics import SectionKind, parse, parse_header


def test_clean_songs_stay_as_they_are() -> None:
    for song in SONGS:
        assert clean_text(song.text, title=song.title, artist=song.artist) == Cleaned(text=song.text)


def check_recovered(dirty: DirtySong) -> None:
    song = dirty.song
    cleaned = clean_text(dirty.raw, title=dirty.title, artist=dirty.artist)
    assert cleaned.text == song.text, dirty.kinds
    assert not cleaned.set_aside, dirty.kinds
    assert clean_text(cleaned.text, title=dirty.title, artist=dirty.artist) == Cleaned(text=song.text)


def test_a_song_is_recovered_from_every_kind_of_dirt() -> None:
    for dirty in every_kind():
        check_recovered(dirty)


def test_a_song_is_recovered_from_dirt_everywhere() -> None:
    for dirty in crossed(500):
        check_recovered(dirty)


@pytest.mark.slow
def test_a_song_is_recovered_from_dirt_everywhere_many_times() -> None:
    for dirty in crossed(8000, seed=1):
        check_recovered(dirty)


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.title)
@pytest.mark.parametrize("tail", ["digits", "on its line", ""])
def test_a_page_that_came_twice_leaves_one_song(song: CleanSong, tail: str) -> None:
    dirty = soil(song, head="scripts", gap="tickets glued", tail=tail)
    assert clean_text(f"{dirty.raw}\n{song.text}", title=song.title, artist=song.artist).text == song.text


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.title)
def test_a_page_that_came_twice_with_all_its_dirt_leaves_one_song(song: CleanSong) -> None:
    raw = f"12 Contributors{song.title} Lyrics{song.text}12Embed"
    assert clean_text(f"{raw}\n\n{raw}", title=song.title, artist=song.artist).text == song.text


@pytest.mark.parametrize("lines", [8, 15, 16, 17, 24])
def test_a_song_of_one_line_is_no_page_that_came_twice(lines: int) -> None:
    song = "\n".join(["Over and over"] * (lines // 2) + [""] + ["Over and over"] * (lines - lines // 2))
    assert clean_text(f"3 ContributorsOver Lyrics{song}12Embed", title="Over").text.replace("[Chorus]\n", "") == song


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
    "So far\nYou might also like\nOld Barn (feat. Zed)\nOther Person\nSea\nAnn\n\n[Chorus]\nNear me": "So far\n\n[Chorus]\nNear me",
    "So far\nYou might also like\nNo te vas\nOther Person\nThe Sea\nAnn\nnear me": "So far\nnear me",
    "So far\nYou might also like\nCalle del Sol\nAnn\nnear me": "So far\nnear me",
    "So far\nYou might also like\niLove\nxx.kid\nمرحبا بك\nGenius English Translations\nnear me": "So far\nnear me",
    "So far\nYou might also like\nOld Barn\nAnn\nSea\nAnn\nSky\nAnn12Embed": "So far",
    "3 ContributorsChinchilla LyricsThe river ranYou might also like'cause it stopped": "The river ran\n'cause it stopped",
    "SO FARYou Might Also Like[Chorus]\nNEAR ME": "SO FAR\n\n[Chorus]\nNEAR ME",
    "I live on 42\nI live on 42\n\n[Outro]\nI live on 4237Embed": "I live on 42\nI live on 42\n\n[Outro]\nI live on 42",
    "1, 2, 3\nO sea\n1, 2, 345Embed": "1, 2, 3\nO sea\n1, 2, 3",
    "So far, Block 1.2KEmbed": "So far, Block",
    'So far away12Embed"': "So far away",
    "So far away12Embed.": "So far away",
    "So far away12Embed']": "So far away",
    "So far awayEmbed,": "So far away",
    "So far away3EmbedShare URLCopy EmbedCopy": "So far away",
    "So far away3 Embed Share URL Copy Embed Copy": "So far away",
    "So far away\nEmbed Share URL Copy Embed Copy": "So far away",
    "So far away!3\nEmbed": "So far away!",
    "So far away3\nEmbed": "So far away",
    "So far away\n3 Embed": "So far away",
    "The river ran12Embed\n\n[Verse 1]\nSo far": "The river ran\n\n[Verse 1]\nSo far",
    "So far away12Embed\n\nRelated Songs": "So far away",
    "La calle Lyrics\n[Verso 1]\nEl río va12Embed": "[Verso 1]\nEl río va",
    "New Music Friday 03/27/20 Lyrics\nSo far away\nnear me12Embed": "So far away\nnear me",
    "La calle vacía Lyrics\nSo far away\nnear me12Embed": "So far away\nnear me",
    "12 ContributorsChinchilla Lyrics [Verse 1] The river ran away See Bo Mills Live Get tickets as low as $50 "
    "You might also like [Chorus] Come down to me 12 Embed": "[Verse 1]\nThe river ran away\n\n[Chorus]\nCome down to me",
    "So far\nSee Bo Mills LiveGet ticketsYou might also like\nNear me": "So far\nNear me",
    "So far\nSee Bo Mills LiveGet tickets as low as Dhs. 200You might also like\nNear me": "So far\nNear me",
    "So far\nSee Bo Mills LiveGet tickets as low as 50\nNear me": "So far\nNear me",
    "12 ContributorsChinchilla Lyrics [Verse 1] So far away [Chorus] O sea, o me [Verse 2] Near me 12 Embed": (
        "[Verse 1]\nSo far away\n\n[Chorus]\nO sea, o me\n\n[Verse 2]\nNear me"
    ),
    "3 ContributorsChinchilla LyricsAnn wrote it.\n[Laughs] was what she said of\n[this] later on… Read More\n[Verse 1]\nSo far": (
        "[Verse 1]\nSo far"
    ),
    "3 ContributorsChinchilla LyricsThe song of fur by Ann, released on May 5, 1904 Read More\u00a0\n[Verse 1]\nSo far": (
        "[Verse 1]\nSo far"
    ),
    '<img src="https://images.genius.com/1.png" width="640"\nheight="480" alt="x > y">So far': "So far",
    "https://images.genius.com/1.500x500x1.png\nSo far": "So far",
    "![](https://images.genius.com/1.png)\nSo far": "So far",
    "5 contributors\ntranslations\nromanization\npaper lanterns lyrics\nso far": "so far",
    "windmill lyricsturning, turning\nso far12embed": "turning, turning\nso far",
    "You &amp; I, don&#x27;t go<br/>\nSo far<br>Near": "You & I, don't go\nSo far\nNear",
    "So far away\\nO sea\\n\\nNear me12Embed": "So far away\nO sea\n\nNear me",
    "So far (Ooh\n, yeah\n, ooh)\nnear me": "So far (Ooh, yeah, ooh)\nnear me",
    "(\nSo far\nso near\n) to me": "(So far\nso near) to me",
    "So far (\nyeah, yeah\n)\nnear me": "So far (yeah, yeah)\nnear me",
    "So far\nSee\nBob\nLive\nGet tickets as low as\n$79\nYou might also like\nNear me": "So far\nNear me",
    "So far\nSee Bob Live\nGet tickets from €79.50\nNear me": "So far\nNear me",
    "So far\nSee hip-hop shows near São Paulo, SPGet tickets as low as R$ 1.307You might also like[Chorus]\nNear me": (
        "So far\n\n[Chorus]\nNear me"
    ),
    "So far\nSee Ann Live\nYou might also like\nnear me": "So far\nnear me",
    "So far\nYou might also likeWeepAnnOther SongAnn & BobNear me": "So far\nNear me",
    "So far\nYou might also likeWeep (Romanized)Genius Romanizations[Chorus]\nNear me": "So far\n\n[Chorus]\nNear me",
    "So far\nYou might also like\nMake Them Weep\nBen Bold\nOther\nAnn\nnear me": "So far\nnear me",
    "3 ContributorsChinchilla Lyricsso far\nYou might also likenear me": "so far\nnear me",
    "3 ContributorsChinchilla LyricsSo far to the seaAnd I go on\nNear me": "So far to the sea\nAnd I go on\nNear me",
    "3\nContributors\nTranslations\nHausa\nChinchilla\n Lyrics\n[Verse 1]\nSo far\n16\nEmbed": "[Verse 1]\nSo far",
    "3 Contributors\nTranslations\nHausa\nFur Lyrics\nIt is by\nAnn\n, of 1896…\nRead More\n[Verse 1]\nSo far": "[Verse 1]\nSo far",
    "3 ContributorsTranslationsHausaRuna SimiFur (Live) [2011] Lyrics[Verse 1]\nSo far": "[Verse 1]\nSo far",
    "3 ContributorsChinchilla Lyrics It is. It was.": "It is. It was.",
    "3 ContributorsChinchilla LyricsAnn wrote it in 1896.\nIt is of fur. Read More So far away": "So far away",
    "3 ContributorsChinchilla Lyrics“Fur” came first.\n\nThen this!\nThen more.\nRead More\n[Intro]\nSo far": "[Intro]\nSo far",
    "Fur Lyrics\n[Verse 1]\nSo far": "[Verse 1]\nSo far",
    "So far away\nx2\n45\nEmbed": "So far away\nx2",
    "So far away1.2MEmbed": "So far away",
    "So far away7EmbedShare URLCopy": "So far away",
    "So far away\nCredits\nWritten By\nAnn\nRelease Date\nMarch 3, 1896\nTags\nCountry": "So far away",
    "So far away\nAbout\nHave the inside scoop on this song?\nSign up and drop some knowledge\nStart the song bio": "So far away",
    "So far awayGenius is the ultimate source of music knowledge, created by scholars like you": "So far away",
    "So far away12EmbedAboutGenius Annotation3 contributorsIt is of fur": "So far away",
    "Thе rivеr and the sea": "The river and the sea",
    "It was а long river and a lоng road down to the wide, wide seа, O": (
        "It was a long river and a long road down to the wide, wide sea, O"
    ),
    "The rivｅr and ＬＯＶＥ": "The river and ＬＯＶＥ",
    "The\u2800river\u200e and\u3164 the sea\u034f": "The river and the sea",
    "\ufeffThe ri\u00adver": "The river",
    "I don't, I can't, I'm rollin’\n’til the morning": "I don't, I can't, I'm rollin'\n'til the morning",
    "I don’t, I can’t, I’m rollin'\n'til he said 'no'": "I don’t, I can’t, I’m rollin’\n’til he said 'no'",
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
    "Verse 2 (Ann):\nSo far\n\n[Chorus 2x]\nNear me": "[Verse 2: Ann]\nSo far\n\n[Chorus 2x]\nNear me",
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
    "So far\nBack in '9945Embed": ("So far\nBack in '99", "Back in '99"),
    "So far\nBack in ’99Embed": ("So far\nBack in ’99", "Back in ’99"),
    "So far\n'643Embed": ("So far\n'64", "'64"),
    "So far\nBlock 101.2KEmbed": ("So far\nBlock 10", "Block 10"),
    "He sang the Lyrics\nSo far12Embed": ("He sang the Lyrics\nSo far", "He sang the Lyrics"),
    "He Sang Lyrics\nSo farEmbedShare URLCopyEmbedCopy": ("He Sang Lyrics\nSo far", "He Sang Lyrics"),
    "3 Contributors1999 Lyrics\nHe sang the Lyrics\nSo far3Embed": ("He sang the Lyrics\nSo far", "He sang the Lyrics"),
    # The singer's own name is sung.
    "Yeah\nYou might also like\nWho is that?\nAnn\nnear me": ("Yeah\nWho is that?\nAnn\nnear me", "Who is that?\nAnn"),
    "So far\nYou might also like\nYeah\nAnn\nYeah\nAnn\nnear me": ("So far\nYeah\nAnn\nYeah\nAnn\nnear me", "Yeah\nAnn\nYeah\nAnn"),
    "So far\nYou might also like\nI Love You\nBaby\nOh\nAnn\nnear": (
        "So far\nI Love You\nBaby\nOh\nAnn\nnear", "I Love You\nBaby\nOh\nAnn"
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


def test_a_word_that_is_an_artist_too_is_kept() -> None:
    options = CleaningOptions(known_artists=frozenset({"Queen", "Future"}))
    cleaned = clean_text("So far\nYou might also like\nI need a\nQueen\nwith me", options=options)
    assert cleaned.text == "So far\nI need a\nQueen\nwith me"
    assert [found.text for found in cleaned.suspicious] == ["I need a\nQueen"]


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
    "So far\n<|endof\u200btext|>": "contains <|endoftext|>, a mark that songsmith uses itself",
}


@pytest.mark.parametrize("raw", SET_ASIDE, ids=repr)
def test_what_is_no_song_is_set_aside_with_the_reason(raw: str) -> None:
    assert clean_text(raw, title="Chinchilla", artist="Ann").set_aside == SET_ASIDE[raw]


@pytest.mark.parametrize(
    "artist",
    [
        "Genius Romanizations",
        "Genius English Translations",
        "Genius Türkçe Çeviri",
        "Genius Traducciones al Español",
        "Polskie tłumaczenia Genius",
        "Genius",
    ],
)
def test_translations_are_set_aside(artist: str) -> None:
    assert clean_record(RawRecord(id="1", text="So far away", artist=artist)).set_aside
    for singer in ("Genius of Love", "boygenius", "Mad Genius", "GZA/Genius"):
        assert not clean_record(RawRecord(id="1", text="So far away", artist=singer)).set_aside


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


def test_blank_lines_taken_out_above_change_no_line_number() -> None:
    removed = clean_text("Verse 1:\nSo far\n\n\n\nChorus:\nO sea\n\n\n\nVerse 2:\nSo near").removed
    assert [(gone.text, gone.line) for gone in removed] == [("Verse 1:", 1), ("Chorus:", 6), ("Verse 2:", 11)]


def test_a_short_blurb_goes_where_a_header_follows() -> None:
    for gap in ("\n", " \n", "\u00a0\n"):
        raw = f"3 ContributorsFur LyricsIn his words: Read More{gap}[Verse 1]\nSo far\n12Embed"
        assert clean_text(raw, title="Fur").text == "[Verse 1]\nSo far"
    song = "[Verse 1]\nSo far\nRead More\n[Chorus]\nO sea"
    assert clean_text(song, title="Fur").text == song


def test_a_quotation_mark_behind_a_number_and_embed_goes_from_a_page_alone() -> None:
    assert clean_text('3 ContributorsFur Lyrics[Verse 1]\nSo far\n12 Embed"').text == "[Verse 1]\nSo far"
    assert clean_text('He said "12 Embed"').text == 'He said "12 Embed"'


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


def test_a_blurb_without_a_head_is_told() -> None:
    cleaned = clean_text("Ann wrote it in 1896.\nIt is of fur. Read More So far away", title="Chinchilla")
    assert cleaned.text == "Ann wrote it in 1896.\nIt is of fur. Read More So far away"
    assert [(found.rule, found.text) for found in cleaned.suspicious] == [
        ("blurb", "Ann wrote it in 1896.\nIt is of fur. Read More")
    ]


@pytest.mark.parametrize(
    "line", ["I saw it on YouTube, and then", "a song for DeSoto and McDonald", "the iPhone rings"]
)
def test_names_with_a_capital_inside_are_no_joined_lines(line: str) -> None:
    assert clean_text(f"3 ContributorsFur Lyrics{line}12Embed").text == line


@pytest.mark.parametrize(
    "word", ["knowhatI'msayin", "youknowI'ms—?", "youknowhatI'msayin?", "whatchuthinkI’mdoin", "y'knowhatI'mean"]
)
def test_a_word_with_a_contraction_inside_is_one_word(word: str) -> None:
    for line in (f"Down by the sea, {word}", f"So far, {word} and I go"):
        cleaned = clean_text(f"3 ContributorsFur Lyrics{line}\nand away12Embed")
        assert (cleaned.text, cleaned.suspicious) == (f"{line}\nand away", ())


def test_a_contraction_that_begins_a_line_is_parted_from_the_one_before() -> None:
    for joined, parted in (("soulIt's", "soul\nIt's"), ("nightI'm", "night\nI'm"), ("seaDon’t", "sea\nDon’t")):
        cleaned = clean_text(f"3 ContributorsFur LyricsDown in my {joined} so far away12Embed")
        assert cleaned.text == f"Down in my {parted} so far away"


@pytest.mark.parametrize("text", [
    "No more trickin' (\nKeep it real\nand sing it loud\nMore (yeah)", "No more trickin' (\nKeep it real", "No more\n) and away",
    "No more trickin' (\n" + "Keep it real, keep it real\n" * 20 + ")",
])  # fmt: skip
def test_a_line_that_opens_a_parenthesis_at_its_end_is_whole_again(text: str) -> None:
    cleaned = clean_text(text).text
    assert cleaned.split() == text.replace("(\n", "(").replace("\n)", ")").split()
    assert all(not line.endswith("(") and not line.startswith(")") for line in cleaned.splitlines())


def test_a_header_or_a_face_is_not_joined_to_a_line() -> None:
    for text in ("So sad :(\nand away", "No more (\n[Chorus]\nO sea", "No more (\n\nO sea", "[Chorus]\n) O sea"):
        assert clean_text(text).text == text


@pytest.mark.parametrize(
    ("line", "latin"),
    [
        ("like Ι have got", "like I have got"), ("Ι’m here", "I’m here"), ("and І go", "and I go"), ("а long way", "a long way"),
    ],
)  # fmt: skip
def test_a_word_of_one_letter_is_latin_among_latin_words(line: str, latin: str) -> None:
    assert clean_text(line).text == latin
    assert clean_text(f"{line}\nΣ' αγαπώ").text.startswith(latin if "Ι" in line else line)


@pytest.mark.parametrize("line", ["Σαν Ι πας", "а", "Ι", "love а мир", "Α και Ω"])
def test_a_word_of_one_letter_stays_among_words_of_its_alphabet(line: str) -> None:
    assert clean_text(line).text == line


def test_what_may_be_two_lines_is_told_where_a_page_was_scraped() -> None:
    told = clean_text("3 ContributorsFur LyricsSo far to the seaNear me I go12Embed").suspicious
    assert [(found.rule, found.text) for found in told] == [("joined lines", "seaNear")]
    assert not clean_text("So far to the seaNear me I go").suspicious


@pytest.mark.parametrize(
    ("page", "record"),
    [
        ("Babe (Taylor’s Song)", "Babe (Taylor's Song) [From the Vault]"), ("Babe", "Babe - Remastered 2011"),
        ("Señor", "Senor (Ft. Cora)"), ("Why?", "Why? (Remix)"), ("22", "Ann - 22"), ("Babe", "Babe by Ann"), ("+", "+"),
    ],
)  # fmt: skip
def test_a_title_is_known_however_the_record_writes_it(page: str, record: str) -> None:
    assert clean_text(f"{page} Lyrics\nSo far away", title=record, artist="Ann").text == "So far away"


@pytest.mark.parametrize(
    ("line", "title"), [("Lovely Lyrics", "Love"), ("Sing me the Lyrics", "Sing"), ("My Lyrics", "Sea")]
)
def test_a_line_that_only_begins_as_the_title_does_is_kept(line: str, title: str) -> None:
    for text in (f"{line}\nSo far away", f"{title} Lyrics\n{line}\nSo far away\n12\nEmbed"):
        assert clean_text(text, title=title).text == f"{line}\nSo far away"


WITH_AD_LIBS = """\
[Verse 1]
So far away (yeah, yeah)
(Ooh)
Near me (x2)
[Chorus: Ann]
O sea (la, (la)), (hey)!
(I) go [?]

(Ahoy)

[Chorus: Ann]"""


def test_ad_libs_and_headers_stay_unless_somebody_asks() -> None:
    kept = clean_text(WITH_AD_LIBS).text
    assert kept.startswith(WITH_AD_LIBS)
    bare = clean_text(WITH_AD_LIBS, options=CleaningOptions(keep_adlibs=False, strip_headers=True))
    assert bare.text == "So far away\nNear me (x2)\n\nO sea\n(I) go [?]\n\nO sea\n(I) go [?]"
    assert {span.rule for span in bare.removed} == {"bare choruses", "drop ad-libs", "strip headers"}
    assert ("drop ad-libs", "(Ooh)\n", 3) in [(span.rule, span.text, span.line) for span in bare.removed]


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.title)
def test_stanzas_stay_apart_without_their_headers(song: CleanSong) -> None:
    options = CleaningOptions(strip_headers=True)
    stripped = clean_text(song.text, title=song.title, artist=song.artist, options=options)
    assert stripped.text.count("\n\n") == song.text.count("\n\n")
    assert [line for line in song.text.split("\n") if not parse_header(line)] == stripped.text.split("\n")
    assert clean_text(stripped.text, title=song.title, options=options) == Cleaned(text=stripped.text)


def test_what_a_later_rule_takes_is_not_called_suspicious() -> None:
    cleaned = clean_text("Chinchillas Lyrics\nSo far away\n\nNear me12Embed", title="Fur Chinchillas")
    assert (cleaned.text, cleaned.suspicious) == ("So far away\n\nNear me", ())


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


def test_lower_case_is_kept() -> None:
    dirty = soil(RIVER, head="languages", gap="recommendations", tail="digits", characters=LOWERED)
    assert clean_text(dirty.raw, title=RIVER.title, artist=RIVER.artist).text == RIVER.text.lower()
