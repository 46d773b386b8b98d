"""Questions that ask backwards: for a given of their original, whose answer they state.

MetaMathQA (Yu et al. 2023) has two kinds: SV ("… What is the value of unknown variable X?") and
FOBAR ("If we know the answer to the above question is 5, what is the value of …?"). What their
original needs is not what they need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BACKWARD_TEXT = re.compile(
    r"unknown variable|if we know the answer to the (?:above|previous) question|"
    r"the answer (?:to (?:this|the above) question )?is \S+?[.,]?\s+what is the value of",
    re.IGNORECASE,
)
_BACKWARD_KIND = re.compile(r"(?:^|_)(?:SV|FOBAR)$")


def asks_backward(question: str, kinds: Iterable[str] = ()) -> bool:
    """Whether a question asks for a given of its original.

    Args:
        question: its text.
        kinds: where its kind may stand, like MetaMathQA's `GSM_FOBAR`.
    """
    return BACKWARD_TEXT.search(question) is not None or any(map(_BACKWARD_KIND.search, kinds))
