"""The base model between the roles: every role gets the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lorid_train.models.weights import base_digest


class FrozenBase:
    """A base model that is handed out for one adapter after another.

    Some ways to start an adapter move a part of the base into it, and modules that are trained
    whole stay in the place of the base's own. So what a role leaves is looked at, and the base is
    loaded anew where it is not what it was.
    """

    def __init__(self, load: Callable[[], Any], *, n_roles: int) -> None:
        self._load, self._n_left = load, n_roles
        self._model: Any = None
        self._digest: str | None = None

    def take(self) -> Any:
        """The base model, without an adapter."""
        model, self._model = self._model or self._load(), None
        self._n_left -= 1
        if self._digest is None and self._n_left > 0:
            self._digest = base_digest(model)
        return model

    def give_back(self, model: Any) -> None:
        """What a role has left of it."""
        if self._digest is not None and self._n_left > 0 and base_digest(model) == self._digest:
            self._model = model
