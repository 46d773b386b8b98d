"""Families about money: buying, selling, saving, earning."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

SHOP: tuple[Family, ...] = (
    Family(
        name="half-next-month",
        numbers={"a": (12, 96)},
        phrasings=(
            "{name} sold {a} {things} in {month} and half as many in {month2}. How many {things} did {name} sell altogether?",
            "In {month} {name} sold {a} {things}. In {month2} {name} sold only half as many. How many {things} were sold in both months?",
            "A stall sold {a} {things} in {month}, then half that number in {month2}. What is the total number of {things} sold?",
        ),
        steps=("{a} / 2 = {b} {things} in {month2}.", "{a} + {b} = {c} {things} in all."),
        knowledge=(
            "Half of an amount is found by dividing it by two.",
            "A total over two months is the sum of both months.",
        ),
    ),
    Family(
        name="change-from-payment",
        numbers={"n": (3, 9), "p": (4, 24), "paid": (40, 200, 10)},
        phrasings=(
            "{name} buys {n} {things} at {p} dollars each and pays with {paid} dollars. How much change does {name} get?",
            "Each of the {n} {things} that {name} wants costs {p} dollars. {name} hands over {paid} dollars. How many dollars come back?",
            "{name} has {paid} dollars and spends some of it on {n} {things} for {p} dollars each. How many dollars are left?",
        ),
        steps=("{n} * {p} = {cost} dollars to pay.", "{paid} - {cost} = {r} dollars left."),
        knowledge=(
            "The cost of equal items is their number times the price of one.",
            "Change is the money paid minus the cost.",
        ),
    ),
    Family(
        name="two-kinds-cost",
        numbers={"n": (3, 9), "p": (4, 16), "m": (3, 9), "q": (4, 16)},
        phrasings=(
            "{name} buys {n} {things} for {p} dollars each and {m} {things2} for {q} dollars each. How much does {name} pay in all?",
            "A shop sells {things} at {p} dollars and {things2} at {q} dollars. What do {n} {things} and {m} {things2} cost together?",
            "{name} needs {n} {things} and {m} {things2}. One of the {things} costs {p} dollars and one of the {things2} costs {q} dollars. What is the bill?",
        ),
        steps=(
            "{n} * {p} = {x} dollars for {things}.",
            "{m} * {q} = {y} dollars for {things2}.",
            "{x} + {y} = {t} dollars in all.",
        ),
        knowledge=(
            "The cost of one kind is the number of items times the price of one.",
            "A bill is the sum of the costs of all kinds.",
        ),
    ),
    Family(
        name="coupon-and-friends",
        numbers={"n": (4, 9), "p": (6, 24), "c": (4, 30), "k": (2, 6)},
        phrasings=(
            "{k} friends order {n} {foods} at {p} dollars each and use a coupon worth {c} dollars. They split the bill evenly. How much does each friend pay?",
            "{n} {foods} cost {p} dollars each. A coupon takes {c} dollars off the bill, and {k} friends share the rest equally. What does each one pay?",
            "A group of {k} friends buys {n} {foods} for {p} dollars each. With a coupon of {c} dollars, how much does each friend pay if all pay the same?",
        ),
        steps=(
            "{n} * {p} = {x} dollars before the coupon.",
            "{x} - {c} = {y} dollars after it.",
            "{y} / {k} = {z} dollars each.",
        ),
        knowledge=(
            "The cost of equal items is their number times the price of one.",
            "A coupon is subtracted from the bill before it is shared.",
            "An even share is the amount divided by the number of people.",
        ),
    ),
    Family(
        name="saving-for-a-goal",
        numbers={"w": (6, 36), "n": (3, 9), "a": (11, 90), "g": (60, 200)},
        phrasings=(
            "{name} has {a} dollars and saves {w} dollars a week for {n} weeks. How much more does {name} need for a bike that costs {g} dollars?",
            "A bike costs {g} dollars. {name} already has {a} dollars and then puts aside {w} dollars each week for {n} weeks. How many dollars are still missing?",
            "{name} wants a bike for {g} dollars. After {n} weeks of saving {w} dollars a week on top of {a} dollars, how much is still needed?",
        ),
        steps=(
            "{n} * {w} = {x} dollars saved.",
            "{x} + {a} = {y} dollars so far.",
            "{g} - {y} = {z} dollars missing.",
        ),
        knowledge=(
            "Equal savings add up to the amount per week times the number of weeks.",
            "The money so far is the savings plus the money at the start.",
            "What is missing is the price minus the money so far.",
        ),
    ),
    Family(
        name="profit-after-rent",
        numbers={"p": (3, 29), "q": (12, 48), "n": (4, 12), "r": (11, 60)},
        phrasings=(
            "{name} buys {n} {things} at {p} dollars each and sells them at {q} dollars each. The stall costs {r} dollars. What is the profit?",
            "At a stall that costs {r} dollars, {name} sells {n} {things} for {q} dollars each after buying them for {p} dollars each. How much does {name} gain?",
            "{name} pays {p} dollars for each of {n} {things}, pays {r} dollars for a stall, and sells every one for {q} dollars. How many dollars does {name} earn?",
        ),
        steps=(
            "{q} - {p} = {x} dollars gained on each.",
            "{n} * {x} = {y} dollars on all.",
            "{y} - {r} = {z} dollars of profit.",
        ),
        knowledge=(
            "The gain on one item is its selling price minus its buying price.",
            "The gain on all items is the gain on one times their number.",
            "Profit is what remains after the fixed costs are subtracted.",
        ),
    ),
    Family(
        name="price-of-one-first",
        numbers={"n": (3, 9), "u": (4, 29), "m": (4, 19)},
        hidden=("{n} * {u} = {t}",),
        phrasings=(
            "{n} {things} cost {t} dollars. How much do {m} {things} cost at the same price?",
            "{name} paid {t} dollars for {n} {things}. What would {name} pay for {m} of them?",
            "If {t} dollars buy {n} {things}, how many dollars are needed for {m} {things}?",
        ),
        steps=("{t} / {n} = {v} dollars for one.", "{m} * {v} = {c} dollars for all."),
        knowledge=(
            "The price of one item is the total price divided by the number of items.",
            "Any other number of items costs that number times the price of one.",
        ),
    ),
    Family(
        name="wage-and-spending",
        numbers={"h": (3, 9), "k": (3, 9), "w": (8, 28), "s": (20, 120)},
        phrasings=(
            "{name} works {h} hours on {day} and {k} hours on {day2} for {w} dollars an hour, then spends {s} dollars. How much is left?",
            "For {w} dollars an hour, {name} works {h} hours on {day} and {k} hours on {day2}. After spending {s} dollars, how many dollars remain?",
            "{name} earns {w} dollars per hour. {name} worked {h} hours on {day}, {k} hours on {day2}, and paid {s} dollars for shoes. What remains of the wage?",
        ),
        steps=(
            "{h} + {k} = {x} hours.",
            "{x} * {w} = {y} dollars earned.",
            "{y} - {s} = {z} dollars left.",
        ),
        knowledge=(
            "The hours of several days are added.",
            "A wage is the number of hours times the pay per hour.",
            "What is left is the wage minus the spending.",
        ),
    ),
)
