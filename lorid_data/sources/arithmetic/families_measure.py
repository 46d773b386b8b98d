"""Families about measures: lengths, areas, weights, temperatures."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

MEASURE: tuple[Family, ...] = (
    Family(
        name="fence-cost",
        numbers={"a": (4, 28), "b": (4, 28), "p": (2, 6)},
        phrasings=(
            "A garden is {a} metres long and {b} metres wide. A fence costs {p} dollars a metre. What does a fence all around cost?",
            "{name} puts a fence around a field of {a} metres by {b} metres. One metre costs {p} dollars. How many dollars does the fence cost?",
            "At {p} dollars a metre, how much is a fence around a yard that is {a} metres long and {b} metres wide?",
        ),
        steps=(
            "{a} + {b} = {x} metres for two sides.",
            "{x} * 2 = {y} metres around.",
            "{y} * {p} = {z} dollars.",
        ),
        knowledge=(
            "The distance around a rectangle is twice the sum of its length and width.",
            "A cost is the length times the price of one unit.",
        ),
    ),
    Family(
        name="lawn-area",
        numbers={"a": (6, 32), "b": (4, 12), "c": (6, 60)},
        phrasings=(
            "A garden is {a} metres long and {b} metres wide. A pond covers {c} square metres of it. How many square metres are lawn?",
            "{name} has a yard of {a} metres by {b} metres with a shed of {c} square metres. What area is free?",
            "How many square metres remain of a field {a} metres long and {b} metres wide, if {c} square metres are paved?",
        ),
        steps=("{a} * {b} = {x} square metres.", "{x} - {c} = {y} square metres left."),
        knowledge=(
            "The area of a rectangle is its length times its width.",
            "A covered part is subtracted from the area.",
        ),
    ),
    Family(
        name="rope-pieces",
        numbers={"n": (3, 9), "k": (4, 24), "m": (3, 9), "j": (4, 24)},
        hidden=("{n} * {k} = {u}", "{m} * {j} = {v}", "{u} + {v} = {a}"),
        phrasings=(
            "{name} has {a} metres of rope and cuts off {n} pieces of {k} metres. The rest is cut into pieces of {m} metres. How many of these are there?",
            "From a rope of {a} metres, {n} pieces of {k} metres each are cut. How many pieces of {m} metres can be cut from the rest?",
            "A rope is {a} metres long. After {n} cuts of {k} metres each, {name} cuts what is left into pieces of {m} metres. How many pieces does that give?",
        ),
        steps=(
            "{n} * {k} = {x} metres cut off.",
            "{a} - {x} = {y} metres left.",
            "{y} / {m} = {z} pieces.",
        ),
        knowledge=(
            "Pieces of one length take their number times that length.",
            "What is left is the whole minus what is cut off.",
            "The number of pieces is the length divided by the length of a piece.",
        ),
    ),
    Family(
        name="temperature-day",
        numbers={"a": (12, 50), "b": (4, 40), "c": (3, 30), "d": (3, 30)},
        phrasings=(
            "It is {a} degrees in the morning. By noon it is {b} degrees warmer, then it cools by {c} degrees and at night by {d} more. How many degrees is it?",
            "The temperature is {a} degrees. It rises by {b} degrees, falls by {c} degrees and falls by another {d} degrees. What is it in the end?",
            "On {day} it warms up from {a} degrees by {b} degrees, then drops by {c} and again by {d} degrees. What is the temperature now?",
        ),
        steps=(
            "{a} + {b} = {x} degrees.",
            "{x} - {c} = {y} degrees.",
            "{y} - {d} = {z} degrees.",
        ),
        knowledge=(
            "A rise is added and a fall is subtracted.",
            "Changes are worked out in the order in which they happen.",
        ),
    ),
    Family(
        name="weight-of-some",
        numbers={"e": (6, 48), "n": (4, 9), "w": (3, 28), "m": (3, 15)},
        hidden=("{n} * {w} = {u}", "{u} + {e} = {t}"),
        phrasings=(
            "An empty crate weighs {e} pounds. With {n} equal stones in it, it weighs {t} pounds. What do {m} such stones weigh?",
            "A crate with {n} equal stones weighs {t} pounds, and the crate alone weighs {e} pounds. How many pounds do {m} of these stones weigh?",
            "{name} weighs a crate of {n} equal stones: {t} pounds. The crate itself is {e} pounds. What is the weight of {m} stones?",
        ),
        steps=(
            "{t} - {e} = {x} pounds of stones.",
            "{x} / {n} = {y} pounds for one.",
            "{y} * {m} = {z} pounds for all.",
        ),
        knowledge=(
            "The weight of the contents is the full weight minus the empty weight.",
            "One of several equal items weighs the total divided by their number.",
            "Several equal items weigh their number times the weight of one.",
        ),
    ),
    Family(
        name="recipe-for-more",
        numbers={"n": (2, 6), "f": (3, 24), "g": (4, 24), "m": (7, 14)},
        hidden=("{n} * {f} = {a}", "{n} * {g} = {b}"),
        phrasings=(
            "For {n} people a dish takes {a} grams of salt and {b} grams of pepper. How many grams of both are needed for {m} people?",
            "{name} uses {a} grams of salt and {b} grams of pepper when cooking for {n} people. How many grams are that together for {m} people?",
            "A dish for {n} people has {a} grams of salt and {b} grams of pepper. What do salt and pepper weigh together in a dish for {m} people?",
        ),
        steps=(
            "{a} + {b} = {x} grams for {n} people.",
            "{x} / {n} = {y} grams for one.",
            "{y} * {m} = {z} grams for all.",
        ),
        knowledge=(
            "Ingredients of one dish are added.",
            "The amount for one person is the total divided by the number of people.",
            "The amount for a group is the amount for one times the size of the group.",
        ),
    ),
)
