"""Families that occur in the split `heldout` alone: new stories from the same operations."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

HELDOUT: tuple[Family, ...] = (
    Family(
        name="orchard-harvest",
        numbers={"m": (3, 9), "b": (8, 40), "n": (3, 9), "s": (4, 30)},
        hidden=("{m} * {b} = {u}", "{u} + {s} = {t}", "{t} / {n} = {k}"),
        phrasings=(
            "An orchard has {n} trees that give {k} pears each. {s} pears are bad and the rest go into baskets of {m}. How many baskets are filled?",
            "{name} picks {k} pears from each of {n} trees, throws {s} away and fills baskets of {m} pears. How many baskets does {name} fill?",
            "{n} trees bear {k} pears each. Without {s} bad ones, how many baskets of {m} pears can be filled?",
        ),
        steps=(
            "{n} * {k} = {x} pears.",
            "{x} - {s} = {y} good pears.",
            "{y} / {m} = {z} baskets.",
        ),
        knowledge=(
            "A harvest is the number of trees times the yield of one.",
            "Bad fruit is subtracted.",
            "The number of baskets is the fruit divided by the size of a basket.",
        ),
    ),
    Family(
        name="theatre-tickets",
        numbers={"a": (4, 24), "p": (6, 18), "b": (4, 24), "q": (3, 9), "r": (8, 60)},
        phrasings=(
            "{a} adults pay {p} dollars each and {b} children pay {q} dollars each to see a play. The hall costs {r} dollars. How much is left?",
            "A play sells {a} tickets to adults at {p} dollars and {b} tickets to children at {q} dollars. After {r} dollars for the hall, how much remains?",
            "With adult tickets at {p} dollars and child tickets at {q} dollars, {a} adults and {b} children come. How much is left after paying {r} dollars for the hall?",
        ),
        steps=(
            "{a} * {p} = {x} dollars from adults.",
            "{b} * {q} = {y} dollars from children.",
            "{x} + {y} = {t} dollars.",
            "{t} - {r} = {z} dollars left.",
        ),
        knowledge=(
            "Each kind of ticket brings its number times its price.",
            "Income from all kinds is added.",
            "Costs are subtracted from the income.",
        ),
    ),
    Family(
        name="burning-candle",
        numbers={"a": (60, 200), "b": (3, 12), "n": (4, 12)},
        phrasings=(
            "A candle is {a} millimetres tall and loses {b} millimetres an hour. How tall is it after {n} hours?",
            "Every hour a candle of {a} millimetres gets {b} millimetres shorter. What height is left after {n} hours?",
            "{name} lights a candle of {a} millimetres. It burns down {b} millimetres an hour for {n} hours. How many millimetres remain?",
        ),
        steps=("{n} * {b} = {x} millimetres burnt.", "{a} - {x} = {y} millimetres left."),
        knowledge=(
            "What is lost is the rate times the hours.",
            "What remains is the start minus the loss.",
        ),
    ),
    Family(
        name="running-laps",
        numbers={"a": (4, 18), "d": (2, 12), "m": (3, 9)},
        phrasings=(
            "{name} runs {a} laps on {day} and {d} more on {day2}. A lap takes {m} minutes. How many minutes does {name} run in all?",
            "On {day2} {name} runs {d} laps more than on {day}, when {name} runs {a}. Each lap takes {m} minutes. How many minutes is that together?",
            "A lap takes {m} minutes. {name} does {a} laps on {day} and {d} laps more than that on {day2}. For how many minutes does {name} run?",
        ),
        steps=(
            "{a} + {d} = {b} laps on {day2}.",
            "{a} + {b} = {c} laps.",
            "{c} * {m} = {t} minutes.",
        ),
        knowledge=(
            "More than an amount means adding the difference to it.",
            "Laps of both days are added.",
            "A total time is the number of laps times the time of one.",
        ),
    ),
    Family(
        name="stamp-album",
        numbers={"n": (4, 12), "k": (6, 18), "g": (5, 40), "d": (5, 30), "m": (2, 6)},
        phrasings=(
            "{name} fills {n} pages of an album with {k} stamps each, sells {g}, gets {d} from {other}, and spreads them evenly over {m} books. How many stamps are in a book?",
            "An album has {n} pages of {k} stamps. {g} stamps are sold and {d} are added. Then all are split evenly into {m} books. How many stamps does each book hold?",
            "{name} owns {n} pages with {k} stamps on each. After selling {g} and buying {d}, {name} puts the same number in each of {m} books. How many stamps is that?",
        ),
        steps=(
            "{n} * {k} = {x} stamps.",
            "{x} - {g} = {y} stamps.",
            "{y} + {d} = {z} stamps.",
            "{z} / {m} = {r} stamps in each book.",
        ),
        knowledge=(
            "Equal pages hold the number of pages times the stamps on one.",
            "Sold items are subtracted and new items are added.",
            "Spreading evenly means dividing by the number of places.",
        ),
    ),
)
