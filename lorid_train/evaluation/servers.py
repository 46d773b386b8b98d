"""The engine `server` of an evaluation: which servers, which names, and whether they fit.

The adapters' folders are still named (`--adapters`): their cards say the prompt format and the
base model, whose tokenizer makes the token ids that are sent.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.http.redirects import is_redirect, redirect_said
from lorid_data.texts import strict_json
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine
from lorid_train.engines.by_adapter import EngineByAdapter, Part
from lorid_train.engines.server import ServerEngine
from lorid_train.formats import Format
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.models.base_model import Base
from lorid_train.models.whole import Whole
from lorid_train.roles import ROLES

KEY_NAME = "LORID_SERVER_API_KEY"
PER_SERVER = 256
"""Requests in flight on each server, where nothing else was asked for: as many as vLLM works on at once."""
_TIMEOUT_S = 10.0
_MOST_BYTES = 2**24
MakeEngine = Callable[[EvalConfig, Adapters], Engine]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a role is played: its name there, and the servers' addresses."""

    name: str
    urls: tuple[str, ...]


def factory(config: EvalConfig, needed: Sequence[str], wholes: Mapping[str, Whole]) -> MakeEngine:
    """What makes the engine that a configuration asks for: in this process, or over its servers.

    Raises:
        ConfigError: as `engine_factory`.
    """
    if config.engine == "server":
        return engine_factory(config, needed, wholes)
    from lorid_train.evaluation.in_process import make_engine

    return make_engine


def engine_factory(
    config: EvalConfig, needed: Sequence[str], wholes: Mapping[str, Whole] | None = None
) -> MakeEngine:
    """Ask every server what it serves; how to make the engine from what they said.

    A server that does not answer is named on stderr and tried again later, as long as another
    one does answer.

    Args:
        config: names the servers.
        needed: the roles that they must serve.
        wholes: of those, the ones that a model plays without an adapter: asked for by its name.

    Raises:
        ConfigError: no server was named or answers, or one does not serve the adapters.
    """
    places = {role: _place(config, role, wholes or {}) for role in needed}
    problems = _problems(config, places)
    lengths: dict[tuple[str, ...], int | None] = {}
    down: set[str] = set()
    if not problems:
        for urls in dict.fromkeys(p.urls for p in places.values()):
            names = {p.name for p in places.values() if p.urls == urls}
            lengths[urls], found = _asked(urls, names, down)
            problems += found
    if problems:
        raise ConfigError(*problems)

    def make(config: EvalConfig, adapters: Adapters) -> Engine:
        groups: dict[tuple[tuple[str, ...], Base, Format], list[str]] = {}
        for role, place in places.items():
            of = adapters.wholes.get(role) or adapters
            groups.setdefault((place.urls, of.base, of.format), []).append(role)
        parts: dict[str, Part] = {}
        for (urls, base, fmt), roles in groups.items():
            names = {role: places[role].name for role in roles}
            lost = [u for u in urls if u in down]
            engine = _engine(config, urls, names, (base, fmt), lengths[urls], lost)
            parts |= {role: Part(engine, role) for role in roles}
        return EngineByAdapter(parts) if len(groups) > 1 else next(iter(parts.values())).engine

    return make


def _place(config: EvalConfig, role: str, wholes: Mapping[str, Whole]) -> _Place:
    """Where a role is asked: NAME on the common servers, or NAME@URL,URL."""
    own = wholes[role].base.name if role in wholes else role
    name, at, rest = config.served.get(role, own).partition("@http")
    urls = tuple(("http" + rest).split(",")) if at else config.server
    return _Place(name, tuple(url.rstrip("/") for url in urls))


def _asked(
    urls: Sequence[str], names: set[str], down: set[str]
) -> tuple[int | None, list[str]]:  # fmt: skip
    """The longest text that all of these servers take, and what is wrong with what they serve.

    Those that do not answer are added to `down`.
    """
    problems: list[str] = []
    lengths: list[int] = []
    dead: list[str] = []
    for url in urls:
        try:
            served = _models(url)
        except (OSError, ValueError) as e:
            dead.append(f"{url}: does not answer ({e})")
            down.add(url)
            continue
        lengths += [n for n in served.values() if n]
        if missing := sorted(names - set(served)):
            problems.append(
                f"{url}: serves {sorted(served)}, not {missing}; start it with --enable-lora "
                "--lora-modules ir=… kg=… dr=…, or name what it serves with --served ir=NAME …"
            )
    if len(dead) == len(urls):
        problems += dead
    elif not problems:
        for line in dead:
            say(f"{line}; its share of the work goes to the others")
    return min(lengths, default=None), problems


def _problems(config: EvalConfig, places: Mapping[str, _Place]) -> list[str]:
    """What is wrong with the addresses and names, before anybody is asked."""
    problems = []
    if not all(p.urls for p in places.values()):
        problems.append("--engine server: name one or several servers with --server URL …")
    for url in dict.fromkeys(u for p in places.values() for u in p.urls):
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            problems.append(
                f"--server: a URL holds a user, a query or a fragment; a key belongs in {KEY_NAME}"
            )
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            problems.append(f"--server {url!r}: no http(s) URL; write http://HOST:PORT/v1")
    unknown = sorted(set(config.served) - set(ROLES))
    if unknown:
        problems.append(f"--served: unknown roles {unknown}; there are {', '.join(ROLES)}")
    return problems


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _models(url: str) -> dict[str, int | None]:
    """What a server serves: name → longest prompt and text together, where it says so.

    Raises:
        OSError: it cannot be reached.
        ValueError: it answered something else.
    """
    key = os.environ.get(KEY_NAME)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    asked = urllib.request.Request(f"{url}/models", headers=headers)  # noqa: S310  (checked above)
    # A redirect would carry the key to wherever the server points.
    try:
        with urllib.request.build_opener(_NoRedirects).open(asked, timeout=_TIMEOUT_S) as reply:
            content: Any = strict_json.parse(reply.read(_MOST_BYTES))
    except HTTPError as e:
        e.close()
        if not is_redirect(e.code):
            raise
        said = redirect_said(e.code, dict(e.headers.items()))
        raise OSError(f"it {said}; name that address in --server") from e
    try:
        return {str(m["id"]): m.get("max_model_len") for m in content["data"]}
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError("it lists no models") from e


def _engine(
    config: EvalConfig, urls: Sequence[str], names: Mapping[str, str], of: tuple[Base, Format],
    max_model_tokens: int | None, down: Sequence[str],
) -> Engine:  # fmt: skip
    """The engine of roles that the same servers play on the same base."""
    base, fmt = of
    tokenizer = base_model.load_tokenizer(base)
    return ServerEngine(
        urls=urls,
        models={role: names[role] for role in names},
        encode=lambda content: fmt.prompt_ids(tokenizer, content),
        render=lambda content, _: fmt.text(tokenizer, content),
        stop_ids=fmt.stop_ids(tokenizer, base_model.generation_ends(base)),
        max_model_tokens=max_model_tokens,
        batch_size=config.batch_size or PER_SERVER * len(urls),
        down=down,
        say=say,
        api_key=os.environ.get(KEY_NAME),
    )
