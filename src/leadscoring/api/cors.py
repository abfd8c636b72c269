"""CORS: Starlette's middleware, with rejections in our error format."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from leadscoring.errors import PageNotAllowed
from leadscoring.transport.exchange import Exchange
from leadscoring.transport.failures import problem


class Cors(CORSMiddleware):
    """CORS middleware that rejects preflight requests with problem responses, like all other errors."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Returns the response to a preflight request."""
        answer = super().preflight_response(request_headers)
        return answer if answer.status_code == 200 else Refusal(answer, self.refusal(request_headers))

    def refusal(self, asked: Headers) -> PageNotAllowed:
        """Returns the error that describes what is not allowed, and what would be."""
        origin, method = asked["origin"], asked["access-control-request-method"]
        if not self.is_allowed_origin(origin):
            return PageNotAllowed("the origin of the page", "one that CORS_ORIGINS names", origin)
        if method not in self.allow_methods:
            return PageNotAllowed("the method", " or ".join(self.allow_methods), method)
        return PageNotAllowed("what the page asks for", "an address of its own network", "access to a private network")


class Refusal(Response):
    """A rejected preflight as a problem response with the request id."""

    def __init__(self, refused: Response, failure: PageNotAllowed) -> None:
        super().__init__(status_code=refused.status_code)
        self._failure = failure
        self._kept = [header for header in refused.raw_headers if header[0] not in (b"content-length", b"content-type")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response."""
        exchange: Exchange = scope["exchange"]
        exchange.error = type(self._failure).__name__
        reply = problem(self._failure, exchange.request_id)
        self.status_code, self.body = reply.status, reply.body
        self.raw_headers = [
            *self._kept,
            (b"content-type", reply.media_type),
            (b"content-length", b"%d" % len(reply.body)),
        ]
        await super().__call__(scope, receive, send)
