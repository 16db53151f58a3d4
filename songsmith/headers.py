"""Section headers, recognised in any language and spelling.

Knows names of parts, not songs; a line that may be sung is no header.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache

from songsmith.words import SEARCH_WORD


class SectionKind(StrEnum):
    """The part a section plays in its song."""

    VERSE = "verse"
    PRECHORUS = "prechorus"
    CHORUS = "chorus"
    BRIDGE = "bridge"
    INTRO = "intro"
    OUTRO = "outro"

    @property
    def header(self) -> str:
        """The header text of this kind in English, without brackets."""
        return "Pre-Chorus" if self is SectionKind.PRECHORUS else self.value.capitalize()


Header = tuple[SectionKind, str | None]
"""What a header says: the kind of its section, and its label where that is not the plain one."""

# What sections are called in the languages of lyric pages. Accents, capitals, hyphens and points do not count: see `_fold`.
# What is neither verse nor chorus, and neither leads to one nor ends the song, is the bridge: solos, breaks, speech.
_NAMES: dict[SectionKind, str] = {
    SectionKind.VERSE: """
        verse verses stanza rap freestyle couplet vers verso versos verset estrofa estrofe strofa strofe strofă strofo strophe
        verš sloka sloha zwrotka wers kitica stih vargu strofë куплет стих строфа вірш säkeistö säe salm verze versszak posmas
        kıta dörtlük bölüm bənd шумақ bait taludtod pennill véarsa bertsoa antara charanam अंतरा অন্তরা சரணம் στροφή κουπλέ
        στίχος בית مقطع المقطع بيت البيت كوبليه الكوبليه ورس بند 벌스 벌쓰 절 가사 バース ヴァース 番 aメロ ラップ 主歌 說唱 说唱
        歌詞 歌词 đoạn lời phiên-khúc""",
    SectionKind.PRECHORUS: "build buildup lift bメロ 導歌 导歌 nakarat-öncesi anupallavi",
    SectionKind.CHORUS: """
        chorus choruses hook refrain burden drop coro estribillo refrán refrão gancho ritornello inciso refren refreni refrein
        refrän refräng refreng refrén tornada retrouso omkvæd omkved kehrreim kertosäe припев приспів прыпеў хорус рефрен хук
        дроп қайырма pripjev priedainis refrään viðlag nakarat nəqarat korus koro reff kiitikio cytgan curfá leloa ρεφρέν
        ρεφραίν επωδός פזמון הפזמון اللازمة لازمة كورس الكورس هوك کورس همخوان 후렴 후렴구 코러스 훅 サビ 大サビ ラスサビ 落ちサビ
        コーラス フック リフレイン 副歌 điệp-khúc mukhda sthayi pallavi मुखड़ा মুখড়া স্থায়ী பல்லவி คอรัส ฮุก ท่อนฮุก
        nakarat-sonrası""",
    SectionKind.BRIDGE: """
        bridge middle middle-eight interlude break breakdown instrumental solo riff skit segue vamp jam spoken spoken-word
        monologue dialogue dialog narration voicemail phone-call reprise ad-lib ad-libs transition interpolation scat scatting
        vocalization vocalizations vocalizing non-lyrical-vocals chant c-part beat-switch pont puente ponte brücke intermède
        intermezzo interludio interludium zwischenspiel c-teil brug tussenspel tussenstuk brygga stick mellanspel bro
        rap-break radio-skit
        mellemspil mellomspill c-stykke silta c-osa välisoitto most mostek łącznik przejście przerywnik mezihra medzihra híd
        átvezetés közjáték punte interludiu strumentale stacco instrumentale instrumentalny instrumentală instrumentál
        инструментал бридж мост міст брідж переход перехід интерлюдия інтерлюдія проигрыш програш брейк скит соло ura tiltas
        sild brú köprü körpü ara enstrümantal jembatan daraja hablado parlé parlato falado gesprochen γέφυρα ορχηστρικό גשר
        הגשר סי-פארט מעבר جسر الجسر پل بریج سولو 브릿지 브리지 간주 인터루드 ブリッジ 間奏 インタールード cメロ dメロ 橋段 桥段
        间奏 過渡 过渡 念白 獨白 独白 cầu-nối""",
    SectionKind.INTRO: """
        skit-intro
        intro introduction prelude prologue opening introducción introdução introducció introduzione introduktion einleitung
        vorspiel inleiding inledning förspel forspil forspill alkusoitto wstęp předehra predohra úvod uvod bevezető bevezetés
        introducere интро інтро вступление вступ увод пролог hyrje giriş pembuka εισαγωγή ίντρο פתיחה פתיח אינטרו مقدمة المقدمة
        مقدمه انترو إنترو اینترو 인트로 도입부 イントロ 前奏 引子 mở-đầu dạo-đầu""",
    SectionKind.OUTRO: """
        outro coda ending end finale final fin tag closing conclusion epilogue postlude fade-out salida cierre encerramento
        conclusão conclusione chiusura schluss nachspiel slot efterspel loppusoitto zakończenie dohra záver závěr befejezés
        încheiere аутро концовка кода кінцівка заключение завершение финал фінал эпилог kraj završetak çıkış penutup κλείσιμο
        άουτρο סיום אאוטרו خاتمة الخاتمة اوترو أوترو پایان 아웃트로 아우트로 エンディング アウトロ 後奏 尾奏 尾聲 尾声 結尾 结尾
        kết đoạn-kết""",
}
# What is sung as a line as well, and names a part only in brackets, with capitals.
_NAMES_IN_BRACKETS: dict[SectionKind, str] = {
    SectionKind.VERSE: "cypher cipher v1 v2 v3 v4 v5",
    SectionKind.BRIDGE: """
        speech speaking talking beat section whistling humming scratches scratching cuts skrecze call-and-response toast countdown
        poem vocal-sample crowd-chant zwischenteil übergang bağlantı ara-nağme речитатив распевка""",
    SectionKind.INTRO: "entrada lead-in",
    SectionKind.OUTRO: "fim saída desfecho",
}
# Parts that are counted and hold verses; `[Part]` alone says too little.
_PARTS = """
    part pt parte partie teil deel del osa część časť часть частина kısım rész μέρος חלק الجزء بخش 파트 パート phần bagian act
    movement"""
# Before the name of a chorus, in one word with it or apart: what leads to it is a pre-chorus, what follows it is chorus too.
_BEFORE = """
    pre pra pred przed vor voor för før esi elő prieš eel пред перед пре передъ προ ön para קדם פרה טרום قبل ماقبل پیش 프리 プリ
    プレ 前 預 预 tiền พรี"""
_AFTER = "post pós po poslije posle après efter etter nach jälki arka по после пост після μετα بعد پس 포스트 ポスト 後 后 hậu"
# What may stand beside the name: how often, which one, of what sort.
_BESIDE = """
    x w repeat repeated repeats repeating again twice thrice once times time bis ter fois veces vezes volte mal раза раз razy
    reprise continued continues cont contd then until till to and out fade fades fading with the of
    first second third fourth fifth sixth one two three four five six seven eight nine ten single only other another next
    last final double triple half short shortened long longer full extended alternate alternative alt variation variant
    modified different new old original opening closing ending mini big main lead live backing background vocal group
    spoken sung performed rapped whispered hidden false fake bonus slow fast quiet soft loud acoustic a cappella acapella
    hablado parlé parlato falado de guitarra saxofón batería violão
    instrumental orchestral guitar bass drum drums piano keyboard synth sax saxophone trumpet horn flute violin fiddle string
    organ harmonica accordion banjo harp cello percussion beat dance music musical male female choir no nr num number numéro
    un une uno una um uma deux dos due trois tres três tre quatre cuatro quatro quattro premier première deuxième troisième
    quatrième dernier dernière primer primero primera segundo segunda tercero tercera cuarto último última primeiro primeira
    terceiro terceira quarto primo prima seconda terzo terza ultimo ultima único única unique erste zweite dritte vierte letzte
    erster zweiter dritter letzter eerste tweede derde laatste första andra tredje sista første anden siste pierwsza druga
    trzecia ostatnia ostatni первый второй третий четвертый последний первая вторая перший другий третій останній birinci
    ikinci üçüncü son első második harmadik utolsó první druhá třetí poslední الأول الثاني الثالث الرابع الأخير اول دوم سوم
    چهارم آخر ראשון שני שלישי 마지막 반복 最後"""
_INSTRUMENTAL = "instrumental strumental enstrumantal инструментал ορχηστρικο проигрыш програш"
_SOLO = "solo solos соло riff riffs 間奏 间奏 간주"
_BETWEEN_SINGERS = """
    & + x and feat feat. ft ft. with by y e et und en i og och и the de da la el von van all both"""
# A page's own line above its song: `[Letra de "X"]`, `["X" 歌詞]`, `[Produced by X]`. It heads what is sung below it.
_LYRICS = (
    r"letras?|lletra|paroles|(?:song|lied|låt|sang)?te(?:ks|x|st)t?[aoi]?|sanat|versuri(?:le)?|lirik|lyrics|текст|слова|"
    r"στίχοι|מילים|מילות|كلمات|متن|เนื้อเพลง|lời bài hát"
)
_OF = (
    r"d[eaiou]|del|des|zu[mr]?|von|van|till?|for|to|of|piosenki|utworu|piesei|pesme|pjesme|skladby|písně|piesne|песни|пісні|"
    r"песента|από|για|του|לשיר|השיר|أغنية|اغنية|آهنگ|lagu|kappaleeseen"
)
_ABOVE_THE_SONG = re.compile(
    rf"letras?|paroles|lyrics|(?:{_LYRICS})(?:\s?[\"“”„«「『].*|\s(?:{_OF})\s.*)|.*(?:şarkı sözleri|가사|歌詞|歌词|dalszöveg)|"
    r".*[\"”“»」』]\s?-?(?:sözleri|sanoitukset|sanat|lyrics)|"
    r"(?:co-)?prod(?:\.(?:\sby)?|\sby|(?:uced|uzido|ucido|uit|otto|uziert)\s(?:by|por|par|da|von))\s.*|"
    r"(?:written|directed|mixed) by\s.*"
)
_BRACKETED = re.compile(r"\[\s*((?:[^\[\]]|\[[^\[\]]*\])+?)\s*\]")
# No header is longer, and what the pattern costs grows with the square of a line.
_LONGEST_HEADER = 200
_MOST_HEADER_ROWS = 20
# Where the name ends and something else begins: who sings, a title, a second name.
_CUT = re.compile(r"[:;|,()=<>{}\"“”„«»‘/+&]|[–—―]|\s-+|-+\s")
_PREFIX = re.compile(r"(\w{2,8})\s*[-‐‑‒–—]\s*(?=\w)")
_AFTER_SINGERS = re.compile(r"[^:(–—]{1,80}?(?::|\s-|[–—])\s*([^:;|,()/&+]+)")
# In `Verse-One` and `Chorus-Ann`, but not in `Pre-chorus`.
_HYPHEN_OF_TWO = re.compile(r"(?<=\w{4})[-‐](?=[\dA-Z])")
_NUMBER = re.compile(
    r"(?:no?|nr)?\d{1,3}(?:[a-z]|st|nd|rd|th|er|re|eme|ere|ter|te|ra|da|ta|й|и|я)?|x\d+|\d+x|[ivx]{1,6}|[a-h]"
)
_GLUED_NUMBER = re.compile(r"^\d+|x?[\d一二三四五]+[a-dx]?$|(?<=[\u1100-\uffff])[a-d]$")
_MOST_WORDS = 8
_MOST_NAMES = 3
# Short words are not made of names: `[Fin Ann]`.
_SHORTEST_NAME = 4
_MISSPELT = "verse chorus bridge intro outro refrain prechorus postchorus interlude couplet"
_UNMARKED = str.maketrans("ıøłđħðيك", "iolđhdیک", "\u200b\u200c\u200d'’`´.!?#*_~°")
_HYPHENS = re.compile(r"[-‐‑‒\s]+")


def _fold(text: str) -> str:
    """Return text as names are compared: in lower case, without accents, hyphens, spaces and marks; `×` is an x."""
    text = text.casefold().replace("×", "x")
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _HYPHENS.sub("", text.translate(_UNMARKED))


# The words of songs are few: this is asked of many lines.
_fold_word = lru_cache(maxsize=8192)(_fold)


@lru_cache(maxsize=8192)
def _without_number(word: str) -> str:
    """Return a folded word without the number that it is, or that is glued to it."""
    return "" if _NUMBER.fullmatch(word) else _GLUED_NUMBER.sub("", word)


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(_fold, words.split()))


_KIND_OF_NAME = {name: kind for kind, names in _NAMES.items() for name in _folded(names)}
_KIND_IN_BRACKETS = {name: kind for kind, names in _NAMES_IN_BRACKETS.items() for name in _folded(names)}
_PART_NAMES, _BESIDE_NAMES, _BEFORE_NAMES, _AFTER_NAMES = map(_folded, (_PARTS, _BESIDE, _BEFORE, _AFTER))
_PIECES_OF_NAMES = _folded(" ".join([*_NAMES.values(), _PARTS]).replace("-", " "))
_INSTRUMENTAL_NAMES, _SOLO_NAMES = tuple(_folded(_INSTRUMENTAL)), _folded(_SOLO)
_JOINING_WORDS = frozenset(_BETWEEN_SINGERS.split())


def parse_header(line: str) -> Header | None:
    """Return kind and label if `line` is a section header, else None. `[?]`, `[x2]` and the like are no headers."""
    return _read(line) if line.startswith("[") and len(line) <= _LONGEST_HEADER else None


# A corpus has few headers, and each of them often.
@lru_cache(maxsize=8192)
def _read(line: str) -> Header | None:
    match = _BRACKETED.fullmatch(line)
    if not match:
        return None
    text = match.group(1)
    kind = _kind_of_header(text)
    if kind is None:
        return None
    plain = kind is not SectionKind.VERSE and text == kind.header
    return kind, None if plain else text


def find_headers(rows: Sequence[str]) -> Iterator[tuple[int, int, Header]]:
    """Yield where each header begins among rows, over how many rows it is broken, and what it says."""
    behind = 0
    for row, line in enumerate(rows):
        if "[" not in line or row < behind or not (line := line.strip()).startswith("["):
            continue
        height, header = (1, parse_header(line)) if "]" in line else _parse_broken(rows[row : row + _MOST_HEADER_ROWS])
        if header is not None:
            behind = row + height
            yield row, height, header


def _parse_broken(rows: Sequence[str]) -> tuple[int, Header | None]:
    """Read a header that is broken among the names of its singers: over how many rows, and what it says."""
    rows = [row.strip() for row in rows]
    above = rows[0]
    for place in range(1, len(rows)):
        row, names = rows[place], rows[place].removesuffix("]")
        if not row and rows[place - 1] and ":" in rows[0]:
            continue  # where every newline came twice
        broken = above[-1:] in tuple(":,;&+/(-–") or row[:1] in tuple("]:,;&+/)-–")
        broken = broken or not _JOINING_WORDS.isdisjoint((above.rpartition(" ")[2], row.partition(" ")[0]))
        named = len(names.split()) <= _MOST_NAMES and may_be_singers(names)
        if not row or "[" in row or "]" in row[:-1] or not (broken or named):
            break
        if row.endswith("]"):
            return place + 1, parse_header(" ".join(filter(None, rows[: place + 1])))
        above = row
    return 1, None


def is_left_open(rows: Sequence[str], row: int) -> bool:
    """Return whether a row opens a bracket that a later one closes: `[Intro:`, and `Ann]` further down."""
    if "]" in rows[row]:
        return False
    for later in rows[row + 1 : row + _MOST_HEADER_ROWS + 1]:
        if "[" in later or "]" in later:
            return "[" not in later and later.rstrip().endswith("]") and kind_of_name(later.strip(" ]")) is None
    return False


@lru_cache(maxsize=8192)
def is_instrumental(header: str) -> bool:
    """Return whether a header, with or without its brackets, says that nobody sings: `[Guitar Solo]`, `[Chorus: Instrumental]`."""
    text = header.strip("[] ")
    # A singer may be called Solomon, or Riff.
    named = any(_without_number(_fold(word)) in _SOLO_NAMES for word in _CUT.split(text, maxsplit=1)[0].split())
    return named or any(_fold(word).startswith(_INSTRUMENTAL_NAMES) for word in SEARCH_WORD.findall(text))


def may_name(text: str) -> bool:
    """Return whether any word of a text is one that names a part, which costs less to know than which."""
    return any(map(_is_piece_of_name, SEARCH_WORD.findall(text)))


@lru_cache(maxsize=8192)
def _is_piece_of_name(word: str) -> bool:
    word = _GLUED_NUMBER.sub("", _fold(word))
    return word in _PIECES_OF_NAMES or _kind_of_word(word) is not None


def kind_of_name(name: str) -> SectionKind | None:
    """Return the kind of section that words name and do nothing else: `Verse 2`, `Final Chorus x2`, `Pré-refrain`."""
    words = name.split()
    if len(words) > _MOST_WORDS:
        return None
    words = [folded for word in words if (folded := _fold_word(word))]
    unnumbered = [bare for word in words if (bare := _without_number(word))]
    named = [word for word in unnumbered if word not in _BESIDE_NAMES]
    for some in (words, unnumbered, named):
        if kind := _kind_of_word("".join(some)):
            return kind
    if len(named) == 1 and words != named and named[0] in _PART_NAMES:
        return SectionKind.VERSE
    return kind_of_name(name.replace("-", " ")) if "-" in name else None


def _kind_of_word(word: str) -> SectionKind | None:
    if kind := _KIND_OF_NAME.get(word):
        return kind
    for end in range(1, min(len(word), 10)):
        if word[:end] in _BEFORE_NAMES or word[:end] in _AFTER_NAMES:
            kind = _KIND_OF_NAME.get(word[end:])
            if kind is SectionKind.CHORUS and word[:end] in _BEFORE_NAMES:
                return SectionKind.PRECHORUS
            if kind:
                return kind
    return None


def _kind_of_header(text: str) -> SectionKind | None:
    """Read a header: its name, else a name among singers, or after them, else what a page puts above its song."""
    text = unicodedata.normalize("NFKC", text)
    prefix = _PREFIX.match(text)
    if prefix and _fold(prefix[1]) in _BEFORE_NAMES | _AFTER_NAMES:
        text = f"{prefix[1]}-{text[prefix.end() :]}"
    name = _CUT.split(text, maxsplit=1)[0]
    kind = kind_of_name(name) or _kind_among_singers(name.split())
    if kind is None and (found := _AFTER_SINGERS.match(text)) and not _fold(name).startswith("sample"):
        kind = kind_of_name(found[1])
    if kind is None and name.strip() and not any(word[0].islower() for word in (name.split()[0], name.split()[-1])):
        words = [word for part in name.replace("-", " ").split() if (word := _fold(part))]
        unnumbered = [word for word in words if not _NUMBER.fullmatch(word)]
        named = [word for word in unnumbered if word not in _BESIDE_NAMES]
        kind = next(filter(None, (_KIND_IN_BRACKETS.get("".join(some)) for some in (words, unnumbered, named))), None)
    if kind is None and _ABOVE_THE_SONG.fullmatch(text.casefold()):
        kind = SectionKind.VERSE
    return kind


def _kind_among_singers(words: Sequence[str]) -> SectionKind | None:
    """Return what `Verse 1 Ann & Ben`, `Ann's Verse` and `Vesre 2` name, where what stands beside the name may be singers."""
    folded = [_without_number(_fold(_HYPHEN_OF_TWO.split(word)[0])) for word in words]
    places = [place for place, fold in enumerate(folded) if fold and fold not in _BESIDE_NAMES]
    numbered = any(map(str.isdigit, "".join(words)))
    # In a text without capitals, a number tells names from a sentence.
    lowered = numbered and "".join(words).islower()
    for taken in (places[:2], places[:1], places[-1:]):
        name = "".join(folded[place] for place in taken)
        singers = [words[place] for place in places if place not in taken]
        if (
            not taken
            or (name.isascii() and len(name) < _SHORTEST_NAME)
            or not (lowered or may_be_singers(" ".join(singers)))
        ):
            continue
        kind = _kind_of_word(name) or _kind_misspelt(name, numbered=numbered)
        # `[London Bridge]` is a place.
        if kind and (
            taken != places[-1:] or len(places) == 1 or kind is not SectionKind.BRIDGE or name in ("solo", "соло")
        ):
            return kind
    return None


def may_be_singers(text: str) -> bool:
    """Return whether words may be names, and words such as `and` between them."""
    return all(not word[0].islower() or word in _JOINING_WORDS for word in text.split())


def _kind_misspelt(word: str, *, numbered: bool) -> SectionKind | None:
    """Return what a name with two letters swapped means; where it has a number, with any one letter wrong."""
    for name in _MISSPELT.split():
        if word[:1] == name[0] and sorted(word) == sorted(name):
            return _kind_of_word(name)
        same = next(
            (at for at, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name))
        )
        rest = {(word[same + 1 :], name[same + 1 :]), (word[same + 1 :], name[same:]), (word[same:], name[same + 1 :])}
        if numbered and any(one == other for one, other in rest):
            return _kind_of_word(name)
    return None
