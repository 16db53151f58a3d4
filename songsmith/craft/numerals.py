"""Numbers as people say them: `1999` is nineteen ninety nine, `2nd` is second. English only; knows no sounds."""

from collections.abc import Iterator

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_MOST_DIGITS = 15
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_CURRENCIES = {"$": ("dollar", "dollars"), "£": ("pound", "pounds"), "€": ("euro", "euros")}


def say_number(digits: str, *, currency: str = "", ending: str = "") -> list[str]:
    """Return the words of a number such as `1,250` or `3.5`.

    Args:
        digits: 0 to 9, with commas and at most one point in them.
        currency: one of `$`, `£`, `€`, or nothing.
        ending: what stands behind it: `st`, `nd`, `rd`, `th`, `s`, `%`, or nothing.
    """
    whole, _, fraction = digits.partition(".")
    plain = whole.replace(",", "")
    bare = not (currency or fraction or "," in whole)
    words = list(_year(plain) if bare and len(plain) == 4 else _whole(plain))
    if currency:
        words.append(_CURRENCIES[currency][plain.lstrip("0") != "1"])
        return [*words, *(_whole(fraction) if fraction.strip("0") else ())]
    if fraction:
        words += ["point", *(_ONES[int(digit)] for digit in fraction)]
    if ending == "s":
        words[-1] = f"{words[-1][:-1]}ies" if words[-1].endswith("y") else _plural(words[-1])
    elif ending == "%":
        words.append("percent")
    elif ending:
        words[-1] = _ordinal(words[-1])
    return words


def _whole(digits: str) -> Iterator[str]:
    if len(digits) > _MOST_DIGITS or (digits.startswith("0") and len(digits) > 1):
        yield from (_ONES[int(digit)] for digit in digits)  # a telephone number, an agent
    else:
        yield from _cardinal(int(digits))


def _cardinal(number: int) -> Iterator[str]:
    for size, name in _SCALES:
        if number >= size:
            yield from _cardinal(number // size)
            yield name
            number %= size
            if not number:
                return
    if number < 20:
        yield _ONES[number]
        return
    yield _TENS[number // 10]
    if number % 10:
        yield _ONES[number % 10]


def _year(digits: str) -> Iterator[str]:
    century, rest = int(digits[:2]), int(digits[2:])
    if century < 11 or (century % 10 == 0 and rest < 10):
        yield from _whole(digits)  # 2005 is two thousand five, 1066 is no year anybody sings
        return
    yield from _cardinal(century)
    if not rest:
        yield "hundred"
        return
    if rest < 10:
        yield "oh"
    yield from _cardinal(rest)


def _ordinal(word: str) -> str:
    return _ORDINALS.get(word) or (f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th")


def _plural(word: str) -> str:
    return f"{word}es" if word == "six" else f"{word}s"
