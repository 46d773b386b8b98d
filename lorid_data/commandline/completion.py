"""The command `completion` of both programs: what a shell needs to complete their command lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cyclopts import App

Shell = Literal["bash", "zsh", "fish", "powershell"]


def completion_of(app: App) -> Callable[..., None]:
    """The command, for one program."""

    def completion(shell: Shell | None = None, /) -> None:
        """Print a script that lets your shell complete commands and options.

        bash: `eval "$(lorid-data completion bash)"` in ~/.bashrc; zsh and fish take it from a file
        in their own folder of completions.

        Args:
            shell: bash, zsh, fish or powershell; by default the one this was called from.
        """
        from cyclopts.completion.detect import ShellDetectionError

        from lorid_data.errors import ConfigError

        try:
            print(app.generate_completion(shell=shell))  # noqa: T201
        except ShellDetectionError as e:
            msg = "which shell this is cannot be told; name it: bash, zsh, fish or powershell"
            raise ConfigError(msg) from e

    return completion
