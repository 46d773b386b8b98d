"""Words read from bytes by numpy, against a reading of the same rules character by character."""

from __future__ import annotations

import random
import string

import polars as pl
import pytest

from lorid_data.texts.word_hashes import words_of

OPENS = " \t\r\n([{,;:=<>*/^_$&~"
SIGNS = "+-*/=<>^_%|&~#@"


def slow(text: str) -> list[tuple[str, bool]]:
    """Each word in lower case (of ASCII), and whether it is a number."""
    line = f"\n{text}\n\n\n\n\n\n"
    kinds, commas = list[str](), set[int]()
    for i, c in enumerate(line):
        before = line[i - 1]
        ahead = [x in string.digits for x in line[i + 1 : i + 5].ljust(4)]
        in_number = c in string.digits
        in_number |= c == "." and before in string.digits and ahead[0]
        in_number |= c == "-" and before in OPENS and ahead[0]
        if c == "," and before in string.digits and ahead == [True, True, True, False]:
            commas.add(i)
        if in_number or i in commas:
            kinds.append("digit")
        elif c in SIGNS:
            kinds.append("sign")
        else:
            kinds.append("letter" if c in string.ascii_letters or ord(c) > 127 else "")
    found: list[tuple[str, bool]] = []
    for i, (c, kind) in enumerate(zip(line, kinds, strict=True)):
        if kind and kind != kinds[i - 1]:
            found.append(("", kind == "digit"))
        if kind and i not in commas:
            c = c.lower() if c.isascii() else c
            found[-1] = (found[-1][0] + c, found[-1][1])
    return found


ALPHABETS = [
    "abXY019 ,.-+=$%\n\t()[]{}é日_^<>/*|;:'\"\0\x1c~&#@",
    "0123,.- a",
    "aB ",
    "aé日",
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_every_word_is_found_and_told_apart(alphabet: str) -> None:
    rng = random.Random(0)
    texts = ["".join(rng.choices(alphabet, k=rng.choice((0, 1, 9, 40)))) for _ in range(3000)]
    texts += ["".join(rng.choices("abc", k=k)) for k in range(150)]
    words = words_of(pl.Series("t", texts, dtype=pl.String))
    wanted = [slow(text) for text in texts]
    assert words.sizes.tolist() == [len(w) for w in wanted]
    flat = [word for of_text in wanted for word in of_text]
    assert words.is_number.tolist() == [is_number for _, is_number in flat]
    pairs = set(zip(words.hashes.tolist(), (word for word, _ in flat), strict=True))
    assert len(pairs) == len({h for h, _ in pairs}) == len({word for _, word in pairs})
