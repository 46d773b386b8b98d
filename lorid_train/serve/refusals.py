"""What a client is told that gets no answer: OpenAI's error shape, with a sentence."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """A request that is not answered, and why.

    Attributes:
        status: of HTTP: 4xx is the request's fault, 5xx the server's.
        sentence: what is wrong and what to do.
        param: the field of the request, where it is one.
        code: OpenAI's word for it, such as `unsupported_parameter`.
        retry_after_s: after how many seconds to try again.
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.param, self.code = status, sentence, param, code
        self.retry_after_s = retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """The reply's JSON."""
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.sentence,
                "type": kinds.get(self.status, kind),
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def headers(self) -> dict[str, str]:
        """The reply's headers beyond the usual ones."""
        headers = {"retry-after": str(self.retry_after_s)} if self.retry_after_s else {}
        return headers | ({"www-authenticate": "Bearer"} if self.status == 401 else {})


def unsupported(param: str, why: str) -> RefusedError:
    """A parameter that OpenAI knows and this server does not honour."""
    return RefusedError(f"{param}: {why}", param=param, code="unsupported_parameter")
