"""The interaction loop at work: which draws are wanted, and an engine that makes them.

`Loop` knows what to draw next from what has been drawn; `Asker` asks an engine for it and keeps
every draw in the log. What the draws amount to is `decide`'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from lorid_data.folders.evaluations import SAMPLED_GIVEN
from lorid_data.prompts import Prompt
from lorid_data.schema import Question, sha256_text
from lorid_train.engines.base import Engine, GenRequest, GenResult, Sampling
from lorid_train.interaction.draws import Draw, DrawKey, How, draw_seed
from lorid_train.interaction.programs import Run, writes_programs
from lorid_train.interaction.round_queue import RoundQueue, Urgency
from lorid_train.interaction.rules import SAMPLED, Rule, decide
from lorid_train.roles import ROLES
from lorid_train.roles import role as role_named


class Log(Protocol):
    """Where draws are kept: `draws.DrawLog`, or anything that gives back what was put into it."""

    def append(self, draw: Draw) -> None:
        """Keep a draw; one that is there already is left."""
        ...

    def __contains__(self, key: DrawKey) -> bool: ...

    def __getitem__(self, key: DrawKey) -> Draw: ...

    def __len__(self) -> int: ...


@dataclass(slots=True)
class Asker:
    """Turns draw keys into engine requests, and results into logged draws."""

    engine: Engine
    log: Log
    questions: Mapping[str, Question]
    sampling: Sampling
    knowledge: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """What DR reads under each condition that gives it a text: by problem id and condition."""
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    """By role, a text in the place of the role's own."""
    on_draw: Callable[[Draw], None] | None = None
    """Told of every new draw; for progress."""
    run: Run | None = None
    """Runs what roles that write programs draw; without it their draws have no answer."""

    def request(self, key: DrawKey) -> GenRequest:
        """The request of one draw. A DR draw needs its knowledge to be there already."""
        content = self._content(key)
        sampling = self.sampling
        if key.condition not in (SAMPLED, SAMPLED_GIVEN):
            sampling = Sampling(0.0, max_new_tokens=self.sampling.max_new_tokens)
        return GenRequest(key, key.role, content, sampling, draw_seed(key))

    def ready(self, key: DrawKey) -> bool:
        """Whether what the draw reads has been written."""
        source = _knowledge_key(key)
        return source is None or source in self.log

    def ready_of(
        self, keys: Iterable[DrawKey], not_these: Collection[DrawKey], n: int
    ) -> list[DrawKey]:
        """The first n keys that can be asked now."""
        return list(islice((k for k in keys if k not in not_these and self.ready(k)), n))

    def _content(self, key: DrawKey) -> str:
        question = self.questions[key.problem_id].text
        source = _knowledge_key(key)
        knowledge = ""
        if source is not None:
            # Stripped: SentencePiece decoding leaves a leading space that training never saw.
            knowledge = self.log[source].text.strip()
        elif key.role == "dr":
            knowledge = self.knowledge[key.problem_id, key.condition]
        prompt = self.prompts.get(key.role)
        return role_named(key.role).content(question, knowledge, prompt)

    def record(self, result: GenResult, content: str) -> Draw:
        """Append the draw that a result makes to the log."""
        key = result.key
        assert isinstance(key, DrawKey)
        text = result.text.encode("utf-8", "replace").decode("utf-8")
        ran = None
        if self.run is not None and writes_programs(key.role):
            ran = self.run(text, self.questions[key.problem_id].text)
        draw = Draw(
            **key._asdict(),
            text=text,
            executed=ran,
            finish_reason=result.finish_reason,
            n_prompt_tokens=result.n_prompt_tokens,
            n_tokens=result.n_tokens,
            prompt_sha256=sha256_text(self.engine.render(content, key.role)),
        )
        self.log.append(draw)
        if self.on_draw:
            self.on_draw(draw)
        return draw

    def draw(self, wanted: Wanted) -> None:
        """Ask until `wanted` has nothing left to ask; what the log holds is not asked again."""
        for _ in self.drawn(wanted):
            pass

    def drawn(self, wanted: Wanted) -> Iterator[Draw]:
        """The same, with each new draw given back as soon as it is in the log."""
        asking = Asking(self, wanted)
        for result in self.engine.generate(asking.pull):
            yield asking.take(result)


class Asking:
    """The requests of one `Wanted` on their way: what may be asked now, and what came back.

    Several may share an engine's batches, as long as each gets its own results.
    """

    def __init__(self, asker: Asker, wanted: Wanted) -> None:
        self._asker, self._wanted = asker, wanted
        self._in_flight: dict[DrawKey, str] = {}
        self._n_seen_at_short_pull: dict[bool, int] = {}

    def pull(self, n: int) -> Sequence[GenRequest]:
        """Up to n requests, those that are needed before those that may be."""
        requests = self.requests(n)
        return [*requests, *self.requests(n - len(requests), ahead=True)]

    def requests(self, n: int, *, ahead: bool = False) -> list[GenRequest]:
        """Up to n requests that are needed; with `ahead`, that may be needed later."""
        n_seen = len(self._asker.log)
        if n == 0 or self._n_seen_at_short_pull.get(ahead) == n_seen:
            return []  # what could be asked has been, until something new is known
        keys = self._wanted.later_keys() if ahead else self._wanted.next_keys()
        requests = []
        for key in self._asker.ready_of(keys, self._in_flight, n):
            request = self._asker.request(key)
            self._in_flight[key] = request.prompt
            requests.append(request)
            self._wanted.taken(key)
        if len(requests) < n:
            self._n_seen_at_short_pull[ahead] = n_seen
        return requests

    def take(self, result: GenResult) -> Draw:
        """The draw that a result of these requests makes, in the log by now."""
        assert isinstance(result.key, DrawKey)
        draw = self._asker.record(result, self._in_flight.pop(result.key))
        self._wanted.seen(draw)
        return draw


def _knowledge_key(key: DrawKey) -> DrawKey | None:
    """The KG draw whose text a DR draw reads, or None."""
    if key.role != "dr" or key.condition not in (SAMPLED, "kg-knowledge"):
        return None
    condition = SAMPLED if key.condition == SAMPLED else "greedy"
    return key._replace(role="kg", condition=condition)


class Wanted:
    """A fixed list of draws, asked in order as what they read becomes available."""

    def __init__(self, keys: Iterable[DrawKey], log: Log) -> None:
        self._log = log
        self._keys: dict[DrawKey, None] = {}
        self._blocked: dict[DrawKey, list[DrawKey]] = {}
        """By the draw whose text they read: what cannot be asked yet, and is not looked at until then."""
        self.want(keys)

    def want(self, keys: Iterable[DrawKey]) -> None:
        """Add draws to the list, those that are not there yet."""
        for key in keys:
            source = _knowledge_key(key)
            if key in self._log:
                continue
            if source is None or source in self._log:
                self._keys[key] = None
            else:
                self._blocked.setdefault(source, []).append(key)

    def next_keys(self) -> Iterator[DrawKey]:
        """The keys that are needed, most urgent first."""
        yield from self._keys

    def later_keys(self) -> Iterator[DrawKey]:
        """Keys that may be needed later, the likeliest first; asked where there is room."""
        yield from ()

    def taken(self, key: DrawKey) -> None:
        """Take note that a key has been asked."""
        self._keys.pop(key, None)

    def seen(self, draw: Draw) -> None:
        """Take note of a draw."""
        for key in self._blocked.pop(draw.key, ()):
            self._keys[key] = None


class Loop(Wanted):
    """The interaction loop's wants: round by round, per problem, until it is decided.

    Room to spare is filled with the next rounds of the problems that remain. That changes no
    result: every draw has its own seed, and `decide` reads rounds in order.
    """

    def __init__(
        self,
        problem_ids: Iterable[str],
        log: Log,
        *,
        seed: int,
        rounds: int,
        rule: Rule,
        exhaustive: bool = False,
    ) -> None:
        super().__init__((), log)
        self._seed, self._rounds, self._rule, self._exhaustive = seed, rounds, rule, exhaustive
        self._round = dict.fromkeys(problem_ids, 1)
        """The first round of each open problem that is not yet complete."""
        self._place = {problem_id: i for i, problem_id in enumerate(self._round)}
        self._asked: set[DrawKey] = set()
        self._needed = RoundQueue(self._askable, self._urgency)
        self._ahead = RoundQueue(self._askable, self._urgency_ahead)
        for problem_id in list(self._round):
            self._offer(problem_id, 1)
            self._advance(problem_id)

    @property
    def is_decided(self) -> bool:
        """Whether no question is open any more."""
        return not self._round

    def keys_of(self, problem_id: str, r: int) -> list[DrawKey]:
        """The three draws of a round."""
        return [DrawKey(problem_id, role, SAMPLED, self._seed, r) for role in ("ir", "kg", "dr")]

    def next_keys(self) -> Iterator[DrawKey]:
        """This round of every open problem; every later one too where all rounds are drawn."""
        return self._needed.keys()

    def later_keys(self) -> Iterator[DrawKey]:
        """Later rounds of the open problems.

        By the rule of succession a problem without agreement in f rounds has none in the next a
        rounds either with probability (f + 1) / (f + 1 + a): those long undecided go first.
        """
        return self._ahead.keys()

    def _urgency(self, problem_id: str, r: int) -> Urgency | None:
        """Of a round that is needed: in the order of the problems; where all are, round by round."""
        now = self._round.get(problem_id)
        if now is None or r < now or r > (self._rounds if self._exhaustive else now):
            return None
        return (r if self._exhaustive else 0, self._place[problem_id])

    def _urgency_ahead(self, problem_id: str, r: int) -> Urgency | None:
        """Of a round that may be needed later."""
        now = self._round.get(problem_id)
        if self._exhaustive or now is None or not now < r <= self._rounds:
            return None
        return ((r - now) / now, self._place[problem_id])

    def _askable(self, problem_id: str, r: int) -> Iterator[DrawKey]:
        ir, kg, dr = self.keys_of(problem_id, r)
        for key in (ir, kg, dr) if kg in self._log else (ir, kg):
            if key not in self._asked and key not in self._log:
                yield key

    def _offer(self, problem_id: str, r: int) -> None:
        self._needed.push(problem_id, r)
        self._ahead.push(problem_id, r if r != self._round.get(problem_id) else r + 1)

    def taken(self, key: DrawKey) -> None:
        """Take note that a key has been asked."""
        self._asked.add(key)

    def seen(self, draw: Draw) -> None:
        """Move the problem on when its round is complete; drop it when it is decided."""
        self._asked.discard(draw.key)
        if draw.role == "kg":
            self._offer(draw.problem_id, draw.round)  # DR can be asked now
        self._advance(draw.problem_id)

    def _advance(self, problem_id: str) -> None:
        while (r := self._round.get(problem_id)) is not None:
            keys = self.keys_of(problem_id, r)
            if r <= self._rounds and not all(k in self._log for k in keys):
                return
            if r > self._rounds or (not self._exhaustive and self._decided(problem_id, r)):
                del self._round[problem_id]
            else:
                self._round[problem_id] = r + 1
                self._offer(problem_id, r + 1)

    def _decided(self, problem_id: str, r: int) -> bool:
        draws = [self._log[k] for i in range(1, r + 1) for k in self.keys_of(problem_id, i)]
        return decide(draws, rule=self._rule, rounds=r, fallback="none").how == How.CONSENSUS


GREEDY = ("ir", "gold-knowledge", "kg-knowledge")
"""The greedy systems of an evaluation by default: IR, and DR on the dataset's and on KG's knowledge."""


def greedy_keys(
    problem_ids: Iterable[str],
    seed: int,
    wanted: Iterable[str],
    given: Container[tuple[str, str]],
) -> list[DrawKey]:
    """The greedy draws of the wanted systems.

    Args:
        problem_ids: the problems.
        seed: of the keys; greedy decoding does not use it.
        wanted: roles that read the question alone, and conditions of DR: `kg-knowledge` needs
            KG's greedy draw too, any other is drawn where `given` holds its knowledge.
        given: which (problem id, condition) there is knowledge for.
    """
    keys: dict[DrawKey, None] = {}
    for name in wanted:
        for problem_id in problem_ids:
            if name in ROLES:
                keys[DrawKey(problem_id, name, "greedy", seed, 1)] = None
            elif name == "kg-knowledge":
                keys[DrawKey(problem_id, "kg", "greedy", seed, 1)] = None
                keys[DrawKey(problem_id, "dr", name, seed, 1)] = None
            elif (problem_id, name) in given:
                keys[DrawKey(problem_id, "dr", name, seed, 1)] = None
    return list(keys)


def sampled_keys(problem_ids: Iterable[str], seed: int, role: str, n_rounds: int) -> list[DrawKey]:
    """Rounds 1 to n of one role for every problem, as majority voting reads them."""
    return [
        DrawKey(problem_id, role, SAMPLED, seed, r)
        for r in range(1, n_rounds + 1)
        for problem_id in problem_ids
    ]
