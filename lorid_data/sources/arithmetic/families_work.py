"""Families about rates: reading, machines, travel, farms."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

WORK: tuple[Family, ...] = (
    Family(
        name="pages-per-day",
        numbers={"a": (8, 36), "n": (3, 8), "d": (3, 9), "m": (6, 36)},
        hidden=("{a} * {n} = {u}", "{d} * {m} = {v}", "{u} + {v} = {p}"),
        phrasings=(
            "{name} reads {a} pages a day for {n} days of a book with {p} pages. How many pages a day must {name} read to finish in {d} more days?",
            "A book has {p} pages. {name} reads {a} pages on each of {n} days and wants to spread the rest evenly over {d} days. How many pages is that per day?",
            "After {n} days of reading {a} pages a day, {name} has {d} days left for a book of {p} pages. How many pages must be read each day?",
        ),
        steps=(
            "{n} * {a} = {x} pages read.",
            "{p} - {x} = {y} pages left.",
            "{y} / {d} = {z} pages a day.",
        ),
        knowledge=(
            "Pages read are the days times the pages per day.",
            "The pages left are all pages minus those read.",
            "Spreading evenly over days means dividing by the number of days.",
        ),
    ),
    Family(
        name="two-machines",
        numbers={"a": (5, 29), "b": (5, 29), "n": (3, 8), "s": (6, 60)},
        phrasings=(
            "One machine makes {a} {things} an hour and another makes {b}. Both run for {n} hours, and {s} {things} are faulty. How many good {things} are made?",
            "Two machines make {a} and {b} {things} per hour. After {n} hours {s} {things} are thrown out. How many {things} are kept?",
            "In {n} hours, how many usable {things} come from two machines that make {a} and {b} an hour, if {s} of all are broken?",
        ),
        steps=(
            "{a} + {b} = {x} {things} an hour.",
            "{n} * {x} = {y} {things} made.",
            "{y} - {s} = {z} good {things}.",
        ),
        knowledge=(
            "Rates of machines that work side by side are added.",
            "An output is the rate times the hours.",
            "Faulty items are subtracted from the output.",
        ),
    ),
    Family(
        name="two-legs",
        numbers={"v": (10, 60, 5), "h": (2, 4), "w": (10, 60, 5), "k": (2, 4)},
        phrasings=(
            "A {vehicle} goes {v} miles an hour for {h} hours and then {w} miles an hour for {k} hours. How many miles does it go?",
            "{name} drives a {vehicle} for {h} hours at {v} miles an hour and {k} hours at {w} miles an hour. How long is the trip in miles?",
            "For {h} hours a {vehicle} travels at {v} miles per hour, and for {k} more hours at {w} miles per hour. What distance does it cover?",
        ),
        steps=(
            "{v} * {h} = {x} miles at first.",
            "{w} * {k} = {y} miles after that.",
            "{x} + {y} = {z} miles in all.",
        ),
        knowledge=(
            "Distance is speed times time.",
            "The distances of the parts of a trip are added.",
        ),
    ),
    Family(
        name="rest-of-the-trip",
        numbers={"v": (10, 60, 5), "h": (2, 4), "w": (10, 60, 5), "k": (2, 6)},
        hidden=("{v} * {h} = {u}", "{w} * {k} = {s}", "{u} + {s} = {d}"),
        phrasings=(
            "A trip is {d} miles long. A {vehicle} goes {v} miles an hour for {h} hours and covers the rest at {w} miles an hour. How many hours does the rest take?",
            "{name} has to drive {d} miles. After {h} hours at {v} miles an hour, how many hours are left at {w} miles an hour?",
            "Of {d} miles, a {vehicle} covers a part in {h} hours at {v} miles per hour. How many hours does it need for what remains at {w} miles per hour?",
        ),
        steps=(
            "{v} * {h} = {x} miles done.",
            "{d} - {x} = {y} miles left.",
            "{y} / {w} = {z} hours.",
        ),
        knowledge=(
            "Distance is speed times time.",
            "The distance left is the whole trip minus the part done.",
            "Time is distance divided by speed.",
        ),
    ),
    Family(
        name="filling-tank",
        numbers={"a": (20, 180), "f": (6, 36), "n": (4, 12), "s": (8, 70)},
        phrasings=(
            "A tank holds {a} litres. A pump adds {f} litres a minute for {n} minutes, and then {s} litres are used. How many litres are in the tank?",
            "There are {a} litres in a tank. For {n} minutes it gains {f} litres a minute, and {s} litres leak out. How many litres are there now?",
            "{name} pumps {f} litres a minute into a tank with {a} litres for {n} minutes and then takes out {s} litres. What is left in the tank?",
        ),
        steps=(
            "{n} * {f} = {x} litres added.",
            "{a} + {x} = {y} litres.",
            "{y} - {s} = {z} litres left.",
        ),
        knowledge=(
            "What a pump adds is its rate times the minutes.",
            "Inflow is added to what was there.",
            "Outflow is subtracted.",
        ),
    ),
    Family(
        name="eggs-for-sale",
        numbers={"n": (4, 12), "k": (2, 6), "e": (3, 15), "p": (2, 5), "d": (3, 7)},
        phrasings=(
            "{name} has {n} hens that lay {k} eggs a day each. {name} eats {e} eggs a day and sells the rest at {p} dollars each. How many dollars is that in {d} days?",
            "Each of {n} hens lays {k} eggs a day. {e} eggs a day are eaten and the others are sold for {p} dollars each. How much money comes in over {d} days?",
            "Over {d} days, how much does {name} earn by selling eggs at {p} dollars each, if {n} hens lay {k} eggs each a day and {e} are eaten daily?",
        ),
        steps=(
            "{n} * {k} = {x} eggs a day.",
            "{x} - {e} = {y} eggs to sell.",
            "{y} * {p} = {z} dollars a day.",
            "{z} * {d} = {r} dollars in all.",
        ),
        knowledge=(
            "A daily yield is the number of animals times the yield of one.",
            "What is eaten is subtracted before the sale.",
            "Income is the number sold times the price, and it repeats every day.",
        ),
    ),
    Family(
        name="bus-stops",
        numbers={"a": (12, 60), "b": (4, 30), "c": (3, 30), "d": (4, 30)},
        phrasings=(
            "A {coach} starts with {a} people. At the first stop {b} get on and {c} get off. At the second stop half get off and {d} get on. How many people are on it?",
            "{a} people are on a {coach}. First {b} people join and {c} leave. Then half of them leave and {d} join. How many people are there now?",
            "With {a} people a {coach} sets off. {b} people enter, {c} go out, then one half goes out and {d} people enter. How many people ride on?",
        ),
        steps=(
            "{a} + {b} = {x} people.",
            "{x} - {c} = {y} people.",
            "{y} / 2 = {z} people stay.",
            "{z} + {d} = {r} people on it.",
        ),
        knowledge=(
            "People who get on are added and people who get off are subtracted.",
            "When half leave, half stay: divide by two.",
            "Changes are worked out in the order in which they happen.",
        ),
    ),
    Family(
        name="letters-by-two",
        numbers={"a": (6, 24), "d": (3, 20), "h": (3, 8), "g": (4, 40)},
        phrasings=(
            "{name} writes {a} letters an hour and {other} writes {d} more than that each hour. How many letters are missing from {t} after {h} hours?",
            "{t} letters must be written. {name} writes {a} an hour and {other} writes {d} more an hour than {name}. How many letters are left after {h} hours?",
            "Of {t} letters, {name} writes {a} every hour and {other} {d} more than {name} every hour. How many are not written after {h} hours?",
        ),
        hidden=("{a} + {d} = {u}", "{a} + {u} = {v}", "{v} * {h} = {w}", "{w} + {g} = {t}"),
        steps=(
            "{a} + {d} = {b} letters an hour by {other}.",
            "{a} + {b} = {c} letters an hour.",
            "{c} * {h} = {x} letters written.",
            "{t} - {x} = {r} letters left.",
        ),
        knowledge=(
            "More than a rate means adding the difference to it.",
            "Rates of people who work side by side are added.",
            "Work done is the rate times the hours; the rest is what is left.",
        ),
    ),
)
