"""Families about comparing: more than, fewer than, times as many, ages, scores."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

COMPARE: tuple[Family, ...] = (
    Family(
        name="times-as-many",
        numbers={"a": (12, 64), "k": (2, 6)},
        phrasings=(
            "{name} has {a} {things}. {other} has {k} times as many. How many {things} do they have together?",
            "{other} collected {k} times as many {things} as {name}, who collected {a}. How many {things} did the two collect?",
            "{name} found {a} {things} and {other} found {k} times that number. How many {things} did they find altogether?",
        ),
        steps=("{a} * {k} = {b} {things} for {other}.", "{a} + {b} = {c} {things} together."),
        knowledge=(
            "Times as many means multiplying.",
            "Together means adding both amounts.",
        ),
    ),
    Family(
        name="more-then-double",
        numbers={"a": (8, 48), "d": (5, 30)},
        phrasings=(
            "{name} has {a} {things}. {other} has {d} more than {name}, and {third} has twice as many as {other}. How many {things} do all three have?",
            "{other} picked {d} more {things} than {name}, who picked {a}. {third} picked double the number of {other}. How many {things} were picked in all?",
            "{third} owns twice as many {things} as {other}. {other} owns {d} more than {name}. If {name} owns {a}, how many {things} are there in total?",
        ),
        steps=(
            "{a} + {d} = {b} {things} for {other}.",
            "{b} * 2 = {c} {things} for {third}.",
            "{a} + {b} = {s} {things}.",
            "{s} + {c} = {t} {things} in all.",
        ),
        knowledge=(
            "More than an amount means adding the difference to it.",
            "Twice as many means multiplying by two.",
            "A total is the sum of all parts.",
        ),
    ),
    Family(
        name="fewer-then-half",
        numbers={"a": (30, 120), "d": (7, 48)},
        phrasings=(
            "{name} has {a} {things}. {other} has {d} fewer than {name}, and {third} has half as many as {other}. How many {things} do all three have?",
            "{other} picked {d} fewer {things} than {name}, who picked {a}. {third} picked half the number of {other}. How many {things} were picked in all?",
            "{third} owns half as many {things} as {other}. {other} owns {d} fewer than {name}. If {name} owns {a}, how many {things} are there in total?",
        ),
        steps=(
            "{a} - {d} = {b} {things} for {other}.",
            "{b} / 2 = {c} {things} for {third}.",
            "{a} + {b} = {s} {things}.",
            "{s} + {c} = {t} {things} in all.",
        ),
        knowledge=(
            "Fewer than an amount means subtracting the difference from it.",
            "Half as many means dividing by two.",
            "A total is the sum of all parts.",
        ),
    ),
    Family(
        name="ages-later",
        numbers={"a": (6, 40), "d": (3, 30), "n": (3, 20)},
        phrasings=(
            "{name} is {a} years old and {other} is {d} years older. What is the sum of their ages in {n} years?",
            "{other} is {d} years older than {name}, who is {a}. How old will they be together in {n} years?",
            "In {n} years, what will the ages of {name} and {other} add up to, if {name} is {a} now and {other} is {d} years older?",
        ),
        steps=(
            "{a} + {d} = {b} years is {other} now.",
            "{a} + {n} = {x} years for {name}.",
            "{b} + {n} = {y} years for {other}.",
            "{x} + {y} = {z} years together.",
        ),
        knowledge=(
            "Being older means adding the difference in years.",
            "Every person grows older by the same number of years.",
            "A sum of ages adds the age of each person.",
        ),
    ),
    Family(
        name="ages-multiple",
        numbers={"a": (5, 16), "k": (2, 5), "n": (4, 24)},
        phrasings=(
            "{name} is {a} years old. {other} is {k} times as old. How old will {other} be in {n} years?",
            "{other} is {k} times the age of {name}, who is {a}. What age will {other} reach {n} years from now?",
            "How old is {other} {n} years from now, if {name} is {a} today and {other} is {k} times as old as {name}?",
        ),
        steps=("{a} * {k} = {b} years is {other} now.", "{b} + {n} = {c} years later."),
        knowledge=(
            "Times as old means multiplying the age.",
            "An age in the future is the age now plus the years that pass.",
        ),
    ),
    Family(
        name="two-groups-difference",
        numbers={"n": (3, 9), "k": (11, 32), "m": (3, 9), "j": (4, 24)},
        phrasings=(
            "{name} fills {n} {boxes} with {k} {things} each. {other} fills {m} {boxes} with {j} {things} each. How many more {things} does {name} use?",
            "There are {n} {boxes} of {k} {things} on the left and {m} {boxes} of {j} {things} on the right. How many more {things} are on the left?",
            "{name} packs {n} {boxes} of {k} {things} and {other} packs {m} {boxes} of {j} {things}. By how many {things} is {name} ahead?",
        ),
        steps=(
            "{n} * {k} = {x} {things} first.",
            "{m} * {j} = {y} {things} second.",
            "{x} - {y} = {z} {things} more.",
        ),
        knowledge=(
            "Equal groups hold the number of groups times the size of one.",
            "How many more is the larger amount minus the smaller one.",
        ),
    ),
    Family(
        name="average-of-three",
        numbers={"a": (12, 99), "b": (12, 99), "c": (12, 99)},
        phrasings=(
            "{name} scores {a}, {b} and {c} points in three games. What is the average score?",
            "In three tests {name} gets {a}, {b} and {c} points. How many points is that on average?",
            "What is the mean of the three results {a}, {b} and {c} that {name} reached?",
        ),
        steps=(
            "{a} + {b} = {x} points.",
            "{x} + {c} = {y} points in all.",
            "{y} / 3 = {z} points on average.",
        ),
        knowledge=(
            "An average is the sum of all values divided by how many there are.",
            "A sum of several values is built up one value at a time.",
        ),
    ),
    Family(
        name="three-rounds",
        numbers={"a": (12, 60), "d": (5, 40), "p": (4, 40)},
        phrasings=(
            "{name} scores {a} points in round one, double that in round two and {d} fewer than in round two in round three. Then {p} points are taken off. What is the score?",
            "In a game {name} gets {a} points first, then twice as many, then {d} fewer than the second time. A foul costs {p} points. How many points does {name} end with?",
            "{name} starts with a round of {a} points. The second round doubles it, the third is {d} below the second, and {p} points are lost for being late. What is the final score?",
        ),
        steps=(
            "{a} * 2 = {b} points in round two.",
            "{b} - {d} = {c} points in round three.",
            "{a} + {b} = {s} points.",
            "{s} + {c} = {t} points.",
            "{t} - {p} = {r} points in the end.",
        ),
        knowledge=(
            "Double means multiplying by two.",
            "Fewer means subtracting the difference.",
            "A score is the sum of all rounds, and lost points are subtracted.",
        ),
    ),
)
