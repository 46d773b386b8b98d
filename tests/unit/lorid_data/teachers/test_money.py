"""Prices and the budget."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lorid_data.commandline.options import read_yaml
from lorid_data.errors import ConfigError, StageError
from lorid_data.teachers.budget import Budget
from lorid_data.teachers.prices import FILE, Price, price_of


def test_cost_is_per_million_tokens() -> None:
    price = Price(input=2, output=8, cached_input=0.5)
    assert price.cost_usd(1_000_000, 0) == 2
    assert price.cost_usd(0, 1_000_000) == 8
    assert price.cost_usd(1_000_000, 500_000, 400_000) == pytest.approx(1.2 + 0.2 + 4)
    assert price.cost_usd(1_000_000, 500_000, cheap=True) == 3


def test_packaged_prices_are_dated_and_have_a_source() -> None:
    for kind, section in read_yaml(FILE).items():
        assert section["source"], kind
        assert kind == "server" or str(section["date"]) >= "2026-11-20"
        for model in section["models"]:
            price = price_of(kind, model)
            assert price is not None
            assert 0 < price.cached_input <= price.input <= price.output


def test_each_packaged_price_names_two_places_where_it_was_found() -> None:
    for kind, section in read_yaml(FILE).items():
        for model, entry in section["models"].items():
            assert len(set(entry["found"])) >= 2, (kind, model)
            assert set(entry["found"]) <= section["places"].keys(), (kind, model)


def test_a_dated_model_has_the_price_of_its_model_and_an_unknown_one_has_none() -> None:
    assert price_of("openai", "gpt-4o-2024-08-06") == price_of("openai", "gpt-4o")
    assert price_of("anthropic", "claude-haiku-4-5-20251001") == price_of(
        "anthropic", "claude-haiku-4-5"
    )
    # A version that costs something else stands in the file itself.
    assert price_of("openai", "gpt-4o-2024-05-13") == Price(5, 15, 5)
    assert price_of("openai", "gpt-4o-mini") != price_of("openai", "gpt-4o")
    assert price_of("openai", "gpt-4o-turbo") is None
    assert price_of("anthropic", "gpt-4o") is None
    assert price_of("server", "gpt-4o") is None


def test_a_file_of_ones_own_wins(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("server: {models: {m: {input: 0, output: 0}}}\nopenai: {models: {gpt-4o: {input: 1, output: 2}}}")  # fmt: skip
    assert price_of("server", "m", file) == Price(0, 0, 0)
    assert price_of("openai", "gpt-4o", file) == Price(1, 2, 1)
    assert price_of("openai", "gpt-4o-mini", file) == price_of("openai", "gpt-4o-mini")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("opnai: {}", "unknown provider 'opnai'"),
        ("openai: {models: {m: {input: 1}}}", "openai: m: must give input and output"),
        ("openai: {models: {m: {input: 1, output: -1}}}", "openai: m: must give"),
        ("openai: {models: {m: {input: 1, output: x}}}", "openai: m: must give"),
        ("openai: {models: {m: {input: 1, output: 1, inptu: 1}}}", "openai: m: must give"),
        ("openai: {models: {m: 3}}", "openai: m: must give"),
    ],
)
def test_a_wrong_price_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as e:
        price_of("openai", "m", file)
    assert says in str(e.value)


def test_who_might_fit_waits_for_what_others_leave() -> None:
    async def run() -> list[str]:
        budget, order = Budget(1.0), []
        first = await budget.reserve(0.6)

        async def second() -> None:
            held = await budget.reserve(0.6)
            order.append("second")
            budget.settle(held, 0.5)

        task = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append("first")
        budget.settle(first, 0.3)
        await task
        with pytest.raises(StageError, match=r"budget of \$1 is reached: \$0.8000 is spent"):
            await budget.reserve(0.3)
        assert await budget.reserve(0.2) == 0.2
        return order

    assert asyncio.run(run()) == ["first", "second"]


def test_under_a_cap_the_first_request_goes_alone_until_a_reply_shows_its_cost() -> None:
    async def run() -> list[str]:
        budget, order = Budget(1.0), []
        first = await budget.reserve(0.1)

        async def second() -> None:
            await budget.reserve(0.1)
            order.append("second")

        task = asyncio.create_task(second())
        await asyncio.sleep(0.01)
        order.append("first")
        budget.is_proven = True
        budget.settle(first, 0.1)
        await task
        await asyncio.gather(*(budget.reserve(0.1) for _ in range(5)))
        return order

    assert asyncio.run(run()) == ["first", "second"]


def test_an_unknown_cost_counts_as_all_that_was_reserved_and_earlier_runs_count() -> None:
    async def run() -> None:
        budget = Budget(1.0)
        budget.begin(0.5)
        budget.settle(await budget.reserve(0.4), None)
        assert budget.spent_usd == pytest.approx(0.9)
        with pytest.raises(StageError):
            await budget.reserve(0.2)

    asyncio.run(run())
    assert asyncio.run(Budget().reserve(None)) == 0
