"""What a lyrics page puts before the song: contributors, translations, its title, a blurb. Knows no other place."""

import re

from songsmith.corpus.dirt.rule import About, Finding, Rule, fold, line_at, lines_of

_LONGEST_HEAD = 3000
_LONGEST_BLURB = 6000
_LONGEST_TITLE = 150
_MOST_LANGUAGE_LINES = 60
# A head is glued to what follows it or fills its line: `5 contributors sat down` is a lyric.
_COUNT = re.compile(r"\s*(?:1\s?contributor|(?!1\s?c)\d[\d.,]{0,8}k?\s?contributors)(?!['’]|[ \t]+\S)", re.IGNORECASE)
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
_LYRICS = re.compile("lyrics", re.IGNORECASE)
_READ_MORE = re.compile("read more", re.IGNORECASE)
_AFTER_A_SENTENCE = re.compile(r"[.!?…”\"’)]\s?Read More")
_MARKS = re.compile(r"<!--\s?/?sse\s?-->|\\?<img\s[^<>\n]{0,600}>")


def _page_marks(text: str, about: About) -> list[Finding]:
    if "<" not in text:
        return []
    return [Finding(*found.span()) for found in _MARKS.finditer(text)]


def _head(text: str, about: About) -> list[Finding]:
    if not any(word in about.folded for word in ("lyrics", "contributor", "read more")):
        return []
    first_line = line_at(text, 0)[1]
    count = _COUNT.match(text, 0, first_line)
    if count:
        return _counted_head(text, about, count.end(), first_line)
    translations = _TRANSLATIONS.match(text, 0, first_line)
    languages = _LANGUAGES.match(text, translations.end(), first_line) if translations else None
    listed = bool(languages and languages.group().strip())
    end, sure = _title_end(text, about, languages.end() if languages else 0, first_line, counted=listed)
    if end is None:
        blurb = _blurb_end(text, 0, about)
        return [Finding(0, blurb)] if blurb and blurb <= first_line and blurb > 60 else []
    return [Finding(0, _past_blurb(text, end, about))] if sure else [Finding(0, first_line, None)]


def _counted_head(text: str, about: About, start: int, first_line: int) -> list[Finding]:
    end, sure = _title_end(text, about, start, first_line, counted=True)
    if end is not None and sure:
        return [Finding(0, _past_blurb(text, end, about))]
    translations = _TRANSLATIONS.match(text, start, first_line)
    if translations:
        languages = _LANGUAGES.match(text, translations.end(), first_line)
        start = languages.end() if languages else translations.end()
    rest = text[start:first_line].strip()
    if about.title and fold(rest) == fold(about.title) != "":
        rest, start = "", first_line
    if rest:
        return [Finding(0, start), Finding(start, first_line, None)] if translations else [Finding(0, first_line, None)]
    return [Finding(0, _broken_head_end(text, about, first_line))]


def _broken_head_end(text: str, about: About, first_line: int) -> int:
    """Return where a head ends that stands on several lines: a language a line, then the title."""
    limit = text.find("\n\n[", first_line)
    for number, (start, line) in enumerate(lines_of(text[first_line + 1 : first_line + 1 + _LONGEST_HEAD])):
        start += first_line + 1
        if number > _MOST_LANGUAGE_LINES or line.startswith("[") or (0 <= limit <= start):
            break
        end, sure = _title_end(text, about, start, start + len(line), counted=False)
        if end is not None and (sure or number == 0):
            return _past_blurb(text, end, about)
        translations = _TRANSLATIONS.fullmatch(line)
        languages = _LANGUAGES.fullmatch(line)
        if not translations and not languages and fold(line) != fold(about.title):
            break
    return first_line


def _title_end(text: str, about: About, start: int, end: int, *, counted: bool) -> tuple[int | None, bool]:
    """Return where `<Title> Lyrics` ends in text[start:end], and whether it is surely that and no lyric."""
    title, guess = fold(about.title), None
    for found in _LYRICS.finditer(text, start, min(end, start + _LONGEST_HEAD)):
        if not (found.group() == "Lyrics" or (about.lowered and found.group() == "lyrics")):
            continue
        if found.start() > start and not text[found.start() - 1].isspace():
            continue
        after = text[found.end() : end]
        spaced = after[:1].isspace() and not after.lstrip().startswith("[") and bool(after.strip())
        fits = _fits(text[start : found.start()], title, about, counted=counted)
        if fits and (not spaced or _blurb_end(text, found.end(), about)):
            return found.end(), True
        if fits and about.scraped and after.strip()[:1].isupper():
            return found.end(), True
        if not spaced and guess is None:
            guess = found.end()
        if not counted and found.end() - start > _LONGEST_TITLE:
            break
    if guess is None or counted:
        return guess, True
    if guess - start > _LONGEST_TITLE + len("Lyrics") or guess == start + len("Lyrics"):
        return None, False
    after = text[guess:end].lstrip()
    glued = after.startswith("[") or after[:1].isupper()
    if _blurb_end(text, guess, about):
        return guess, True
    if title:
        # Somebody else's title: only what no writer would glue together is a head.
        return (guess, about.scraped and glued) if glued or not after else (None, False)
    return (guess, glued or about.scraped) if glued or not after else (None, False)


def _fits(before: str, title: str, about: About, *, counted: bool) -> bool:
    """Return whether the text before `Lyrics` is the title of the song, or ends with it where more may stand before."""
    if not title:
        return bool(about.title.strip()) and before.strip().endswith(about.title.strip())
    near = fold(before[-4 * len(about.title) - 40 :])
    if counted:
        return near.endswith(title)
    # `Chinchilla (Live)` in the record, `Chinchilla` on the page, or the other way round.
    return near == title or (min(len(near), len(title)) > 3 and (near.startswith(title) or title.startswith(near)))


def _past_blurb(text: str, end: int, about: About) -> int:
    end = _blurb_end(text, end, about) or end
    return end + len(text[end:]) - len(text[end:].lstrip()) if end < len(text) else end


def _blurb_end(text: str, start: int, about: About) -> int:
    """Return where a blurb that begins at `start` ends, past its `Read More`; 0 if there is none."""
    window = text[start : start + _LONGEST_BLURB]
    for found in _READ_MORE.finditer(window):
        if found.group() != "Read More" and not about.lowered:
            continue
        before = window[: found.start()].rstrip()
        if "\n[" in before or before.startswith("[") or before.count("\n") > 8:
            return 0
        cut_short = not before or before.endswith(("…", "..."))
        whole = "\n" not in before and len(before) >= 40 and before[-1] in '.!?”"’)'
        if cut_short or whole:
            return start + found.end()
    return 0


def _doubtful_blurb(text: str, about: About) -> list[Finding]:
    """Find what may be a blurb of several lines, which no mark sets apart from lines that are sung."""
    if "read more" not in about.folded:
        return []
    found = _AFTER_A_SENTENCE.search(text, 0, _LONGEST_BLURB)
    return [Finding(0, found.end(), None)] if found and "\n[" not in text[: found.start()] else []


HEAD: tuple[Rule, ...] = (
    Rule(name="page marks", does="Marks of the page itself go: comments and pictures.", find=_page_marks,
         proves_scraping=True),
    Rule(name="head", does="Contributors, translations, `<Title> Lyrics` and the blurb before the song go.", find=_head,
         proves_scraping=True),
    Rule(name="blurb", does="What may be a blurb before the song, but may be sung, is told.", find=_doubtful_blurb),
)  # fmt: skip
"""In the order in which they run."""
