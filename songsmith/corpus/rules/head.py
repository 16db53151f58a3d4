"""What a lyrics page puts before the song: contributors, translations, its title, a blurb. Knows no other place."""

import re
from collections.abc import Iterator

from songsmith.corpus.rules.names import is_titled, spellings, without_brackets
from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, begins_anew, fold, line_at
from songsmith.lyrics import parse_header

_LONGEST_HEAD = 3000
_LONGEST_BLURB = 4000
_MOST_BLURB_LINES = 30
_FEWEST_LETTERS_OF_PROSE = 40
_LONGEST_TITLE = 150
_MOST_LANGUAGE_LINES = 60
_MOST_TITLE_WORDS = 12
_MOST_UNTOLD_WORDS = 7
_BEFORE_SUNG_LYRICS = frozenset(
    ["the", "my", "your", "our", "his", "her", "their", "its", "these", "those", "this", "that", "no", "some", "any", "all", "of",
     "and", "with", "by", "for", "to", "in", "on", "new", "old", "more", "a", "write", "wrote",
     "sing", "sang", "own", "good", "like"]
)  # fmt: skip
# A page's head is glued to what follows it or fills its line: `5 contributors sat down` is a lyric.
_COUNT = re.compile(
    r"\s*(?:1\s?contributor|(?!1\s?c)\d[\d.,]{0,8}k?\s?contributors)(?!['’](?:s?\s|$)|[ \t]+\S)", re.IGNORECASE
)
# The same where a scraper put a space between any two pieces of the page.
_SPACED_COUNT = re.compile(r"\s*\d[\d.,]{0,8}k?\s?contributors?[ \t]+(?=\S)", re.IGNORECASE)
_AGAIN = re.compile(r"\n(?=\d[\d.,]{0,8}K?\s?Contributors?(?![\s'’])[^\n]{0,999}?Lyrics)")
_TRANSLATIONS = re.compile(r"\s*translations?", re.IGNORECASE)
_LANGUAGES = re.compile(
    "(?:"
    "Português|Deutsch|Català|Français|Español|Türkçe|Italiano|Nederlands|Polski|Svenska|Dansk|Norsk|Suomi|English|"
    "Romanization|Romanized|Русский|Українська|Беларуская|Български|Српски|Македонски|العربية|فارسی|עברית|한국어|"
    "日本語|中文|简体中文|繁體中文|繁体中文|Română|Magyar|Čeština|Česky|Slovenčina|Slovenščina|Hrvatski|Srpski|Bosanski|"
    "Shqip|Ελληνικά|Íslenska|Føroyskt|Tiếng Việt|Bahasa Indonesia|Bahasa Melayu|Melayu|Filipino|Tagalog|ไทย|हिन्दी|"
    "Azərbaycan(?:ca)?|Azərbaycan dili|Қазақша|ქართული|Հայերեն|Eesti|Latviešu|Lietuvių|Gaeilge|Euskara|Galego|Afrikaans|"
    "Kiswahili|Latina|Esperanto|Malti|Монгол|O'zbek|Kurdî|বাংলা|தமிழ்|తెలుగు|ਪੰਜਾਬੀ|اردو|(?:\\s|\\([^()\n]{1,20}\\))"
    ")*",
    re.IGNORECASE,
)
_LYRICS = re.compile("lyrics")
_SPACED_LYRICS = re.compile(r"\slyrics(?=\s|\[|$)", re.IGNORECASE)
_NEVER_FIRST = tuple(",.;:!?)]")
_READ_MORE = re.compile("read more")
_ENDS_OF_SENTENCES = '.!?…”"’)]'
_AFTER_A_SENTENCE = re.compile(r"[.!?…”\"’)]\s?Read More")
_MARKS = re.compile(
    r"<!--\s?/?sse\s?-->|\\?<img\s[^<>\"]{0,600}(?:\"[^\"]{0,600}\"[^<>\"]{0,100}){0,20}>|"
    r"!\[[^\[\]\n]{0,100}\]\(https?://images\.[^\s()]{1,300}\)|"
    r"https?://images\.(?:rap)?genius\.com/[^\s<>\"]{1,300}?\.(?:png|jpe?g|gif|webp)"
)


def _page_marks(text: str, context: RuleContext) -> list[Finding]:
    if "<" not in text and "://images." not in text:
        return []
    return [Finding(*found.span()) for found in _MARKS.finditer(text)]


def _head(text: str, context: RuleContext) -> list[Finding]:
    folded = context.folded
    if "lyrics" not in folded and "contributor" not in folded and "read more" not in folded:
        return []
    first_line = line_at(text, 0)[1]
    count = _COUNT.match(text, 0, first_line + len("\ncontributors"))
    if count:
        return _counted_head(text, context, count.end(), line_at(text, count.end())[1])
    if (count := _SPACED_COUNT.match(text, 0, first_line)) and (spaced := _spaced_head_end(text, context, count.end())):
        return [Finding(0, spaced)]
    translations = _TRANSLATIONS.match(text, 0, first_line)
    languages = _LANGUAGES.match(text, translations.end(), first_line) if translations else None
    listed = bool(languages and languages.group().strip())
    start = languages.end() if languages and listed else 0
    if listed and start == first_line and (further := _broken_head_end(text, context, first_line)) > first_line:
        return [Finding(0, further)]
    end, sure = _title_end(text, context, start, first_line, counted=listed)
    if end is None:
        if _is_title(text[:first_line], context) and text.startswith("\nLyrics\n", first_line) and context.scraped:
            return [Finding(0, _past_blurb(text, first_line + len("\nLyrics"), context))]
        blurb = _blurb_end(text, 0, context)
        return [Finding(0, blurb)] if blurb and blurb <= first_line and blurb > 60 else []
    return [Finding(0, _past_blurb(text, end, context))] if sure else [Finding(0, first_line, None)]


def _heads(text: str, context: RuleContext) -> list[Finding]:
    """Find what is above the song, and the same above its second copy."""
    findings = _head(text, context)
    end = findings[-1].end if findings else 1
    if text.find("Contributor", end) > 0 and (again := _AGAIN.search(text, end)):
        findings += [
            Finding(again.end() + found.start, again.end() + found.end)
            for found in _head(text[again.end() :], context)
            if found.replacement is not None
        ]
    return findings


def _counted_head(text: str, context: RuleContext, start: int, first_line: int) -> list[Finding]:
    end, sure = _title_end(text, context, start, first_line, counted=True)
    if end is not None and sure:
        return [Finding(0, _past_blurb(text, end, context))]
    translations = _TRANSLATIONS.match(text, start, first_line)
    if translations:
        languages = _LANGUAGES.match(text, translations.end(), first_line)
        start = languages.end() if languages else translations.end()
    rest = text[start:first_line].strip()
    if rest and (_is_title(rest, context) or translations):
        # A title, or a language that is not listed; `Lyrics` is further down.
        end = _broken_head_end(text, context, first_line)
        if end > first_line or _is_title(rest, context):
            return [Finding(0, end)]
    if rest:
        return [Finding(0, start), Finding(start, first_line, None)] if translations else [Finding(0, first_line, None)]
    return [Finding(0, _broken_head_end(text, context, first_line))]


def _spaced_head_end(text: str, context: RuleContext, start: int) -> int:
    """Return where a head ends whose pieces are separated by spaces; 0 if the song's own title is not in it."""
    found = _SPACED_LYRICS.search(text, start, start + _LONGEST_HEAD)
    title = fold(context.title)
    return (
        _past_blurb(text, found.end(), context)
        if found and title and fold(text[start : found.start()]).endswith(title)
        else 0
    )


def _broken_head_end(text: str, context: RuleContext, first_line: int) -> int:
    """Return where a head of several lines ends: one language per line, then the title."""
    listed, titled = "translation" in text[:first_line].lower(), False
    for number, (start, line) in enumerate(_lines_from(text, first_line + 1, first_line + 1 + _LONGEST_HEAD)):
        if number > _MOST_LANGUAGE_LINES or line.startswith("[") or (number and not line):
            break
        if line.strip() in ("Lyrics", "lyrics") and (listed or titled or number <= 1):
            return _past_blurb(text, start + len(line), context)
        end, sure = (
            _title_end(text, context, start, start + len(line), counted=False) if "yrics" in line else (None, False)
        )
        if end is not None and (sure or number == 0 or listed):
            return _past_blurb(text, end, context)
        listed = listed or _TRANSLATIONS.fullmatch(line) is not None
        titled = titled or _is_title(line, context)
        # A language that is not listed shows only in this: a line of a word or two, with `Lyrics` further down.
        if (
            number
            and not titled
            and not (listed and len(line.split()) <= _MOST_TITLE_WORDS)
            and not (_TRANSLATIONS.fullmatch(line) or _LANGUAGES.fullmatch(line))
        ):
            break
    return first_line


def _lines_from(text: str, start: int, limit: int) -> Iterator[tuple[int, str]]:
    """Yield where each line begins and its text, lazily."""
    limit = min(limit, len(text))
    while start <= limit:
        end = text.find("\n", start, limit)
        end = limit if end < 0 else end
        yield start, text[start:end]
        start = end + 1


def _is_title(line: str, context: RuleContext) -> bool:
    return fold(line) in spellings(context.title[:_LONGEST_TITLE], context.artist) if line else False


def _title_end(text: str, context: RuleContext, start: int, end: int, *, counted: bool) -> tuple[int | None, bool]:
    """Return where `<Title> Lyrics` ends in text[start:end], and whether it is certainly not sung."""
    titles, guess, spaced_guess = spellings(context.title[:_LONGEST_TITLE], context.artist), None, None
    for found in _LYRICS.finditer(context.folded, start, min(end, start + _LONGEST_HEAD)):
        written = text[found.start() : found.end()]
        if not (written == "Lyrics" or (context.lowered and written == "lyrics")):
            continue
        if found.start() > start and not text[found.start() - 1].isspace():
            continue
        after = text[found.end() : found.end() + _LONGEST_TITLE]
        after = after[: end - found.end()]
        spaced = after[:1].isspace() and not after.lstrip().startswith("[") and bool(after.strip())
        fits = _fits(text[start : found.start()], titles, context, counted=counted)
        if fits and (counted or not spaced or _blurb_end(text, found.end(), context)):
            return found.end(), True
        if fits and context.scraped and after.strip()[:1].isupper():
            return found.end(), True
        possessive = after[:1] in ("'", "’") and not after[1:2].isupper()
        if not spaced and guess is None and after[:1] not in _NEVER_FIRST and not possessive:
            guess = found.end()
        if spaced and spaced_guess is None and counted and not after.strip()[:1].islower():
            spaced_guess = found.end()
        if not counted and found.end() - start > _LONGEST_TITLE:
            break
    if counted:
        return (guess if guess is not None else spaced_guess), True
    if guess is None or guess - start > _LONGEST_TITLE + len("Lyrics") or guess == start + len("Lyrics"):
        return None, False
    return _judge_guess(text, context, start, guess, end)


def _judge_guess(text: str, context: RuleContext, start: int, guess: int, end: int) -> tuple[int | None, bool]:
    """Return where `<some title> Lyrics` ends, and whether it is a head although the title is not known."""
    after = text[guess:end].lstrip()
    glued = bool(after) and begins_anew(after)
    if text[guess : guess + 1] != "\n" and _blurb_end(text, guess, context):
        return guess, True
    page = context.scraped and not context.untitled and not context.beheaded
    if page and context.lowered and after and text[guess].isalpha():
        return guess, True  # only that it is glued tells it from the word that follows
    if after and not glued:
        return None, False
    titled = is_titled(without_brackets(text[start:guess]))
    if text.startswith("[", guess) or ((titled or page) and text[guess:].lstrip().startswith("[")):
        return guess, True  # no lyric has a header glued to a line, or a title sung before the first header
    words = text[start:guess].split()
    if page and text.startswith("\n", guess) and _may_be_untold_title(words, titled=titled):
        return guess, True
    if not context.title:
        return guess, (glued and titled) or (context.scraped and not context.beheaded)
    return guess, context.scraped and (glued or (titled and _may_be_same(text[start:guess], context.title)))


def _may_be_untold_title(words: list[str], *, titled: bool) -> bool:
    """Return whether these words may be `<title> Lyrics`; `I forgot the Lyrics` is not."""
    return (
        len(words) > 2  # one word: not certain
        and (titled or len(words) <= _MOST_UNTOLD_WORDS)
        and words[-1] == "Lyrics"
        and words[-2].lower() not in _BEFORE_SUNG_LYRICS
    )


def _may_be_same(page: str, title: str) -> bool:
    """Return whether two titles share a word, or are written in different alphabets."""
    words = {fold(word) for word in page.split()[:-1]} & {fold(word) for word in title.split()} - {""}
    return bool(words) or page.isascii() != title.isascii()


def _fits(before: str, titles: frozenset[str], context: RuleContext, *, counted: bool) -> bool:
    """Return whether the text before `Lyrics` is the title of the song, or ends with it where other text may come first."""
    if not titles:
        return bool(context.title.strip()) and before.strip().endswith(context.title.strip())
    near = before[-4 * len(context.title) - 40 :]
    if counted and fold(near).endswith(tuple(titles)):
        return True
    return len(before) <= _LONGEST_TITLE and not titles.isdisjoint(spellings(near, context.artist))


def _past_blurb(text: str, end: int, context: RuleContext) -> int:
    end = _blurb_end(text, end, context) or end
    while end < len(text) and text[end].isspace():
        end += 1
    return end


def _blurb_end(text: str, start: int, context: RuleContext) -> int:
    """Return where a blurb that begins at `start` ends, past its `Read More`; 0 if there is none.

    Before `Read More` there is prose that is cut short, or whole sentences on its own line; a lyric would have a header by then.
    """
    limit = min(len(text), start + _LONGEST_BLURB)
    for found in _READ_MORE.finditer(context.folded, start, limit):
        written, end = text[found.start() : found.end()], found.end()
        lowered = written == "read more"
        if written != "Read More" and not (context.lowered and lowered):
            continue
        before = text[start : found.start()]
        if before.count("\n") > _MOST_BLURB_LINES or (
            "[" in before and any(map(_is_header_row, before[: before.rfind("\n") + 1].split("\n")))
        ):
            return 0
        alone = before[-1:] in ("", "\n") and text[end : min(end + 2, limit)].lstrip(" ")[:1] in ("", "\n", "[")
        glued = not before.endswith("\n")
        prose = before.rstrip()
        if not (alone or glued):
            continue
        if not prose or prose.endswith(("…", "...")):
            return end
        filled = glued and not lowered and len(prose) - prose.rfind("\n") > _FEWEST_LETTERS_OF_PROSE
        # `In his words: Read More` on the head's own line, with the first header below.
        filled = filled or (
            glued and not lowered and "\n" not in before and text[end : end + 4].lstrip().startswith("[")
        )
        if filled and start and text[end : min(end + 2, limit)].lstrip(" ")[:1] in ("", "\n", "["):
            return end
        if prose[-1] in _ENDS_OF_SENTENCES and not lowered and (start or ("\n" not in prose and len(prose) >= 40)):
            return end
    return 0


def _is_header_row(row: str) -> bool:
    return row.startswith("[") and ("]" not in row or parse_header(row.strip()) is not None)


def _doubtful_blurb(text: str, context: RuleContext) -> list[Finding]:
    """Find what may be a blurb without a head, which nothing distinguishes from lines that are sung."""
    if "read more" not in context.folded:
        return []
    found = _AFTER_A_SENTENCE.search(text, 0, _LONGEST_BLURB)
    return [Finding(0, found.end(), None)] if found and "\n[" not in text[: found.start()] else []


HEAD: tuple[Rule, ...] = (
    Rule(name="page marks", does="Removes the page's own marks: comments and pictures.", find=_page_marks,
         proves_scraping=True),
    Rule(name="head", does="Removes contributors, translations, `<Title> Lyrics` and the blurb before the song.", find=_heads,
         proves_scraping=True),
    Rule(name="blurb", does="Reports what may be a blurb before the song, or may be sung.", find=_doubtful_blurb),
)  # fmt: skip
"""In the order in which they run."""
