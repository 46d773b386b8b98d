"""One thread that drives one engine, with the draws of all jobs in its batches.

Jobs are taken in as they come, at most `most_jobs` of them; whenever the engine has room it is given
what every job needs next, and what is needed later only where room is left. A job that fails takes
no other with it: what was in flight with it is asked again, one job at a time.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lorid_data.commandline.progress import say
from lorid_data.errors import LoridError
from lorid_data.http.retrying import Transient
from lorid_train.engines.base import TOO_LONG, Engine, GenRequest, GenResult
from lorid_train.serve.jobs import Job
from lorid_train.serve.refusals import RefusedError

_RECENT_S = 60.0
_AHEAD = 8
"""Rounds that may not be needed are drawn as long as no more draws than these are in flight."""
GONE = "the thread that generates has ended; the server stops, start it again"


class Batcher:
    """Runs jobs on an engine. `submit`, `cancel` and `fail_all` may be called from any thread.

    Args:
        engine: generates; nobody else may use it meanwhile.
        most_jobs: jobs that are taken in and not done.
        window: longest prompt and text together, in tokens, of an engine that has `encode`; None where
            the engine sees to it.
        mixes: whether the engine works on different sampling settings at once. Where it does not, jobs
            of other settings wait for their turn, which is that of their coming.
    """

    def __init__(
        self, engine: Engine, *, most_jobs: int = 256, window: int | None = None, mixes: bool = True
    ) -> None:
        self.engine, self.most_jobs, self.mixes = engine, most_jobs, mixes
        self._window = window
        self._lock = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._active: list[Job] = []
        self._ready: deque[GenResult] = deque()
        self._of: dict[int, Job] = {}
        self._n_asked = 0
        self._ended: deque[float] = deque(maxlen=256)
        self._is_closed = False
        self.failure: BaseException | None = None
        """What ended the thread, if anything did."""
        self.thread = threading.Thread(target=self._run, name="generates", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self.thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether jobs can be done."""
        return self.thread.is_alive()

    @property
    def n_jobs(self) -> int:
        """Jobs that are not done."""
        with self._lock:
            return len(self._waiting) + len(self._active)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take in jobs, all of them or none.

        Raises:
            RefusedError: the queue is full (429), or nobody works on it any more (503).
        """
        with self._lock:
            if self._is_closed or not self.is_alive:
                raise RefusedError(GONE, status=503)
            n = len(self._waiting) + len(self._active)
            if n + len(jobs) > self.most_jobs:
                msg = f"{n} requests are at work, and at most {self.most_jobs} may be; try again later"
                raise RefusedError(msg, status=429, code="queue_full", retry_after_s=self._wait_s())
            self._waiting.extend(jobs)
            self._lock.notify()

    def _wait_s(self) -> int:
        """After how many seconds a place may be free, by how fast the last ones were done; 1 to 60."""
        since = time.monotonic() - _RECENT_S
        n_recent = sum(t > since for t in self._ended)
        return 5 if not n_recent else min(60, max(1, math.ceil(_RECENT_S / n_recent)))

    def cancel(self, job: Job) -> None:
        """Nobody waits for the job any more."""
        job.is_done = True
        with self._lock:
            self._lock.notify()

    def fail_all(self, refusal: RefusedError) -> None:
        """End every job with a refusal, and take in no more."""
        with self._lock:
            self._is_closed = True
            jobs = [*self._active, *self._waiting]
            self._active, self._waiting = [], deque()
            self._lock.notify()
        for job in jobs:
            job.end(refusal)

    def _run(self) -> None:
        try:
            while self._wait():
                self._generate()
        except BaseException as e:  # noqa: BLE001  (whatever it was, nobody generates any more)
            self.failure = e
        finally:
            self.fail_all(RefusedError(GONE, status=500))

    def _wait(self) -> bool:
        """Wait for a job; whether there is one."""
        with self._lock:
            while not self._is_closed and not self._waiting and not self._active:
                self._lock.wait()
            return not self._is_closed

    def _generate(self) -> None:
        """Run the engine until no job wants anything of it."""
        try:
            for result in self.engine.generate(self._pull):
                self._take(result)
        except (LoridError, MemoryError, RuntimeError) as e:
            if isinstance(e, RuntimeError) and not _is_out_of_memory(e):
                raise
            self._part(e)
        else:
            self._take_ready()

    def _pull(self, n: int) -> list[GenRequest]:
        """What is asked next: of every job what it needs, then what it may need."""
        asked: list[GenRequest] = []
        while True:
            self._take_ready()
            self._admit()
            for ahead in (False, True):
                for job in self._active:
                    room = n - len(asked)
                    if ahead:
                        room = min(room, _AHEAD - len(self._of))
                    asked += self._asked_of(job, room, ahead=ahead)
            if not self._ready:
                return asked

    def _admit(self) -> None:
        """Take jobs from the queue, in their order, as long as they can share the engine."""
        with self._lock:
            self._active = [j for j in self._active if not self._left(j)]
            while self._waiting and not self._is_closed:
                job = self._waiting[0]
                if self._left(job):
                    self._waiting.popleft()
                elif all(self._may_share(job, other) for other in self._active[:1]):
                    self._active.append(self._waiting.popleft())
                else:
                    return

    def _left(self, job: Job) -> bool:
        """Whether a job is done; when it was is remembered."""
        if job.is_done:
            self._ended.append(time.monotonic())
        return job.is_done

    def _may_share(self, job: Job, other: Job) -> bool:
        alone = job.is_alone or other.is_alone
        return not alone and (self.mixes or job.sampling == other.sampling)

    def _asked_of(self, job: Job, n: int, *, ahead: bool) -> list[GenRequest]:
        """Up to n requests of a job, each under a key of ours; what cannot be asked is answered at once."""
        if n <= 0 or job.is_done:
            return []
        asked = []
        with _failing_alone(job):
            for request in job.requests(n, ahead=ahead):
                wrapped = self._that_fits(replace(request, key=(self._n_asked, request.key)))
                self._of[self._n_asked] = job
                self._n_asked += 1
                if wrapped is not None:
                    asked.append(wrapped)
        return asked

    def _that_fits(self, request: GenRequest) -> GenRequest | None:
        """The request, with no more tokens than the model has room for; None where it has none."""
        if self._window is None:
            return request
        engine: Any = self.engine
        n_prompt = len(engine.encode(request.prompt))
        room = self._window - n_prompt
        if room < 1:
            self._ready.append(GenResult(request.key, "", TOO_LONG, n_prompt, 0))
            return None
        if room >= request.sampling.max_new_tokens:
            return request
        return replace(request, sampling=replace(request.sampling, max_new_tokens=room))

    def _take(self, result: GenResult) -> None:
        """Give a result to its job, unless nobody waits for it any more."""
        number, key = _key_of(result)
        job = self._of.pop(number)
        if not job.is_done:
            with _failing_alone(job):
                job.take(replace(result, key=key))

    def _take_ready(self) -> None:
        while self._ready:
            self._take(self._ready.popleft())

    def _part(self, error: BaseException) -> None:
        """After a failure: the job that was alone ends with it; several are tried one at a time.

        Where nobody answers any more, none would fare better alone.
        """
        self._of.clear()
        self._ready.clear()
        with self._lock:
            jobs, self._active = [j for j in self._active if not self._left(j)], []
            is_over = len(jobs) == 1 or isinstance(error.__cause__, Transient)
            for job in reversed(jobs if not is_over else []):
                job.again()
                job.is_alone = True
                self._waiting.appendleft(job)
        for job in jobs if is_over else []:
            job.end(RefusedError(f"this request could not be answered: {error}", status=502))


@contextmanager
def _failing_alone(job: Job) -> Iterator[None]:
    """What goes wrong with one job's texts ends that job, and is said; the others go on."""
    try:
        yield
    except Exception:  # noqa: BLE001
        say(f"a request has failed:\n{traceback.format_exc()}")
        job.end(
            RefusedError(
                "this request could not be answered; the server's log says why", status=500
            )
        )


def _key_of(result: GenResult) -> tuple[int, Any]:
    assert isinstance(result.key, tuple)
    number, key = result.key
    return number, key


def _is_out_of_memory(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)
