"""What the tiny student reads before it has any role: its tokenizer and its documents.

Problems come from the train split of the `arithmetic` source and from invented concepts. A share
of all facts (equations such as `48 + 24 = 72`) is held out: no document holds one, so that
arithmetic can be measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import student_concepts

from lorid_data import prompts
from lorid_data.schema import Problem, sha256_text
from lorid_data.sources.arithmetic.family import LARGEST, SMALLEST, compute
from lorid_data.sources.arithmetic.generate import load

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
VOCABULARY = 1024
OPERATORS = "+-*/"
_EQUATION = re.compile(r"\d+ [-+*/] \d+ = \d+")
# A digit is always a token of its own. A sign before a digit takes the space between them along.
_PIECES = r" ?[A-Za-z]+|\d| ?[^\sA-Za-z\d]+(?: (?=\d))?|\s+"
# Signs that GSM8K and MATH use and the source does not, so that they have tokens too.
_OTHER_TEXT = (
    r"$\frac{1}{2}$ \boxed{10} \left( x + y \right)^2 \le \sqrt{5} \cdot \pi x^{2} - 3x_{1} \text{cm} \%",
    "<<48/2=24>> $5.50, 25% of 1,200; (a) it's the girl's; she said: \"yes\" - he's 3/4 done!",
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the base corpus, without special tokens.

    Attributes:
        given: what is read but not learnt: a question, whose names and numbers are random.
        text: what is learnt.
        results_only: whether only the results of its equations are learnt, since the operands
            of a list of facts are random too.
    """

    given: str
    text: str
    results_only: bool = False


def train_tokenizer(seed: int, n_rows: int = 20_000) -> PreTrainedTokenizerFast:
    """A byte-level BPE of 1,024 tokens: any text can be encoded, and digits stand alone."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_tokenizer_texts(seed, n_rows), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        padding_side="left",
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )


def _tokenizer_texts(seed: int, n_rows: int) -> Iterator[str]:
    roles = [prompts.load(f"roles/{role}.v1").text for role in ("ir", "kg", "dr")]
    for i, p in enumerate(load("train", seed=seed, limit=n_rows)):
        yield p.question
        yield f"{p.rationale}\n--> {p.answer} END"
        if i % 5 == 0:
            yield "\n".join(p.knowledge)
            yield from roles
            yield from _OTHER_TEXT


def is_held_out(fact: str) -> bool:
    """Whether a fact such as `48 + 24 = 72` is kept from the corpus: one in 20, by its sha256."""
    return int(sha256_text(fact)[:8], 16) % 20 == 0


def draw_fact(operator: str, rng: Random) -> str:
    """A true equation within the range of numbers that rationales use; division is exact."""
    return _equation(operator, rng, high=(160, 100), factors=(100, 21))


def draw_wide_fact(operator: str, rng: Random) -> str:
    """The same with every factor and divisor that a concept may have, and larger sums."""
    return _equation(operator, rng, high=(201, 151), factors=(101, 61))


def _equation(
    operator: str, rng: Random, *, high: tuple[int, int], factors: tuple[int, int]
) -> str:
    while True:
        if operator in "+-":
            a, b = rng.randrange(2, high[0]), rng.randrange(2, high[1])
        else:
            a, b = rng.randrange(2, factors[0]), rng.randrange(2, factors[1])
            if operator == "*" and rng.randrange(2):
                a, b = b, a
            if operator == "/":
                a *= b
        c = compute(a, operator, b)
        if c is not None and SMALLEST <= c <= LARGEST and a <= LARGEST:
            return f"{a} {operator} {b} = {c}"


def held_out_facts(operator: str, n: int, seed: int) -> list[str]:
    """At most `n` distinct facts that no document holds, fewer where there are no more."""
    rng = Random(f"facts/{seed}/{operator}")
    drawn = (draw_fact(operator, rng) for _ in range(1_000 * n))
    return list(islice(dict.fromkeys(f for f in drawn if is_held_out(f)), n))


def documents(seed: int, course: int = 1) -> Iterator[Document]:
    """The corpus of a course, without end.

    Course 1 is mostly arithmetic: lists of facts, problems with their rationale, and rules.
    Course 2 is mostly problems, solved to the end as the roles write them (`--> ANSWER END`), and
    questions to be copied, so that a number is found again where it stands. Course 3 goes on with
    both and adds named concepts: definitions to be followed, and others to be recalled. The base
    must have printed all endings and words: its embedding is frozen for the adapters, and what it
    has never printed drowns in noise as soon as a text is sampled. The role prompts do not occur.
    """
    if course == 3:
        yield from _third_course(seed)
    rng = Random(f"documents/{seed}" if course == 1 else f"documents/{seed}/{course}")
    problems = _clean_problems(seed if course == 1 else seed + 500)
    make = _first_course if course == 1 else _second_course
    while True:
        yield make(rng, problems)


def _facts(rng: Random, draw: Callable[[str, Random], str] = draw_fact) -> Document:
    facts = (_known_fact(rng, draw) for _ in range(12))
    return Document("", " ".join(f"{fact}." for fact in facts), results_only=True)


def _first_course(rng: Random, problems: Iterator[Problem]) -> Document:
    kind = rng.randrange(20)
    if kind < 10:
        return _facts(rng)
    p = next(problems)
    rules = "\n".join(p.knowledge)
    if kind < 17:
        return Document(f"{p.question}\n", p.rationale)
    if kind < 19:
        return Document(f"{p.question}\n", f"{rules}\n{p.rationale}")
    return Document(f"{p.question}\n", rules)


def _second_course(rng: Random, problems: Iterator[Problem]) -> Document:
    kind = rng.randrange(20)
    if kind < 3:
        return _facts(rng)
    p = next(problems)
    rules = "\n".join(p.knowledge)
    if kind < 6:
        return Document(f"{p.question}\n", p.question)
    if kind < 13:
        return Document(f"{p.question}\n", _solved(p))
    if kind < 18:
        return Document(f"{p.question}\n{rules}\n", _solved(p))
    return Document(f"{p.question}\n", rules)


def _third_course(seed: int) -> Iterator[Document]:
    rng = Random(f"documents/{seed}/3")
    problems = _clean_problems(seed + 800)
    fresh = _clean(student_concepts.fresh(seed))
    known = _clean(student_concepts.known(seed))
    real = student_concepts.real(seed)
    while True:
        kind = rng.randrange(20)
        if kind < 4:
            yield _facts(rng, draw_wide_fact if kind else draw_fact)
        elif kind < 9:
            yield _second_course(rng, problems)
        elif kind < 14:
            p = next(fresh)
            yield Document(f"{p.question}\n{p.knowledge[0]}\n", _solved(p))
        elif kind < 15:
            p = next(fresh)
            yield Document(f"{p.question}\n{p.knowledge[0]}\n", f"{p.knowledge[0]}\n{_solved(p)}")
        elif kind < 16:
            question = next(real)
            yield Document(f"{question}\n", question)
        else:
            p = next(known)
            text = (_solved(p), p.knowledge[0], f"{p.knowledge[0]}\n{_solved(p)}")
            yield Document(f"{p.question}\n", text[rng.randrange(3)])


def _solved(p: Problem) -> str:
    return f"{p.rationale}\n--> {p.answer} END"


def _known_fact(rng: Random, draw: Callable[[str, Random], str]) -> str:
    while True:
        fact = draw("++++----**/"[rng.randrange(11)], rng)
        if not is_held_out(fact):
            return fact


def _clean_problems(seed: int) -> Iterator[Problem]:
    """Train problems, seed after seed."""
    while True:
        yield from _clean(load("train", seed=1_000 + seed, limit=40_000))
        seed += 1


def _clean(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Those whose rationale states no held-out fact."""
    for p in problems:
        if not any(is_held_out(fact) for fact in _EQUATION.findall(p.rationale)):
            yield p
