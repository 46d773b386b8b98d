"""The words that fill the slots of a problem's phrasing.

Pools are long enough that a text seldom repeats and short enough that a small tokenizer holds
every word. All things are plural and countable, since every number of a problem is at least 2.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES = (
    *("Ada", "Amir", "Anna", "Ben", "Bruno", "Carla", "Chen", "Clara", "Dan", "Dora", "Elena"),
    *("Emma", "Farid", "Fiona", "Gita", "Hana", "Hugo", "Ines", "Ivan", "Jack", "Julia", "Kofi"),
    *("Lena", "Leo", "Lucas", "Maria", "Mei", "Mina", "Nadia", "Noah", "Nora", "Omar", "Oscar"),
    *("Paul", "Rosa", "Ruth", "Sara", "Tariq", "Tom", "Vera", "Victor", "Wen", "Yara", "Zoe"),
)

_MONTHS = ("January", "March", "April", "May", "June", "July", "August", "October")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_THINGS = (
    *("apples", "badges", "balls", "beads", "books", "buttons", "candles", "cards", "clips"),
    *("coins", "cups", "flags", "kites", "lemons", "magnets", "marbles", "masks", "mugs"),
    *("oranges", "pears", "pencils", "pens", "plates", "postcards", "ribbons", "rings"),
    *("roses", "shells", "spoons", "stamps", "stickers", "stones", "toys", "tulips"),
)
_FOODS = ("biscuits", "buns", "cookies", "muffins", "pancakes", "pies", "rolls", "tarts", "waffles")
_BOXES = ("bags", "baskets", "boxes", "cases", "crates", "jars", "packets", "tins")
_VEHICLES = ("bus", "car", "lorry", "train", "tram", "truck", "van")
_COACHES = ("boat", "bus", "coach", "ferry", "train", "tram")

POOLS: Mapping[str, tuple[str, ...]] = {
    "name": NAMES,
    "other": NAMES,
    "third": NAMES,
    "month": _MONTHS,
    "month2": _MONTHS,
    "day": _DAYS,
    "day2": _DAYS,
    "things": _THINGS,
    "things2": _THINGS,
    "foods": _FOODS,
    "boxes": _BOXES,
    "vehicle": _VEHICLES,
    "coach": _COACHES,
}
"""The pool of each slot; slots that share a pool never take the same word in one problem."""
