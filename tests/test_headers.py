"""Headers: what people call the parts of songs is understood, and what may be sung is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.headers import SectionKind, find_headers, is_instrumental, kind_of_name, parse_header

# As they stand on lyric pages, a kind to each paragraph, divided by bars.
HEADERS = {
    SectionKind.VERSE: """
        Verse | Verse 1 | Verse 2 | Verse 10 | VERSE 3 | verse 1 | Verse One | Verse Two | Verse I | Verse IV
        Verse A | Verse 1A | 1st Verse | 2nd Verse | First Verse | Second Verse | Third verse | Last Verse
        Final Verse | Verse1 | Verse #1 | Verse No. 2 | Verse 1: Ann | verse 2 ann & ben | Verse 1: Ann & Ben
        Verse 1: Ann & Ben, Cora | Verse 1 - Ann | Verse 1 – Ann | Verse 1 — Ann | Verse 1- Ann | Verse 1 (Ann)
        Verse 1, Ann | Verse 1; Ann | Verse 1 Ann | Verse Ann | Verse 1 Ann & Ben | Verse 1 by Ann
        Verse 1 feat. Ann | Verse 1 (feat. Ann) | Verse 1: Ann (Ben) | Verse 1: Ann, *Ben* & Both
        Verse 2: A$AP Ann | Verse.2 | Verse 1 "The River" | Verse: Ann | Verse:1 | Verse 1: | Verse x2 | Verse 1 x2
        Verse 1 (x2) | Verse 1 & 2 | Verse 1-2 | Verses 1 & 2 | Verse 1/Verse 2 | Verse 3/Outro | Verse/Chorus
        Ann: Verse 1 | Ann - Verse 2 | Ann's Verse | Ann Verse 1 | Rap Verse | Rap | Rap: Ann | Rap 1 | Spoken Verse
        Verse (Spoken) | Freestyle | Freestyle: Ann | Verse 2 (Live) | Stanza 2 | Vesre 1 | Verese 2 | Vers 1
        Vere 2 | Verse 2 (Continued) | Verse 2 cont. | Alternate Verse | Part 1 | Part I | Part II: The River
        Part One | Part 2 - The Sea | Pt. 2 | Act I | Couplet 1 | Couplet 2: Ann | Couplet unique | Premier couplet
        2ème couplet | 1er Couplet | Couplet n°1 | Couplet II : Ann | Couplet | Verso 1 | Verso 2: Ana | Verso
        Estrofa 1 | Estrofe 2 | Verso Único | Primeira Estrofe | Strofa 1 | Strofa 2: Anna | Strofa | Strophe 1
        Strophe 2: Anna | 1. Strophe | Part 1: Anna | Teil 2 | Vers 2 | Zwrotka 1 | Zwrotka 2: Anna | Zwrotka
        Куплет 1 | Куплет 2: Анна | Куплет | 1-й куплет | Первый куплет | Куплет 1: Анна & Борис | Куплет 3
        Vers 1: Anna | Vers | Säkeistö 1 | Säkeistö 2: Anna | Sloka 1 | 1. sloka | Verze 1 | Verš 1 | Strofă 1
        Strofa I | Kıta 1 | KITA 2 | Bölüm 1 | Verse 1: Ayşe | Bait 1 | Bait 2: Ani | Στροφή 1 | Κουπλέ 2 | Στίχος 1
        בית 1 | בית א' | בית ראשון | مقطع 1 | المقطع الأول | الكوبليه 2 | ورس ۱ | ورس 2 | بند 1 | 벌스 1 | 벌스1
        1절 | 2절: 안나 | Verse 1: 안나 | 가사 | バース1 | ヴァース 1 | Aメロ | Verse 1: アンナ | 主歌 | 主歌1
        主歌 A | 主歌一 | 主歌：安娜 | 說唱 | Đoạn 1 | Lời 1 | Phiên khúc 1 | Antara 1 | अंतरा | Salm 1
        Letra de "Río" ft. Ana | Letra de “Río” | Letra | Paroles de "La mer" ft. Ben | Songtext zu „Meer“
        Testo di "Mare" ft. Ben | Tekst piosenki "Morze" | Текст песни «Море» | Текст пісні "Море"
        Ann – Deniz şarkı sözleri | "Deniz" şarkı sözleri | "海" 歌詞 | 「海」歌詞 | Ann「海」歌詞 | "바다" 가사
        Låttext till "Hav" | Tekst til "Hav" | Songtekst van "Zee" | "Tenger" dalszöveg | Versuri "Marea"
        Στίχοι από "Θάλασσα" | מילים לשיר "ים" | كلمات أغنية "بحر" | متن آهنگ «دریا» | Lirik "Laut"
        Lyrics to "Sea" | "Sea" Lyrics | Produced by Ann | Prod. by Ann & Ben | Produzido por Ana
        Cypher | V1
        Tekst pjesme "More" | Text písně "Moře" | Lời bài hát "Biển" | Lletra de "Mar" | Text till "Hav" | Letras
    """,
    SectionKind.PRECHORUS: """
        Pre-Chorus | Pre-chorus | PRE-CHORUS | Pre Chorus | PreChorus | Prechorus 2 | Pre-Chorus 1: Ann
        Pre-Chorus: Ann & Ben | Pre - Chorus | Pre- Chorus | Pre–Chorus | Pre-Chorus x2 | Final Pre-Chorus
        Pre-Hook | Pre-Hook: Ann | Prehook | Pre-Refrain | Pré-refrain | Pré-Refrain 2 : Ann | Prérefrain
        Pré-refrain x2 | Pre-Coro | Pre-coro: Ana | Pre-Estribillo | PreCoro | Precoro | Pré-Refrão | Pré-refrão 2
        Pré-Coro | Pre-Ritornello | Pre-ritornello: Anna | Pre-Refrain: Anna | Pre-refrein | Przed-refren
        Przedrefren | Pre-refren | Pred-refren | Предприпев | Пред-припев | Пре-припев: Анна | Передприспів
        Перед-приспів | Pre-refräng | Förrefräng | Pre-omkvæd | Før-refreng | Pre-refreng | Esikertosäe
        Esi-kertosäe | Pre-kertosäe | Předrefrén | Pre-refrén | Előrefrén | Ön Nakarat | Nakarat Öncesi
        Pre-Nakarat | Προ-ρεφρέν | Pre-ρεφρέν | קדם פזמון | קדם-פזמון | ما قبل اللازمة | قبل اللازمة | پیش‌همخوان
        پیش کورس | 프리코러스 | 프리 코러스 | Pre-코러스 | プリコーラス | プレコーラス | Bメロ | 导歌 | 導歌
        預副歌 | Tiền điệp khúc | Build | Build-Up | Buildup | Pre-Drop | Lift | Pre-Chrous | Pre-Chorus/Chorus
        Pre-Chorus & Chorus
    """,
    SectionKind.CHORUS: """
        Chorus | chorus | CHORUS | Chorus 2 | Chorus 1: Ann | Chorus: Ann | Chorus: Ann & Ben | Chorus: Ann (Ben)
        Chorus - Ann | Chorus x2 | Chorus X2 | Chorus 2x | Chorus ×2 | Chorus (x2) | Chorus (2x) | Chorus - 2x
        Chorus: x2 | Chorus, x2 | Chorus x 2 | Chorus x2: Ann | Chorus: Ann x2 | Chorus twice | Repeat Chorus
        Chorus Repeat | Chorus repeats | Repeat Chorus x2 | Repeat chorus to fade | Final Chorus | Last Chorus
        Double Chorus | Half-Chorus | Half Chorus | Short Chorus | Second Chorus | 2nd Chorus | Chorus One
        Chorus I | Chorus A | Chorus/Outro | Chorus & Outro | Chorus and Outro | Chorus + Bridge | Alternate Chorus
        Modified Chorus | Chorus (Variation) | Chorus Variation | Acoustic Chorus | Chorus Reprise | Chrous | Chours
        Chorsu | Choruss 2 | Post-Chorus | Post Chorus | PostChorus | Post-Chorus 2: Ann | Post-chorus x2
        Post-Hook | Hook | HOOK | Hook: Ann | Hook 2 | Hook x2 | Hook (x2) | Hook - Ann | Hook/Chorus
        Hook: Ann & Ben | Hook/Intro | Ann: Hook | Refrain | Refrain: Ann | Refrain x2 | Refrain 1
        Refrain : Ann & Ben | Refrain (x2) | Post-Refrain | Post-refrain 2 | Drop | Drop 2 | Beat Drop | Post-Drop
        Burden | Coro | Coro: Ana | Coro 2 | Coro x2 | Estribillo | Estribillo: Ana | Estribillo x2 | Coro Final
        Último Coro | Post-Coro | Post-Estribillo | Refrão | Refrão: Ana | Refrão 2x | Pós-Refrão | Refrao
        Ritornello | Ritornello: Anna | Post-Ritornello | Refrain: Anna | Kehrreim | Post-Refrain: Anna | Refrein
        Refren | Refren: Anna | Refren x2 | Po-refren | Припев | Припев: Анна | Припев x2 | ПРИПЕВ | Пост-припев
        Послеприпев | Хук | Приспів | Приспів: Анна | Refräng | Refräng 2 | Omkvæd | Omkvæd: Anna | Refreng
        Kertosäe | Kertosäe 2: Anna | Jälkikertosäe | Refrén | Refrén: Anna | Nakarat | NAKARAT | Nakarat: Ayşe
        Nakarat x2 | Arka Nakarat | Son Nakarat | Reff | Korus | Ρεφρέν | Ρεφραίν | פזמון | פזמון x2 | اللازمة
        لازمة | الكورس | كورس | همخوان | کورس | 후렴 | 후렴구 | 코러스 | 훅 | 포스트코러스 | Chorus: 안나 | サビ
        サビ1 | 大サビ | ラスサビ | コーラス | コーラス: アンナ | フック | 副歌 | 副歌1 | 副歌：安娜 | 後副歌
        Điệp khúc | Điệp khúc 2 | Mukhda | Tornada | Retrouso | Viðlag | Group Chorus: All | The Chorus
        Ann – Chorus | Chorus Ann & Ben | Chorus-Ann | Choir Chorus | Pripjev | Refrään | Cytgan
    """,
    SectionKind.BRIDGE: """
        Bridge | BRIDGE | Bridge: Ann | Bridge 2 | Bridge 1: Ann & Ben | Bridge x2 | Bridge - Ann | Bridge (Ann)
        Bridge/Outro | Middle 8 | Middle Eight | Bridge/Interlude | Spoken Bridge | Instrumental Bridge | Interlude
        Interlude: Ann | Interlude 2 | Break | Breakdown | Breakdown: Ann | Breakdown x2 | Instrumental
        Instrumental Break | Instrumental Interlude | Instrumental Solo | Guitar Solo | Guitar Solo: Ann
        Guitar solo - Ann | Drum Solo | Sax Solo | Solo | Solo: Ann | Kazoo Solo | Guitar Break | Piano Interlude
        Dance Break | Drum Break | Skit | Skit: Ann | Segue | Vamp | Spoken | Spoken: Ann | Spoken Word
        Spoken Interlude | Non-Lyrical Vocals | Ad-libs | Ad-Libs: Ann | Voicemail | Dialogue | Transition | Reprise
        Scat | C-Part | Beat Switch | Guitar Riff | Musical Interlude | Brigde | Pont | Pont : Ann | Pont 2 | Puente
        Puente: Ana | Interludio | Interlúdio | Ponte | Ponte: Anna | Ponte x2 | Hablado | Parlé | Brücke
        Zwischenspiel | C-Teil | Brug | Tussenstuk | Brygga | Stick | Bro | C-stykke | Silta | C-osa | Välisoitto
        Solo de guitarra | Solo de Guitarra | Interlude parlé | Speech | Speech: Ann | Skit Ann
        Beat 2 | Speaking | Talking | Rap Break | Radio Skit
        Ara Nağme | Bağlantı | Zwischenteil | Übergang | Речитатив | Распевка | Instrumental Section | Vocal Sample | Beat
        Whistling | Humming | Scratches | Cuts | Skrecze | Call and Response | Crowd Chant | Poem | Countdown | Toast
        Most | Przejście | Mezihra | Бридж | Бридж: Анна | Мост | Интерлюдия | Проигрыш | Инструментал
        Гитарное соло | Міст | Брідж | Híd | Átvezetés | Punte | Köprü | Enstrümantal | Jembatan | Γέφυρα | גשר
        סי פארט | جسر | الجسر | پل | 브릿지 | 브리지 | 간주 | ブリッジ | 間奏 | Cメロ | 桥段 | 橋段 | 间奏 | Cầu nối
    """,
    SectionKind.INTRO: """
        Intro | INTRO | Intro: Ann | Intro 2 | Intro x2 | Intro - Ann | Intro (Spoken) | Spoken Intro
        Instrumental Intro | Guitar Intro | Intro/Chorus | Intro & Verse 1 | Intro/Verse | Intro - Verse 1
        Intro: Instrumental | Introduction | Prelude | Intro: Ann & Ben | Piano Intro | Prologue | Intro : Ann
        Entrada | Lead-In | Skit Intro
        Introducción | Introdução | Introduzione | Einleitung | Vorspiel | Förspel | Alkusoitto | Wstęp | Předehra
        Úvod | Bevezető | Introducere | Интро | Интро: Анна | Вступление | Вступ | Інтро | Giriş | İntro | Pembuka
        Εισαγωγή | פתיחה | פתיח | المقدمة | مقدمة | اینترو | 인트로 | イントロ | 前奏 | Mở đầu | Inrto
    """,
    SectionKind.OUTRO: """
        Outro | OUTRO | Outro: Ann | Outro 2 | Outro x2 | Outro - Ann | Outro (Fading) | Spoken Outro
        Instrumental Outro | Outro/Chorus | Outro: Ann, Ben | Guitar Outro | Coda | Ending | Tag | Epilogue
        Fim | Saída | Desfecho
        Fade Out | Fade-Out | Outro (Instrumental) | End | Salida | Final | Conclusão | Cierre | Conclusione
        Finale | Schluss | Nachspiel | Loppusoitto | Zakończenie | Dohra | Befejezés | Аутро | Аутро: Анна
        Концовка | Кода | Кінцівка | Çıkış | Penutup | Κλείσιμο | סיום | الخاتمة | اوترو | 아웃트로 | アウトロ
        尾奏 | Kết | Outor
    """,
}
TABLE = [
    (header.strip(), kind)
    for kind, headers in HEADERS.items()
    for row in headers.splitlines()
    for header in row.split(" | ")
    if header.strip()
]


def test_hundreds_of_headers_are_understood() -> None:
    assert len(TABLE) > 600
    found = {header: parse_header(f"[{header}]") for header, _ in TABLE}
    wrong = [(header, kind.value, found[header]) for header, kind in TABLE if (found[header] or (None,))[0] is not kind]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    """? | x2 | 2 | 2x | (x2) | laughs | Laughter | Applause | Ann | Ann & Ben | Both | All | Sample: an old song | Sample: Chorus
    Sample: a voice (in French) | London Bridge | Chorus of angels sing | Bridge over the river | break it down | Chords | Bridget
    the end of the road | Bride | Couple | Repeat | Repeat x2 | Music | Guitar | crowd cheering | Unknown Lyrics | inaudible
    Incomplete lyrics | Lyrics from Snippet | End of song | Part | the hook brings you back | First | To be continued | Text
    Laughs in chorus | I | XX | 1. River | Ana: habla | coughs | Son | drop it | Ending scene | Hook me up | speaking | Ann (spoken)
    Part of me | Bis | Radio | Crowd | talking | beat | whispered: come here | Chorus echoes in the distance | Vocal sample
    Refrain from talking | The Bride | A Couple | Chorus of 2 angels""".replace(
        "\n    ", " | "
    ).split(" | "),
)  # fmt: skip
def test_what_may_be_sung_or_heard_is_no_header(text: str) -> None:
    assert parse_header(f"[{text}]") is None


def test_plain_headers_need_no_label() -> None:
    assert parse_header("[Chorus]") == (SectionKind.CHORUS, None)
    assert parse_header("[Verse]") == (SectionKind.VERSE, "Verse")
    assert parse_header("[ chorus ]") == (SectionKind.CHORUS, "chorus")


@pytest.mark.parametrize(
    "header", ["[Guitar Solo]", "[Instrumental Break]", "[Chorus: Instrumental]", "[Проигрыш]", "[間奏]"]
)
def test_what_nobody_sings_is_known(header: str) -> None:
    assert is_instrumental(header)
    assert parse_header(header)


@pytest.mark.parametrize(
    "header", ["[Chorus]", "[Verse 1: Ann (solo)]", "[Break]", "[Chorus: Solomon]", "[Solomon's Verse]"]
)
def test_what_somebody_may_sing_is_not_called_instrumental(header: str) -> None:
    assert parse_header(header)
    assert not is_instrumental(header)


def test_headers_are_found_among_rows_also_broken() -> None:
    rows = ["so far", " [Verse 1: Ann, ", "Ben &", "Cora]", "away", "[Hook]", "[?]"]
    assert [(row, height, kind.value) for row, height, (kind, _) in find_headers(rows)] == [
        (1, 3, "verse"),
        (5, 1, "chorus"),
    ]


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("[Verse 1: Bo Mills\n& \nAnna\n, \nZed\n]", 6),
        ("[Verse 1: Bo\n& \nAnna\n, \nZed\n, \nCora\n, \nDex\n, \nEve\n]\naway", 13),
        ("[Verse 1: will.i.am\n and \nfergie\n]", 4),
        ("[Verse 1: Ann y\nbo\n]", 3),
    ],
)  # fmt: skip
def test_a_header_may_be_broken_around_each_singer(text: str, height: int) -> None:
    found = [(row, height, kind.value) for row, height, (kind, _) in find_headers(text.split("\n"))]
    assert found == [(0, text.removesuffix("\naway").count("\n") + 1, "verse")]
    assert height <= 13


names = st.lists(st.sampled_from([header for header, _ in TABLE]) | st.text(max_size=8), max_size=4).map(" ".join)


@given(names)
def test_any_text_can_be_asked(text: str) -> None:
    header = parse_header(f"[{text}]")
    if kind_of_name(text) and header:
        assert kind_of_name(text) is header[0]
    for row, height, _ in find_headers(text.splitlines()):
        assert 0 <= row < row + height <= len(text.splitlines())


def test_a_header_takes_no_time_however_it_looks() -> None:
    began = time.process_time()
    for piece in ("verse ", "1", "-", "a:", "(", "ver-", "pre-", '"', "x2 ", "letra de ", "歌", "prod. by "):
        assert parse_header(f"[{piece * 50_000}]") is None
        for length in range(1, 200, 7):
            parse_header(f"[{(piece * 200)[:length]}]")
    assert time.process_time() - began < 2
