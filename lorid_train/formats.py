"""Formats: how a role's text becomes the exact text and the exact tokens that a model sees.

A format is a file under `prompts/formats/`: `plain`, `chat` and `chat.v2` (the tokenizer's own
template), or a template of LLaMA-Factory, named VERSION/TEMPLATE, byte for byte. Its name and
sha256 travel with every adapter. Tokens are made piece by piece, `[bos] + encode(text)`, as LLaMA-Factory does:
tokenising the rendered string instead gives other ids on SentencePiece models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import yaml

from lorid_data import prompts
from lorid_data.errors import ConfigError, InputError
from lorid_data.schema import sha256_text
from lorid_train.templating.rendering import render

T = TypeVar("T")
TEMPLATE_DATE = "2024-07-26"
"""The day that chat templates are told where they ask for one, as ISO 8601.

A template that writes today's date would give other prompts on every day. This is the day that
the templates of Llama 3 fall back to themselves.
"""
_ASKS_THE_DAY = re.compile(r"""strftime_now\(\s{0,9}(["'])([^"'\n]{0,99})\1\s{0,9}\)""")
_TRANSFORMERS = "transformers.tokenization_utils_base"
_NEWEST = {"chat": "chat.v2"}
_ANSWER = "An-answer-of-one-word"


class Tokenizer(Protocol):
    """What formats use of a Hugging Face tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None
    chat_template: str | None

    def encode(
        self, text: str, *, add_special_tokens: bool, split_special_tokens: bool = False
    ) -> list[int]:
        """Text to ids; with `split_special_tokens` what reads like a special token is text, too."""
        ...

    def decode(self, token_ids: list[int]) -> str:
        """Ids to text."""
        ...

    def convert_tokens_to_ids(self, tokens: str) -> int | None:
        """Id of one token."""
        ...

    def apply_chat_template(self, conversation: Any, **kwargs: Any) -> Any:
        """Messages to text."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A prompt format. None stands for the tokenizer's own token or template."""

    name: str
    sha256: str
    bos: str | None
    prompt: str | None
    """Template of the prompt with `{content}`, without the begin token; None for `chat`."""
    target_prefix: str
    target_suffix: str | None
    stop: tuple[str, ...]
    turn_end: bool = False
    """Whether a target ends as the tokenizer's template ends an answer."""
    date: str = TEMPLATE_DATE
    """The day that a template is told, as ISO 8601; it is an adapter's, not the format's."""

    def render(self, content: str) -> str:
        """The exact text a model sees before it writes; nothing is stripped.

        Raises:
            ConfigError: the format is `chat`, whose text depends on the tokenizer.
        """
        if self.prompt is None:
            msg = "the format 'chat' is the tokenizer's own template; its text needs a tokenizer"
            raise ConfigError(msg)
        return (self.bos or "") + self.prompt.replace("{content}", content, 1)

    def text(self, tokenizer: Tokenizer, content: str) -> str:
        """`render`, for every format: the text of `chat` is the tokenizer's to make."""
        if self.prompt is not None:
            return self.render(content)
        return tokenizer.decode(self.prompt_ids(tokenizer, content))

    def prompt_ids(self, tokenizer: Tokenizer, content: str) -> list[int]:
        """Token ids of the prompt, begin token included."""
        if self.prompt is None:
            return self._chat_ids(tokenizer, content)
        text = self.prompt.replace("{content}", content, 1)
        return [*self._bos_ids(tokenizer), *self._around(tokenizer, text)]

    def target_ids(self, tokenizer: Tokenizer, target: str) -> list[int]:
        """Token ids of the target, end of sequence included: all that the loss is taken on."""
        text = self.target_prefix + target
        ids = as_text(tokenizer, text)
        if self.turn_end and (ending := self._turn_end(tokenizer)):
            return [*ids, *ending]
        if self.target_suffix is None:
            end = tokenizer.eos_token_id
            if end is None:
                msg = (
                    "the tokenizer has no end-of-sequence token; set eos_token in its configuration"
                )
                raise ConfigError(msg)
            return [*ids, end]
        single = _token_id(tokenizer, self.target_suffix)
        if single is not None:
            return [*ids, single]
        for token in self.stop:
            if token in self.target_suffix and _token_id(tokenizer, token) is None:
                msg = f"format {self.name!r}: the tokenizer does not know {token!r}, which ends a text; is it another model's?"
                raise ConfigError(msg)
        if not holds_special(tokenizer, text):
            return tokenizer.encode(text + self.target_suffix, add_special_tokens=False)
        return [*ids, *tokenizer.encode(self.target_suffix, add_special_tokens=False)]

    def stop_ids(self, tokenizer: Tokenizer, of_model: Sequence[int] = ()) -> list[int]:
        """Ids that end a generation: the tokenizer's end token and the format's stop tokens.

        For a template, also the token that ends its turns and those of the model's own settings.

        Args:
            tokenizer: of the base model.
            of_model: ids in `generation_config.json`; they count where the format is the model's.
        """
        ids = [_token_id(tokenizer, s) for s in self.stop]
        if self.prompt is None:
            ids += [*self._turn_end(tokenizer)[-1:], *of_model]
        ids.append(tokenizer.eos_token_id)
        return sorted({i for i in ids if i is not None})

    def _bos_ids(self, tokenizer: Tokenizer) -> list[int]:
        if self.bos == "":
            return []
        if self.bos is None:
            return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        found = _token_id(tokenizer, self.bos)
        if found is None:
            msg = f"format {self.name!r}: the tokenizer does not know {self.bos!r}; is it another model's?"
            raise ConfigError(msg)
        return [found]

    def _chat_ids(self, tokenizer: Tokenizer, content: str) -> list[int]:
        messages = [{"role": "user", "content": content}]
        text = self._templated(tokenizer, messages, add_generation_prompt=True)
        return self._around(tokenizer, text)

    def _around(self, tokenizer: Tokenizer, text: str) -> list[int]:
        """Ids of a whole prompt: the special tokens are those of the template, and no others.

        Whoever writes `</s>` into a question writes four characters.

        Raises:
            InputError: what stands around the content depends on it, so that it cannot be told.
        """
        ids, special = tokenizer.encode(text, add_special_tokens=False), special_ids(tokenizer)
        if special.isdisjoint(ids):
            return ids
        empty, ours = self._empty(tokenizer, special)
        if [i for i in ids if i in special] == ours:
            return ids
        before, _, after = empty.partition(_ANSWER)
        if not (text.startswith(before) and text.endswith(after)):
            msg = f"format {self.name!r}: special tokens in a text cannot be told from the template's own: {text[-80:]!r}"
            raise InputError(msg)
        # Cut where the tokenizer itself cuts: at the template's nearest special tokens.
        names = [tokenizer.decode([i]) for i in ours]
        start = max((before.rfind(n) + len(n) for n in names if n in before), default=0)
        found = [after.find(n) for n in names if n in after]
        end = len(text) - len(after) + min(found, default=len(after))
        return [
            *tokenizer.encode(text[:start], add_special_tokens=False),
            *as_text(tokenizer, text[start:end]),
            *tokenizer.encode(text[end:], add_special_tokens=False),
        ]

    def _empty(self, tokenizer: Tokenizer, special: frozenset[int]) -> tuple[str, list[int]]:
        """The prompt around a word that no template knows, and its special tokens."""

        def make() -> tuple[str, list[int]]:
            messages = [{"role": "user", "content": _ANSWER}]
            empty = (
                self.prompt.replace("{content}", _ANSWER, 1)
                if self.prompt is not None
                else self._templated(tokenizer, messages, add_generation_prompt=True)
            )
            ids = tokenizer.encode(empty, add_special_tokens=False)
            return empty, [i for i in ids if i in special]

        return _kept(tokenizer, (self, str(tokenizer.chat_template)), make)

    def _templated(
        self, tokenizer: Tokenizer, messages: Any, *, add_generation_prompt: bool
    ) -> str:
        """The text of the tokenizer's own template, on the format's day."""
        if not tokenizer.chat_template:
            msg = f"format {self.name!r}: this tokenizer has no chat template; use 'plain' or a named format"
            raise ConfigError(msg)
        day = {}
        if "strftime_now" in str(tokenizer.chat_template):
            day["chat_template"] = self._on_its_day(tokenizer.chat_template)
        apply: Any = getattr(type(tokenizer), "apply_chat_template", None)
        if getattr(apply, "__module__", None) == _TRANSFORMERS:
            return _rendered(tokenizer, day, messages, add_generation_prompt=add_generation_prompt)
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, **day
            )
        )

    def _on_its_day(self, template: Any) -> str:
        """A template with the format's day in the place of today's.

        Raises:
            ConfigError: it asks for the day in a way that is not read here.
        """
        text = str(template.get("default", "") if isinstance(template, dict) else template)
        day = date.fromisoformat(self.date)
        text = _ASKS_THE_DAY.sub(lambda found: repr(day.strftime(found[2])), text)
        if "strftime_now(" in text:
            msg = f"format {self.name!r}: the chat template writes the date of today, in a way that cannot be frozen; use 'plain' or a named format"
            raise ConfigError(msg)
        return text

    def _turn_end(self, tokenizer: Tokenizer) -> list[int]:
        """How the template ends an answer, up to its first special token; empty if it has none."""
        if not tokenizer.chat_template:
            return []
        messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": _ANSWER}]
        text = self._templated(tokenizer, messages, add_generation_prompt=False)
        ids = tokenizer.encode(text.rpartition(_ANSWER)[2], add_special_tokens=False)
        special = {
            *getattr(tokenizer, "all_special_ids", ()),
            *getattr(tokenizer, "added_tokens_decoder", ()),
        }
        first = next((i for i, token in enumerate(ids) if token in special), None)
        return [] if first is None else ids[: first + 1]


_KEPT: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
"""What was found out about a tokenizer, as long as there is one."""


def _kept(tokenizer: Tokenizer, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for a tokenizer and a key."""
    known = _KEPT.setdefault(tokenizer, {})
    if key not in known:
        known[key] = make()
    found: T = known[key]
    return found


def _rendered(
    tokenizer: Any, day: dict[str, str], messages: Any, *, add_generation_prompt: bool
) -> str:
    """What `apply_chat_template` gives, made in a process that is bounded: a template is a program."""
    names = {
        k: [str(x) for x in v] if isinstance(v, (list, tuple)) else str(v)
        for k, v in tokenizer.special_tokens_map.items()
    }
    template = day.get("chat_template") or tokenizer.get_chat_template()
    return render(template, messages, add_generation_prompt=add_generation_prompt, names=names)


def special_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """Ids of tokens that mean something to a model and are no text; the one for the unknown is."""

    def make() -> frozenset[int]:
        known = getattr(tokenizer, "added_tokens_decoder", {})
        found = {
            *getattr(tokenizer, "all_special_ids", ()),
            *(i for i, token in known.items() if getattr(token, "special", False)),
            *(i for i in (tokenizer.bos_token_id, tokenizer.eos_token_id) if i is not None),
        }
        return frozenset(found - {getattr(tokenizer, "unk_token_id", None)})

    # Whoever names another end token afterwards has another set.
    return _kept(tokenizer, ("special", tokenizer.bos_token_id, tokenizer.eos_token_id), make)


def holds_special(tokenizer: Tokenizer, text: str) -> bool:
    """Whether a text holds what reads like a special token of the tokenizer."""
    special = special_ids(tokenizer)
    names = _kept(tokenizer, special, lambda: [tokenizer.decode([i]) for i in sorted(special)])
    return any(name and name in text for name in names)


def as_text(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of a text of others: what reads like a special token becomes the tokens of its characters.

    A text without such is encoded as ever.

    Raises:
        InputError: the tokenizer makes special tokens of it all the same.
    """
    ids = tokenizer.encode(text, add_special_tokens=False)
    special = special_ids(tokenizer)
    if special.isdisjoint(ids):
        return ids
    ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    if found := sorted(special.intersection(ids)):
        msg = f"the tokenizer makes the special token {tokenizer.decode(found[:1])!r} of a text; take it out of the row: {text[:80]!r}"
        raise InputError(msg)
    return ids


def _token_id(tokenizer: Tokenizer, token: str) -> int | None:
    """The id of a special token, or None if the text is not one token of this vocabulary."""
    found = tokenizer.convert_tokens_to_ids(token)
    unknown = getattr(tokenizer, "unk_token_id", None)
    return None if found is None or found == unknown else found


@cache
def load(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none; the known ones are named.
    """
    if name not in names():
        msg = f"unknown format {name!r}; there are {', '.join(names())}"
        raise ConfigError(msg)
    path = prompts.root() / "formats" / f"{name}.yaml"
    text = path.read_bytes().decode("utf-8")
    body = yaml.safe_load(text)
    body["stop"] = tuple(body["stop"])
    return Format(name=name, sha256=sha256_text(text), **body)


def newest(name: str) -> str:
    """The newest format of that name, for a new training; old adapters keep the one on their card."""
    return _NEWEST.get(name, name)


def on(name: str, day: str | None) -> Format:
    """The format of that name, whose template is told that day; None is `TEMPLATE_DATE`.

    Raises:
        ConfigError: there is no such format, or that is no day.
    """
    try:
        date.fromisoformat(day or TEMPLATE_DATE)
    except ValueError as e:
        msg = f"template_date: {day!r} is no day; write it as {TEMPLATE_DATE!r}"
        raise ConfigError(msg) from e
    return replace(load(name), date=day or TEMPLATE_DATE)


@cache
def names() -> tuple[str, ...]:
    """All known formats."""
    folder = prompts.root() / "formats"
    return tuple(sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.yaml")))


def detect(chat_template: str) -> str | None:
    """The format that an adapter saved by LLaMA-Factory was trained with, from its chat template.

    LLaMA-Factory stores the template it trained with in `tokenizer_config.json`. The released
    LoRID adapters carry those of v0.6.x, not those of the code in their repository.
    Returns None for a template that is none of these.
    """
    if "[INST]" in chat_template:
        if "respectful and honest" in chat_template:
            return "lf-0.6/llama2"
        if "<<SYS>>" in chat_template:
            return "lf-0.9.2/llama2"
        if "' [INST] '" in chat_template:
            return "lf-0.6.3/mistral"
        return "lf-0.6/mistral" if "' [/INST]'" in chat_template else "lf-0.9.2/mistral"
    signs = {"<|start_header_id|>": "llama3", "<|im_start|>": "qwen", "Assistant:": "deepseek"}
    return next((f"lf-0.9.2/{t}" for sign, t in signs.items() if sign in chat_template), None)
