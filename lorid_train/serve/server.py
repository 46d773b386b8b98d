"""The server: a socket, a batcher, and an end in which what was asked is answered."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType
from typing import Any

import uvicorn

from lorid_data.errors import ConfigError, StageError
from lorid_train.engines.base import Engine
from lorid_train.engines.context import context_of
from lorid_train.engines.server import ServerEngine
from lorid_train.interaction.programs import Run
from lorid_train.serve.app import make_app
from lorid_train.serve.batcher import GONE, Batcher
from lorid_train.serve.guard import Guard, is_loopback
from lorid_train.serve.refusals import RefusedError
from lorid_train.serve.wanted import Defaults
from lorid_train.solve.question import LoopSettings

KEY_NAME = "LORID_SERVE_KEY"
_SHORTEST_KEY = 16
_DRAIN_S = 600
_LOOK_S = 0.25
_AFTER_DEATH_S = 2


class Server:
    """Trained roles at an address.

    Args:
        engine: generates; the server's alone from now on.
        settings: of the loop.
        defaults: of requests.
        host: address to listen at.
        port: 0 is any free one.
        bound: a socket of `bound_at` instead, for a port that was taken before the engine was made.
        key: that requests must carry; needed beyond loopback.
        most_jobs: requests that are taken in and not answered; more get a 429.
        run: runs the programs of a role that writes some; None where nothing is run.

    Raises:
        ConfigError: the address is taken or cannot be had, or is open to others without a key.
    """

    def __init__(  # noqa: PLR0913  (keyword arguments for users)
        self,
        engine: Engine,
        settings: LoopSettings,
        defaults: Defaults,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | None = None,
        most_jobs: int = 256,
        bound: socket.socket | None = None,
        run: Run | None = None,
    ) -> None:
        refuse_open_doors(host, key)
        self.batcher = Batcher(
            engine,
            most_jobs=most_jobs,
            window=window_of(engine),
            mixes=isinstance(engine, ServerEngine),
        )
        self._socket = bound or bound_at(host, port)
        self._socket.listen(2048)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}/v1"
        names = {f"{h}:{self.port}" for h in ("127.0.0.1", "localhost", "[::1]", shown)}
        app = make_app(self.batcher, settings, defaults, run)
        config = uvicorn.Config(
            Guard(app, hosts=frozenset(names) if is_loopback(host) else None, key=key),
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        self._uvicorn = _Uvicorn(config)

    def run(self) -> bool:
        """Serve until a signal (SIGINT, SIGTERM) ends it; what was asked until then is answered.

        Returns:
            Whether it was ended by a signal.

        Raises:
            StageError: nobody generates any more; requests were told so.
        """
        self.batcher.start()
        try:
            asyncio.run(self._serve())
        finally:
            self._socket.close()
            self.batcher.fail_all(RefusedError("the server ends", status=503))
        if self.batcher.failure is not None:
            kind = type(self.batcher.failure).__name__
            raise StageError(f"{GONE} ({kind}: {self.batcher.failure})") from self.batcher.failure
        if self._is_dead:
            raise StageError(GONE)
        return self._uvicorn.is_told

    def stop(self) -> None:
        """End as a signal would; from any thread."""
        self._uvicorn.should_exit = True

    _is_dead = False

    async def _serve(self) -> None:
        watch = asyncio.create_task(self._watch())
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """End the server soon after the thread that generates has ended, however that came about."""
        while self.batcher.is_alive:
            await asyncio.sleep(_LOOK_S)
        self._is_dead = True
        self.batcher.fail_all(RefusedError(GONE, status=500))
        self._uvicorn.config.timeout_graceful_shutdown = _AFTER_DEATH_S
        self._uvicorn.should_exit = True


class _Uvicorn(uvicorn.Server):
    """Takes note of signals; it does not send them to the process once more when all is done."""

    is_told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.is_told = True
        super().handle_exit(sig, frame)
        self._captured_signals: list[Any] = []


def refuse_open_doors(host: str, key: str | None) -> None:
    """See that nobody but this machine gets in without a key.

    Raises:
        ConfigError: others would, or the key is short.
    """
    if key is None and not is_loopback(host):
        msg = (
            f"--host {host}: whoever reaches this address could use the model; set {KEY_NAME} to a key "
            "that requests must carry, or listen at 127.0.0.1"
        )
        raise ConfigError(msg)
    if key is not None and (
        len(key) < _SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key
    ):
        msg = f"{KEY_NAME}: needs {_SHORTEST_KEY} printable ASCII characters at least, and no space"
        raise ConfigError(msg)


def window_of(engine: Engine) -> int | None:
    """Longest prompt and text together, in tokens; None where nothing is known, or servers see to it."""
    config: Any = getattr(getattr(engine, "model", None), "config", None)
    return None if config is None else context_of(config)


def bound_at(host: str, port: int) -> socket.socket:
    """A socket that has the address, and does not listen yet.

    Raises:
        ConfigError: the address is taken, or is none of this machine.
    """
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, proto, _, address = info[0]
        found = socket.socket(family, kind, proto)
    except OSError as e:
        msg = f"--host {host} --port {port}: {e.strerror or e}; name an address of this machine"
        raise ConfigError(msg) from e
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
    except OSError as e:
        found.close()
        msg = f"--host {host} --port {port}: {e.strerror or e}; choose another, or leave it out"
        raise ConfigError(msg) from e
    return found
