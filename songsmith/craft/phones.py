"""The sounds of English: ARPAbet names, and single characters for tables and rules.

Knows sounds, not words.
"""

VOWEL_NAMES = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANT_NAMES = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W"),
    *("Y", "Z", "ZH"),
)
VARIANT_DIVIDER = "/"

# One printable character for each sound, a vowel with each of its stresses apart, from the one behind the divider on.
_NAMES = (*(f"{vowel}{stress}" for vowel in VOWEL_NAMES for stress in "012"), *CONSONANT_NAMES)
_SOUND_OF_NAME = {name: chr(ord(VARIANT_DIVIDER) + 1 + index) for index, name in enumerate(_NAMES)}
_NAME_OF_SOUND = {sound: name for name, sound in _SOUND_OF_NAME.items()}

VOWELS = frozenset(sound for name, sound in _SOUND_OF_NAME.items() if name[-1].isdigit())
STRESSED = frozenset(sound for name, sound in _SOUND_OF_NAME.items() if name[-1] in "12")
_WITHOUT_STRESS = str.maketrans({sound: _SOUND_OF_NAME[_NAME_OF_SOUND[sound][:2] + "0"] for sound in VOWELS})
_SECONDARY = str.maketrans(
    {sound: _SOUND_OF_NAME[_NAME_OF_SOUND[sound][:2] + "2"] for sound in VOWELS if _NAME_OF_SOUND[sound][-1] == "1"}
)
_PRIMARY = str.maketrans({sound: _SOUND_OF_NAME[_NAME_OF_SOUND[sound][:2] + "1"] for sound in VOWELS})


def encode(names: str) -> str:
    """Turn phones such as `L AH1 V` into sounds, one character each.

    Raises:
        KeyError: for what is no phone.
    """
    return "".join(_SOUND_OF_NAME[name] for name in names.split())


def decode(sounds: str) -> tuple[str, ...]:
    """Turn sounds back into the names of their phones."""
    return tuple(_NAME_OF_SOUND[sound] for sound in sounds)


def count_vowels(sounds: str) -> int:
    """Return how many syllables these sounds make."""
    return sum(sound in VOWELS for sound in sounds)


def without_stress(sounds: str) -> str:
    """Return the sounds with every vowel unstressed."""
    return sounds.translate(_WITHOUT_STRESS)


def with_less_stress(sounds: str) -> str:
    """Return the sounds as the weaker half of a compound: what bore its stress bears a lesser one."""
    return sounds.translate(_SECONDARY)


def with_stress(vowel: str) -> str:
    """Return a vowel bearing the stress of its word; other sounds stay."""
    return vowel.translate(_PRIMARY)
