"""Families about groups: sharing, packing, giving away."""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import Family

SHARE: tuple[Family, ...] = (
    Family(
        name="pool-and-share",
        numbers={"a": (14, 96), "b": (14, 96), "k": (3, 9)},
        phrasings=(
            "{name} has {a} {things} and {other} has {b}. They put them together and share them equally among {k} children. How many {things} does each child get?",
            "{name} brings {a} {things} and {other} brings {b} {things}. If {k} children split them evenly, how many does each child get?",
            "{k} children share the {a} {things} of {name} and the {b} {things} of {other} equally. How many {things} are there for each child?",
        ),
        steps=("{a} + {b} = {c} {things} together.", "{c} / {k} = {d} {things} each."),
        knowledge=(
            "Putting two groups together means adding them.",
            "An equal share is the total divided by the number of people.",
        ),
    ),
    Family(
        name="boxes-and-loose",
        numbers={"n": (3, 9), "k": (6, 24), "a": (11, 60), "g": (11, 80)},
        phrasings=(
            "{name} has {n} {boxes} with {k} {things} each and {a} loose {things}. {name} gives {g} away. How many {things} are left?",
            "There are {n} {boxes} of {k} {things} and {a} more {things} on the table. After {g} are given away, how many {things} remain?",
            "After giving away {g} {things}, how many does {name} still have, if there were {n} {boxes} with {k} {things} in each and {a} loose ones?",
        ),
        steps=(
            "{n} * {k} = {x} {things} in {boxes}.",
            "{x} + {a} = {y} {things} at first.",
            "{y} - {g} = {z} {things} left.",
        ),
        knowledge=(
            "Equal groups hold the number of groups times the size of one.",
            "Loose items are added to those in groups.",
            "Giving away means subtracting.",
        ),
    ),
    Family(
        name="bake-pack-sell",
        numbers={"m": (3, 9), "b": (6, 30), "n": (3, 9), "p": (3, 12)},
        hidden=("{m} * {b} = {t}", "{t} / {n} = {k}"),
        phrasings=(
            "{name} bakes {n} trays of {k} {foods} and packs them {m} to a bag. Each bag sells for {p} dollars. How much does {name} take in?",
            "{n} trays with {k} {foods} each are packed into bags of {m}. At {p} dollars a bag, how many dollars do all bags bring?",
            "A baker fills {n} trays with {k} {foods} each, puts {m} {foods} in every bag and sells all bags at {p} dollars each. How much money is that?",
        ),
        steps=(
            "{n} * {k} = {x} {foods}.",
            "{x} / {m} = {y} bags.",
            "{y} * {p} = {z} dollars.",
        ),
        knowledge=(
            "Equal trays hold the number of trays times the number on one.",
            "The number of bags is the total divided by the size of a bag.",
            "Takings are the number sold times the price.",
        ),
    ),
    Family(
        name="fraction-given-away",
        numbers={"k": (3, 6), "m": (6, 32), "d": (8, 60)},
        hidden=("{k} * {m} = {a}",),
        phrasings=(
            "{name} has {a} {things} and gives one part in {k} of them to {other}. Then {name} finds {d} more. How many {things} does {name} have now?",
            "Out of {a} {things}, {name} gives {other} one of every {k}. Later {name} buys {d} new ones. How many {things} has {name} in the end?",
            "{name} splits {a} {things} into {k} equal parts, gives one part to {other}, and then gets {d} more {things}. How many does {name} have?",
        ),
        steps=(
            "{a} / {k} = {x} {things} given.",
            "{a} - {x} = {y} {things} kept.",
            "{y} + {d} = {z} {things} now.",
        ),
        knowledge=(
            "One of several equal parts is the whole divided by the number of parts.",
            "What is kept is the whole minus the part given away.",
            "New items are added at the end.",
        ),
    ),
    Family(
        name="share-then-trade",
        numbers={"k": (3, 8), "m": (6, 32), "d": (7, 40), "e": (4, 40)},
        hidden=("{k} * {m} = {a}",),
        phrasings=(
            "{a} {things} are shared equally by {k} children. {name} is one of them, then wins {d} {things} and loses {e}. How many does {name} have?",
            "{name} and the others, {k} children in all, share {a} {things} equally. Then {name} gets {d} more and gives {e} away. How many {things} has {name} now?",
            "A box of {a} {things} is split evenly among {k} children. {name} adds {d} {things} to the share and sells {e}. How many {things} are left with {name}?",
        ),
        steps=(
            "{a} / {k} = {x} {things} each.",
            "{x} + {d} = {y} {things} then.",
            "{y} - {e} = {z} {things} left.",
        ),
        knowledge=(
            "An equal share is the total divided by the number of people.",
            "What one gets is added to the share.",
            "What one loses is subtracted from it.",
        ),
    ),
    Family(
        name="shelves-after-loan",
        numbers={"k": (3, 9), "m": (6, 36), "b": (8, 70)},
        hidden=("{k} * {m} = {r}", "{r} + {b} = {a}"),
        phrasings=(
            "A library has {a} books. {b} of them are on loan and the rest stand on {k} shelves with the same number on each. How many books are on a shelf?",
            "{name} owns {a} books, lends out {b}, and puts the others evenly on {k} shelves. How many books go on each shelf?",
            "Of {a} books, {b} are lent to a school. The remaining books fill {k} equal shelves. How many books are on each shelf?",
        ),
        steps=("{a} - {b} = {x} books stay.", "{x} / {k} = {y} books on each shelf."),
        knowledge=(
            "What remains is the whole minus the part taken out.",
            "Equal shelves each hold the remainder divided by the number of shelves.",
        ),
    ),
    Family(
        name="teams-with-absences",
        numbers={"k": (4, 9), "n": (5, 14), "g": (12, 60), "s": (3, 18)},
        hidden=("{k} * {n} = {u}", "{u} + {s} = {v}", "{v} - {g} = {b}"),
        phrasings=(
            "{b} boys and {g} girls sign up for a race, but {s} of them stay away. The others form teams of {k}. How many teams are there?",
            "A club has {b} boys and {g} girls. On {day} {s} children are ill, and the rest make teams of {k}. How many teams do they make?",
            "Of {b} boys and {g} girls, {s} cannot come. How many teams of {k} can the other children form?",
        ),
        steps=(
            "{b} + {g} = {x} children.",
            "{x} - {s} = {y} children come.",
            "{y} / {k} = {z} teams.",
        ),
        knowledge=(
            "All children are the boys plus the girls.",
            "Those who stay away are subtracted.",
            "The number of teams is the number of children divided by the size of a team.",
        ),
    ),
    Family(
        name="market-basket",
        numbers={"n": (4, 9), "k": (8, 24), "s": (11, 60), "d": (5, 30), "j": (2, 6)},
        phrasings=(
            "A stall has {n} {boxes} with {k} {things} each. It sells {s} {things}, throws {d} away and puts the rest evenly on {j} tables. How many {things} are on each table?",
            "{n} {boxes} of {k} {things} reach a shop. {s} are sold, {d} are broken, and the others go in equal numbers to {j} tables. How many {things} does a table hold?",
            "From {n} {boxes} holding {k} {things} each, {name} sells {s} and loses {d}. What is left is spread evenly over {j} tables. How many {things} lie on each?",
        ),
        steps=(
            "{n} * {k} = {x} {things}.",
            "{x} - {s} = {y} {things} not sold.",
            "{y} - {d} = {z} {things} left.",
            "{z} / {j} = {r} {things} on each.",
        ),
        knowledge=(
            "Equal groups hold the number of groups times the size of one.",
            "Sold items and lost items are both subtracted.",
            "Spreading evenly means dividing by the number of places.",
        ),
    ),
)
