"""The routes: a request to jobs, jobs to a reply, whole or in parts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lorid_train.interaction.programs import Run
from lorid_train.serve.batcher import GONE, Batcher
from lorid_train.serve.body import parse
from lorid_train.serve.jobs import CompletionJob, Frame, Job, LoopJob, Part, RoleJob
from lorid_train.serve.refusals import RefusedError
from lorid_train.serve.replies import END, Reply, event, model, models
from lorid_train.serve.wanted import Defaults, Wanted, of_chat, of_completion
from lorid_train.solve.question import LoopSettings
from lorid_train.solve.solution import Round

Handler = Callable[[Request], Awaitable[Response]]
_CLIENT_LEFT = 499
"""Status of a reply that nobody reads."""


class _Parts:
    """The parts of one job, as they come over from the batcher's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Part | RefusedError | None] = asyncio.Queue()

    def tell(self, part: Part | RefusedError | None) -> None:
        """Hand a part over; from any thread."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, part)

    async def next(self) -> Part | None:
        """The next part; None at the end.

        Raises:
            RefusedError: the job ended with it.
        """
        part = await self._queue.get()
        if isinstance(part, RefusedError):
            raise part
        return part

    async def answer(self) -> Any:
        """The part that is the answer: the last that is no round."""
        found = None
        while (part := await self.next()) is not None:
            found = found if isinstance(part, Round) else part
        return found


def make_app(
    batcher: Batcher, settings: LoopSettings, defaults: Defaults, run: Run | None = None
) -> Starlette:
    """The application around a batcher that has been started.

    Args:
        batcher: does the work.
        settings: of the loop; each request has its own seed.
        defaults: of the requests.
        run: runs the programs of a role that writes some; None where nothing is run.
    """
    created = int(time.time())
    frame = Frame.of(batcher.engine, defaults.models[1])

    async def health(_: Request) -> Response:
        if not batcher.is_alive:
            raise RefusedError(GONE, status=503)
        return _json({"status": "ok", "n_requests": batcher.n_jobs})

    async def list_models(_: Request) -> Response:
        return _json(models(defaults.models, created))

    async def one_model(request: Request) -> Response:
        name = request.path_params["model"]
        if name not in defaults.models:
            msg = f"there is no model {name[:60]!r}; there are {', '.join(defaults.models)}"
            raise RefusedError(msg, status=404, code="model_not_found")
        return _json(model(name, created))

    async def chat(request: Request) -> Response:
        wanted = of_chat(parse(await request.body()), defaults)
        parts = _Parts()
        job: Job
        if wanted.model == "lorid":
            job = LoopJob(wanted, settings, batcher.engine, parts.tell, run)
        else:
            job = RoleJob(wanted, batcher.engine, parts.tell, run)
        return await _answered(request, wanted, batcher, [(job, parts)], chat=True)

    async def completions(request: Request) -> Response:
        wanted = of_completion(parse(await request.body()), defaults)
        contents = [frame.content(prompt) for prompt in wanted.texts]
        heard = [_Parts() for _ in contents]
        jobs: list[tuple[Job, _Parts]] = [
            (CompletionJob(wanted, content, parts.tell), parts)
            for content, parts in zip(contents, heard, strict=True)
        ]
        return await _answered(request, wanted, batcher, jobs, chat=False)

    routes = [
        Route("/health", _told(health), methods=["GET"]),
        Route("/v1/models", _told(list_models), methods=["GET"]),
        Route("/v1/models/{model}", _told(one_model), methods=["GET"]),
        Route("/v1/chat/completions", _told(chat), methods=["POST"]),
        Route("/v1/completions", _told(completions), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_there})


async def _answered(
    request: Request,
    wanted: Wanted,
    batcher: Batcher,
    jobs: Sequence[tuple[Job, _Parts]],
    *,
    chat: bool,
) -> Response:
    """Give jobs to the batcher; their reply. Jobs of a client that goes away are cancelled."""
    batcher.submit([job for job, _ in jobs])
    reply = Reply(wanted, chat=chat)
    try:
        if wanted.stream:
            [(job, parts)] = jobs
            # What fails before anything is there gets the status that says so.
            first = await _unless_gone(request, parts.next())
            stream = _stream(first, job, parts, batcher, reply)
            return StreamingResponse(stream, media_type="text/event-stream")
        answers = _answers([parts for _, parts in jobs])
        return _json(reply.whole(await _unless_gone(request, answers)))
    except BaseException:
        for job, _ in jobs:
            batcher.cancel(job)
        raise


async def _answers(heard: Sequence[_Parts]) -> list[Any]:
    return [await parts.answer() for parts in heard]


async def _unless_gone(request: Request, wanted: Awaitable[Any]) -> Any:
    """What is waited for.

    Raises:
        ClientDisconnect: nobody waits for it any more.
    """
    answer, gone = asyncio.ensure_future(wanted), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        for task in (answer, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _stream(
    part: Part | None, job: Job, parts: _Parts, batcher: Batcher, reply: Reply
) -> AsyncIterator[bytes]:
    """The events of a reply in parts; an error in the middle is an event, too."""
    try:
        while part is not None:
            for sent in reply.events(part):
                yield sent
            part = await parts.next()
    except RefusedError as e:
        yield event(e.body)
    finally:
        batcher.cancel(job)
    yield END


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, media_type="application/json")


def _told(handler: Handler) -> Handler:
    """The handler with its refusals as replies."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as e:
            return _json(e.body, e.status, e.headers)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_LEFT)

    return answer


def _not_there(request: Request, error: Exception) -> Response:
    """Paths and methods that there are none of."""
    assert isinstance(error, HTTPException)
    there = "GET /v1/models and /health, POST /v1/chat/completions and /v1/completions"
    msg = f"{request.method} {request.url.path[:80]}: not served; there are {there}"
    return _json(
        RefusedError(msg, status=error.status_code).body,
        error.status_code,
        dict(error.headers or {}),
    )
