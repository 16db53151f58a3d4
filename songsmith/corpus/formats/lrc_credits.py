"""Credits that players put among the timed lines of a song, in any language: who wrote, played or sold it. Removes nothing else."""

import re
from collections.abc import Sequence

_LONGEST_LABEL = 40
_LONGEST_CREDIT = 500
_MOST_WORDS, _MOST_WORDS_OF_ROLE = 5, 3
_AFTER_ALL_S = 99 * 60
"""NetEase gives this time to lines about itself."""
_LABELLED = re.compile(rf"([^:：]{{1,{_LONGEST_LABEL}}})[:：]\s*(\S.*)?")
_PARTS = re.compile(r"\s*(?:[/／&、,，+・·|]|\band\b|\bet\b|\by\b|\bund\b|\be\b|\bи\b|\bі\b|\bve\b)\s*", re.IGNORECASE)
_ROLE_WORDS = """
    lyrics lyric lyricist lyricists words music composer composers composition composed songwriter songwriters songwriting writer
    writers written author authors arranger arrangers arrangement arranged producer producers production produced vocal vocals
    vocalist singer singers artist artists performer performed guitar guitars bass drums drum piano keyboard keyboards synth
    strings violin viola cello saxophone trumpet percussion programming mixing mixer mix mixed mastering master mastered
    recording recorded engineer engineers label publisher publishers op sp isrc copyright title album translation
    paroles parolier musique compositeur compositeurs auteur auteurs interprète arrangements réalisation éditeur
    letra letras música compositor compositores autor autores productor productores produtor produtores intérprete arreglos
    text texte musik komponist komponisten dichter produzent produzenten arrangeur liedtext worte
    testo testi musica compositore autore produttore arrangiamento interprete
    слова музыка текст автор авторы композитор продюсер аранжировка исполнитель музика
    tekst słowa muzyka muziek tekstas söz müzik düzenleme besteci yazan aranje güfte beste
    lirik pencipta cipta penyanyi lagu sáng-tác lời nhạc ca-sĩ hòa-âm phối-khí
    作詞 作曲 編曲 歌 唄 작사 작곡 편곡 노래 가수 프로듀서 كلمات ألحان الحان توزيع غناء מילים לחן עיבוד στίχοι μουσική
    เนื้อร้อง ทำนอง เรียบเรียง ศิลปิน गीतकार संगीत संगीतकार गायक
    """
_ROLES = frozenset(_ROLE_WORDS.split())
# The parts of which Chinese labels of credits are made.
_CHINESE = re.compile(
    r"词|詞|曲|编|編|制作|製作|监制|監製|演唱|原唱|翻唱|歌手|混音|录音|錄音|母带|母帶|和声|和聲|和音|吉他|贝斯|貝斯|鼓|键盘|鍵盤|钢琴|鋼琴|弦|提琴|"
    r"笛|箫|琵琶|古筝|二胡|出品|发行|發行|统筹|統籌|策划|企划|企劃|版权|版權|封面|海报|美工|文案|推广|营销|宣传|后期|調音|调音|音响|音樂|音乐|"
    r"工程|人声|工作室|公司|总监|總監|配唱|歌名|专辑|專輯|题字|翻译|ディレクター"
)
_BETWEEN_NAMES = frozenset(
    ["and", "y", "e", "et", "und", "en", "de", "da", "di", "von", "van", "der", "feat.", "ft.", "with"]
)
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BY = re.compile(
    r"(?:(?:original|additional|all|executive|co)[ -])?(?P<role>[^\W\d_]+)(?:(?:\s*[,&/]\s*|\s+and\s+)[^\W\d_]+){0,3}\s+by\b"
    r"[\s:：]*(?P<names>\S.*)",
    re.IGNORECASE,
)


def strip_credits(lines: Sequence[tuple[float, str]], *, title: str, artist: str) -> list[str]:
    """Return the lines that are sung, from lines with times in order: without credits before the first and after the last.

    Among credits, a line written like one is one; below them, a line that only looks like one is sung.
    """
    shown = [(time, words) for time, words in lines if time < _AFTER_ALL_S]
    sung = [words for _, words in shown]
    first = 0
    names = {_fold(name) for name in (f"{title}{artist}", f"{artist}{title}") if title and artist}
    for number, (time, words) in enumerate(shown):
        # Many songs begin with their title. A player shows the title alone only at time 0, or above credits.
        is_title = title != "" and _fold(words) == _fold(title) and (time <= 0 or _begins(sung[number + 1 :]))
        if is_title or _is_credit(words) or _fold(words) in names:
            first = number + 1
        elif words and not _LABELLED.fullmatch(words) and not (number == 0 and " - " in words and _begins(sung[1:])):
            break
    end = len(sung)
    while end > first and (not sung[end - 1] or _is_credit(sung[end - 1])):
        end -= 1
    return sung[first:end]


def _begins(lines: Sequence[str]) -> bool:
    """Return whether the next words are a credit: then `Title - Artist` above them is not sung."""
    return _is_credit(next(filter(None, lines), ""))


def _is_credit(words: str) -> bool:
    if len(words) > _LONGEST_CREDIT:
        return False
    if (by := _BY.fullmatch(words)) and by["role"].casefold() in _ROLES:
        # `Written by the hand of fate` may be sung.
        return all(not word[0].islower() or word in _BETWEEN_NAMES for word in by["names"].split())
    found = _LABELLED.fullmatch(words)
    label = found[1].strip(" 【】[]()（）*") if found else ""
    if not label:
        return False
    if _HAN.search(label):
        return len(label) <= 16 and (_CHINESE.search(label) is not None or _names_role(label))
    return len(label.split()) <= _MOST_WORDS and _names_role(label)


def _names_role(label: str) -> bool:
    """Return whether every part of a label names a role: `Lyrics`, or, in a few words, `Backing Vocals`."""
    parts = [part for part in _PARTS.split(label) if part]
    return bool(parts) and all(part.casefold().replace(" ", "-") in _ROLES or _is_name_of_role(part) for part in parts)


def _is_name_of_role(part: str) -> bool:
    words = part.split()
    last = words[-1].casefold()
    return (
        len(words) <= _MOST_WORDS_OF_ROLE
        and last in _ROLES
        and not last.endswith(("ed", "written"))  # `'Tis written: ...` is sung
        and not any(word[0].islower() for word in words)
    )


def _fold(words: str) -> str:
    return re.sub(r"[\W_]+", "", words).casefold()
