"""The JSON of a reply without what models write around it: their thoughts, a fence, words before it."""

from __future__ import annotations

import re

_FENCE = re.compile(
    r"^[ \t]*```[\w-]*[ \t]*\r?\n(.*?)(?:^[ \t]*```[ \t]*$|```\s*\Z)", re.DOTALL | re.MULTILINE
)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_THINKING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)


def unwrap(text: str) -> tuple[str, str]:
    """What of a reply is to be read as JSON, and what stood around it, for people.

    What stands up to the last `</think>` is no answer, with or without its beginning. Of one code
    fence the content counts, whatever is written around it; two fences are ambiguous, so the text
    stays as it is.
    """
    around = []
    text = text.removeprefix("\ufeff")
    thoughts = list(_THOUGHT.finditer(text))
    if thoughts and not text.lstrip().startswith(("{", "[")):
        text = text[thoughts[-1].end() :]
        around.append("thoughts before the JSON")
    elif _THINKING.match(text.lstrip()):
        around.append("a thought without an end")
    fences = _FENCE.findall(text)
    if len(fences) == 1:
        is_bare = text.strip().startswith("```") and text.strip().endswith("```")
        around.append("a code fence" if is_bare else "a code fence with words around it")
        text = fences[0]
    elif fences:
        around.append(f"{len(fences)} code fences")
    return text, ", ".join(around)
