"""The engine `server` of an evaluation: which servers, which names, and whether they fit.

The adapters' folders are still named (`--adapters`): their cards say the prompt format and the
base model, whose tokenizer makes the token ids that are sent.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.texts import strict_json
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine
from lorid_train.engines.server import ServerEngine
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.roles import ROLES

KEY_NAME = "LORID_SERVER_API_KEY"
_TIMEOUT_S = 10.0
_MOST_BYTES = 2**24
MakeEngine = Callable[[EvalConfig, Adapters], Engine]


def engine_factory(config: EvalConfig, needed: Sequence[str]) -> MakeEngine:
    """Ask every server what it serves; how to make the engine from what they said.

    A server that does not answer is named on stderr and tried again later, as long as another
    one does answer.

    Args:
        config: names the servers.
        needed: the roles whose adapters they must serve.

    Raises:
        ConfigError: no server was named or answers, or one does not serve the adapters.
    """
    names = {role: config.served.get(role, role) for role in needed}
    problems = _problems(config)
    lengths: list[int] = []
    dead: list[str] = []
    for url in () if problems else config.server:
        try:
            served = _models(url.rstrip("/"))
        except (OSError, ValueError) as e:
            dead.append(f"{url}: does not answer ({e})")
            continue
        lengths += [n for n in served.values() if n]
        missing = sorted(set(names.values()) - set(served))
        if missing:
            problems.append(
                f"{url}: serves {sorted(served)}, not {missing}; start it with --enable-lora "
                "--lora-modules ir=… kg=… dr=…, or name its adapters with --served ir=NAME …"
            )
    if len(dead) == len(config.server):
        problems += dead
    if problems:
        raise ConfigError(*problems)
    for line in dead:
        say(f"{line}; its share of the work goes to the others")

    def make(config: EvalConfig, adapters: Adapters) -> Engine:
        return _engine(config, adapters, names, min(lengths, default=None))

    return make


def _problems(config: EvalConfig) -> list[str]:
    """What is wrong with the addresses and names, before anybody is asked."""
    problems = []
    if not config.server:
        problems.append("--engine server: name one or several servers with --server URL …")
    for url in config.server:
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
    with urllib.request.build_opener(_NoRedirects).open(asked, timeout=_TIMEOUT_S) as reply:
        content: Any = strict_json.parse(reply.read(_MOST_BYTES))
    try:
        return {str(m["id"]): m.get("max_model_len") for m in content["data"]}
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError("it lists no models") from e


def _engine(
    config: EvalConfig, adapters: Adapters, names: dict[str, str], max_model_tokens: int | None
) -> Engine:
    fmt = adapters.format
    tokenizer = base_model.load_tokenizer(adapters.base)
    return ServerEngine(
        urls=[url.rstrip("/") for url in config.server],
        models={role: names[role] for role in names},
        encode=lambda content: fmt.prompt_ids(tokenizer, content),
        render=lambda content: fmt.text(tokenizer, content),
        stop_ids=fmt.stop_ids(tokenizer, base_model.generation_ends(adapters.base)),
        max_model_tokens=max_model_tokens,
        batch_size=config.batch_size,
        api_key=os.environ.get(KEY_NAME),
    )
