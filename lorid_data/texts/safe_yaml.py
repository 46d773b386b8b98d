"""YAML that somebody else wrote: bounded in size, and in what its aliases multiply it to."""

from __future__ import annotations

from typing import Any

MAX_CHARS, MAX_DEPTH = 2**20, 100
MAX_NODES = 100_000
"""Values of one file, each alias counted as all that it stands for: a bomb of nine lines has 10^9."""


def parse(text: str) -> Any:
    """The content of a YAML text.

    Raises:
        ValueError: longer than 1 MiB, not YAML, nested too deep, more than 100,000 values, or a key
            stands twice in a mapping. Its `line` (from 1) says where, or is None.
    """
    import yaml

    if len(text) > MAX_CHARS:
        raise YamlError(f"longer than {MAX_CHARS:,} characters")
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _refuse_depth_and_repeats(yaml, text, loader)
        body = yaml.load(text, Loader=loader)  # noqa: S506  (a safe loader)
        if _n_nodes(body, {}) > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES:,} values, those behind aliases counted")
    except (yaml.YAMLError, ValueError) as e:
        if isinstance(e, YamlError):
            raise
        mark = getattr(e, "problem_mark", None)
        problem = f"not valid YAML ({getattr(e, 'problem', None) or e})"
        raise YamlError(problem, None if mark is None else mark.line + 1) from e
    return body


def _refuse_depth_and_repeats(yaml: Any, text: str, loader: Any) -> None:
    """Each level costs the scanner as much as all before it, and the composer a stack frame.

    Of a key that stands twice YAML's reader takes the last value, without a word.
    """
    levels: list[_Level] = []
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
        if isinstance(event, (yaml.NodeEvent, yaml.CollectionStartEvent)) and levels:
            key = event.value if isinstance(event, yaml.ScalarEvent) else None
            if levels[-1].repeats(key):
                raise YamlError(f"the key {key!r:.80} stands twice", event.start_mark.line + 1)
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append(_Level(is_mapping=isinstance(event, yaml.MappingStartEvent)))
            if len(levels) > MAX_DEPTH:
                raise YamlError("nested too deep", event.start_mark.line + 1)


class _Level:
    """A list or a mapping that is being read."""

    def __init__(self, *, is_mapping: bool) -> None:
        self._is_mapping, self._is_key = is_mapping, False
        self._keys: set[str] = set()

    def repeats(self, text: str | None) -> bool:
        """Take what stands here next; whether it is a key that this mapping has already."""
        self._is_key = self._is_mapping and not self._is_key
        if not self._is_key or text is None or text == "<<":  # several mappings may be merged in
            return False
        is_repeat = text in self._keys
        self._keys.add(text)
        return is_repeat


class YamlError(ValueError):
    """A text that is not taken as YAML; `line` from 1, where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def _n_nodes(node: object, counted: dict[int, int]) -> int:
    """Values in a value; what several aliases share is walked once and counted each time."""
    if not isinstance(node, (dict, list)):
        return 1
    if id(node) not in counted:
        counted[id(node)] = MAX_NODES + 1  # what holds itself has no end
        inner = [*node.keys(), *node.values()] if isinstance(node, dict) else node
        counted[id(node)] = min(MAX_NODES + 1, 1 + sum(_n_nodes(n, counted) for n in inner))
    return counted[id(node)]
