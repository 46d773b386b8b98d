"""What of a configuration can be refused at once: before anything is imported that takes seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from lorid_data.errors import ConfigError, LoridError, unknown_key
from lorid_data.folders.manifests import read_manifest
from lorid_train import formats, roles
from lorid_train.config import STUDENT, TrainConfig
from lorid_train.models import base_model
from lorid_train.training.keys import key_problems


def check_early(config: TrainConfig) -> None:
    """Refuse what can be told from the configuration and from what lies where it points.

    Raises:
        ConfigError: with all problems: unknown roles, formats or keys, a role without data, data
            or a base that is not there, validation on the training rows.
    """
    if problems := [*early_problems(config), *_absent(config)]:
        raise ConfigError(*problems)


def early_problems(config: TrainConfig) -> list[str]:
    """What of a configuration contradicts itself or is known to nobody."""
    problems = refused(partial(roles.role, name) for name in dict.fromkeys(config.roles))
    if twice := [r for r, n in Counter(config.roles).items() if n > 1]:
        problems.append(f"roles: {', '.join(map(repr, twice))} more than once; name each once")
    problems += refused([partial(formats.on, config.format, config.template_date)])
    problems += _named_roles(config) + _data_problems(config)
    problems += _method_problems(config)
    problems += [
        unknown_key(r, config.roles, "per_role") for r in config.per_role if r not in config.roles
    ]
    return problems + key_problems(config)


def _named_roles(config: TrainConfig) -> list[str]:
    """Roles that are named beside `roles:` and that nobody knows; one that is not trained here may be named."""
    v = config.validation
    by_role = {"data": config.data, "init": config.init, "validation.data": v.data if v else None}
    problems = [
        unknown_key(r, roles.ROLES, key)
        for key, given in by_role.items()
        if isinstance(given, dict)
        for r in given
        if r not in roles.ROLES
    ]
    if config.difficulty is not None:
        asked = refused([partial(roles.role, config.difficulty.by)])
        problems += [f"difficulty: by: {p}" for p in asked]
    return problems


def _method_problems(config: TrainConfig) -> list[str]:
    """Settings of another method than the run's, which would change nothing."""
    problems = []
    if config.method != "redi" and config.redi_alpha != TrainConfig.model_fields["redi_alpha"].default:  # fmt: skip
        problems.append(f"redi_alpha: has no meaning with method {config.method!r}; remove it, or set method: redi")  # fmt: skip
    if config.method == "sft":
        return problems
    if config.difficulty is not None:
        problems.append(f"difficulty: method {config.method!r} learns from pairs, which have no pass rate; leave it out")  # fmt: skip
    return problems + [
        f"per_role.{r}.sft: method {config.method!r} takes its settings from dpo:, for all roles; leave it out"
        for r, body in config.per_role.items()
        if body.get("sft")
    ]


def refused(attempts: Iterable[Callable[[], object]]) -> list[str]:
    """What the attempts refuse."""
    return [problem for attempt in attempts for problem in _problems(attempt)]


def _problems(attempt: Callable[[], object]) -> tuple[str, ...]:
    try:
        attempt()
    except ConfigError as e:
        return e.problems
    except LoridError as e:
        return (str(e),)
    return ()


def _absent(config: TrainConfig) -> list[str]:
    """Data folders and a base that are named and are not there; nothing of them is hashed yet."""
    named = [config.data] if isinstance(config.data, str) else [*config.data.values()]
    if config.validation is not None and config.validation.data is not None:
        more = config.validation.data
        named += [more] if isinstance(more, str) else [*more.values()]
    looks: list[Callable[[], object]] = [
        partial(read_manifest, Path(folder)) for folder in dict.fromkeys(named)
    ]
    if config.base != STUDENT and not Path(config.base).exists():
        looks.append(partial(base_model.resolve, config.base, config.revision))
    return refused(looks)


def _data_problems(config: TrainConfig) -> list[str]:
    """Roles without data, validation on the rows that are trained on, and a step chosen on test questions."""
    named: list[tuple[str, str | dict[str, str] | None]] = [("data", config.data)]
    v = config.validation
    if v is not None:
        named.append(("validation.data", v.data))
    problems = [
        f"{key}: no dataset for the role {r!r}"
        for key, data in named
        if isinstance(data, dict)
        for r in config.roles
        if r not in data
    ]
    own = config.sft if config.method == "sft" else config.dpo
    if v is not None and v.split == "test" and (v.patience is not None or own.get("load_best_model_at_end")):  # fmt: skip
        problems.append(
            "validation: split 'test' with patience or load_best_model_at_end keeps the step that is best on the test "
            "questions, which then test it no more; name a validation split"
        )
    if v is not None and not problems:
        same = [r for r in config.roles if config.validation_for(r) == config.data_for(r)]
        if same and v.split == config.split:
            problems.append(
                f"validation: split {v.split!r} of {config.validation_for(same[0])} is what is trained on; "
                "name another split, or another dataset under validation.data"
            )
    return problems
