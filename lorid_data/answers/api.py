"""What the rest of the project calls: each function loads the parsers when it is first called."""

from collections.abc import Sequence

from lorid_data.answers.results import Accepted, Answer, NoAnswer, Verdict


def extract(text: str, *, last_number: bool = False) -> Answer | NoAnswer:
    r"""Find the one answer that a text gives.

    Explicit marks count first, and the last of them: `#### x`, `--> x END`, `\boxed{x}`,
    `<answer>x</answer>`; then cue phrases ("the answer is x"). What stands behind a special token
    or a new "Question:" is not read.

    Args:
        text: what a model or a source wrote.
        last_number: whether the last number of a text without any marked answer counts.

    Returns:
        The answer as written, without its mark, surrounding emphasis and final full stop, and what
        marked it; or the reason why there is none. A mark with nothing behind it is no answer,
        whatever numbers stand elsewhere.
    """
    from lorid_data.answers import extraction

    return extraction.extract(text, last_number=last_number)


def boxed(text: str) -> str | None:
    r"""The content of the last `\boxed{…}` of a solution, byte for byte, or None where it has none.

    Boxes with nothing between them but "and", "or", a comma or a name are one answer, unless they
    restate one value: `k=\boxed{5}$ or $k=\boxed{-3}` is "5, -3".
    """
    from lorid_data.answers import joined

    return joined.boxed(text)


def equal(a: str | Accepted, b: str | Accepted) -> Verdict:
    r"""Whether two answers are the same.

    An `Accepted` holds several reference answers: to be equal to one of them is enough.

    Takes plain answers and LaTeX, with or without `$`, `\boxed{}`, units and a leading name. Exact
    stages decide numbers, surds, polynomials, lists, tuples, intervals, matrices, relations and
    words; Math-Verify, in a process that is killed when it takes too long, decides the rest.

    Returns:
        EQUAL or DIFFERENT; UNPARSED where one of them is empty, malformed or over a limit of size;
        TIMEOUT where the verifier was stopped. The order of `a` and `b` never matters.
    """
    from lorid_data.answers import equality

    return equality.equal(a, b)


def prepare() -> None:
    """Start the last stage of `equal` now and wait until it has loaded its libraries (about a second).

    Optional. Without it the first pair that needs them waits for them; that wait does not count
    against the pair's time limit.
    """
    from lorid_data.answers import equality

    equality.prepare()


def key(a: str) -> str:
    """A canonical text by which answers can be grouped cheaply.

    Two answers that the exact stages find equal have the same key, with these exceptions: a rounded
    decimal and its exact value, a quotient of sums that only cross multiplication shows equal, a
    row vector and a tuple. Units and a leading name are not part of a key: "5 km", "x = 5" and "5"
    share one. An answer over the limits is its own key.
    """
    from lorid_data.answers import equality

    return equality.key(a)


def group(answers: Sequence[str]) -> list[int]:
    """Number the answers so that equal ones share a number, in order of first appearance.

    Answers that equal one another, directly or through others of the list, are one group, in
    whatever order they stand. What cannot be compared (unparsed, timeout) joins none by itself.
    """
    from lorid_data.answers import equality

    return equality.group(answers)


def official_extract(text: str) -> str:
    """The answer that the official LoRID code extracts from a text, '' for none.

    Follows `extract_answer` of the official repository (src/evaluation/parser.py, commit 284c947,
    itself Qwen2.5-Math's), the last number included.
    """
    from lorid_data.answers import official

    return official.official_extract(text)


def official_equal(a: str, b: str) -> Verdict:
    """What the official grader says of a candidate `a` and a label `b`, as far as that needs no sympy.

    Follows `math_equal` of the official repository (src/evaluation/grader.py, commit 284c947): its
    string, choice, numeric (×100, ÷100 and one part in 10,000 accepted), bracket, list and matrix
    stages. Not symmetric, as there.

    Returns:
        EQUAL or DIFFERENT where these stages decide; UNPARSED where the official code would go on
        to parse both texts with sympy, which evaluates them as code.
    """
    from lorid_data.answers import official

    return official.official_equal(a, b)
