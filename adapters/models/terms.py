"""Text as terms: lower-cased, stemmed words in any script, without stop words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from threading import local

import snowballstemmer

from adapters.models.stopwords import stop_words

# Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han, with their extensions.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U000323af"
)
_TOKEN = re.compile(
    rf"[{_UNSPACED}]+|\d+(?:[.,]\d+)+(?!\w)|(?:(?![{_UNSPACED}])[^\W_])(?:(?![{_UNSPACED}])[^\W_]|[\u0300-\u036f]|['](?=[^\W\d_]))*"
)
_DIMENSIONS = re.compile(r"(?<=\d)\s?×\s?(?=\d)")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_THOUSANDS = re.compile(r"(?<=\d)[,.](?=\d{3}(?!\d))")
_stemmers = local()


def tokenize(text: str) -> list[str]:
    """Return the words in order, in lower case, compatibility forms folded; unspaced scripts as character pairs."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    tokens: list[str] = []
    for word in _TOKEN.findall(_DIMENSIONS.sub("x", _THOUSANDS.sub("", folded))):
        if is_unspaced(word) and len(word) > 1:
            tokens.extend(word[at : at + 2] for at in range(len(word) - 1))
        else:
            tokens.append(word)
    return tokens


def is_unspaced(token: str) -> bool:
    """Say whether a token is a pair of characters of a script that is written without spaces."""
    return bool(_IS_UNSPACED.match(token))


def terms(text: str, language: str = "english") -> list[str]:
    """Return the text's stemmed content words in order, with repetitions."""
    ignored = stop_words(language)
    return [stem(word, language) for word in tokenize(text) if word not in ignored]


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the word's stem; in a language without a stemmer the word itself."""
    word = word.removesuffix("'s")
    if "'" in word and language in {"french", "italian"}:  # l'acqua, qu'est: the article is no part of the word
        word = word.rpartition("'")[2]
    stemmer = _stemmer(language)
    return stemmer(word) if stemmer else word


def _stemmer(language: str) -> Callable[[str], str] | None:
    """Return this thread's stemmer: a Snowball stemmer keeps the word it works on, so threads can't share one."""
    known: dict[str, Callable[[str], str] | None] = _stemmers.__dict__
    if language not in known:
        known[language] = (
            snowballstemmer.stemmer(language).stemWord if language in snowballstemmer.algorithms() else None
        )
    return known[language]
