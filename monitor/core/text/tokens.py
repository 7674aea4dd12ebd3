"""Text to words: one Unicode-aware tokenisation feeds BM25, document frequencies and shingles."""

import re
import unicodedata

NAME = "words-nfkc-lower-cjkth-bigrams-v1"
"""Goes into the fingerprint: another tokenizer is another measurement."""

# Scripts written without spaces: Thai, Hangul Jamo, CJK radicals to Kangxi, iteration marks and numerals, kana,
# bopomofo, Hangul letters, ideographs, Hangul syllables, compatibility and astral ideographs.
_UNSPACED = (
    "\u0e00-\u0e7f\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)


def _mark_ranges() -> str:
    """Combining marks as a character class: word characters leave them out, which would cut Hindi words apart."""
    marks = [code for code in range(0x20000) if unicodedata.category(chr(code))[0] == "M"]
    ranges: list[tuple[int, int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in ranges) + _SELECTORS


_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors choose a glyph, not a word."""
_MARKS = _mark_ranges()
ASCII_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
"""Lower-cased letters and digits, spaces for the rest: one table look-up per byte, half the time of a pattern."""
_WORD = re.compile(rf"[^\W_][\w{_MARKS}]*")
_PIECE = re.compile(rf"(?=\w)[{_UNSPACED}][{_UNSPACED}{_MARKS}]*|[^\W_{_UNSPACED}][^_{_UNSPACED}]*")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_FIRST_UNSPACED = "\u0e00"
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_LONGEST = 30
_MARK = re.compile(f"[{_MARKS}]")
_LONG_MARKS = re.compile(rf"[{_MARKS}]{{{_LONGEST}}}(?=[{_MARKS}])")


def tokenize(text: str) -> list[str]:
    """Lower-cased words; runs of Chinese, Japanese, Korean and Thai as character bigrams.

    Text is normalised to NFKC first, underscores separate, a run of one character is itself a token. Never
    raises; no text gives no tokens.

    >>> tokenize("Path_Params, déjà vu")
    ['path', 'params', 'déjà', 'vu']
    >>> tokenize("FastAPI入門編")
    ['fastapi', '入門', '門編']
    """
    if text.isascii():
        return text.encode("ascii").translate(ASCII_WORDS).decode("ascii").split()
    tokens: list[str] = []
    for word in _WORD.findall(_normal(text).lower()):
        if max(word) < _FIRST_UNSPACED and "_" not in word:
            tokens.append(word)
            continue
        for piece in _PIECE.findall(_SELECTOR.sub("", word)):
            if _UNSPACED_CHARACTER.match(piece):
                tokens.extend(piece[at : at + 2] for at in range(max(1, len(piece) - 1)))
            else:
                tokens.append(piece)
    return tokens


def visible(text: str) -> str:
    r"""What is seen of a text: its characters in NFKC without white space, control and format characters.

    It tells texts without words apart, such as emoji and rules of dashes. Variation selectors and the joiners within
    an emoji are left out: they choose a glyph.

    >>> visible(" 👉 ✨\n---")
    '👉✨---'
    """
    seen = _SELECTOR.sub("", _normal(text))
    return "".join(one for one in seen if unicodedata.category(one) not in _UNSEEN)


def _normal(text: str) -> str:
    """NFKC in linear time: it sorts each run of marks by insertion, which a hostile run makes quadratic.

    Runs are cut by a combining grapheme joiner after 30 marks, more than any word of any language has; a longer run
    shows in every thirtieth character. Source: UAX 15, section 13, stream-safe text.
    """
    if _MARK.search(text[::_LONGEST]):
        text = _LONG_MARKS.sub("\\g<0>\u034f", text)
    return unicodedata.normalize("NFKC", text)
