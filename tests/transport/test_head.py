"""A plain head is read without the parser, and means what it means to the parser; any other is left to it."""

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadscoring.transport.head import REMEMBERED, read_head

PLAIN = b"POST /api/v1/score?reasons=2 HTTP/1.1\r\nHost: a\r\nX-API-Key:  k \r\nContent-Length: 3\r\n\r\n"


def test_a_plain_head_says_where_it_wants_to_go_and_where_it_ends() -> None:
    """Names of headers in lower case, values without the blanks around them."""
    head = read_head(PLAIN + b"abc")
    assert head is not None
    assert (head.method, head.path, head.query) == ("POST", "/api/v1/score", b"reasons=2")
    assert dict(head.headers) == {b"host": b"a", b"x-api-key": b"k", b"content-length": b"3"}
    assert (head.size, head.body) == (len(PLAIN), 3)


@pytest.mark.parametrize("size", range(0, len(PLAIN), 7))
def test_a_head_that_is_not_all_there_is_none(size: int) -> None:
    """Wherever it was cut."""
    assert read_head(PLAIN[:size]) is None


def test_a_long_head_is_read_as_a_short_one() -> None:
    """Only that nobody remembers it."""
    padded = PLAIN.replace(b"Host: a", b"Host: a\r\nX-Pad: " + b"x" * REMEMBERED)
    head = read_head(padded)
    assert head is not None
    assert (head.size, head.body) == (len(padded), 3)


def test_the_same_head_is_read_once() -> None:
    """What is remembered cannot be changed by whoever got it."""
    one, same = read_head(PLAIN), read_head(PLAIN + b"more")
    assert one is same
    with pytest.raises(TypeError):
        one.headers[b"host"] = b"b"  # type: ignore[index, union-attr]  # that it cannot be is what is tested


@pytest.mark.parametrize(
    "unusual",
    [
        b"POST /api/v1/score HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n Folded: 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\nHost: a\nContent-Length: 1\n\n",
        b"GET /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n",
    ],
)
def test_an_unusual_head_takes_the_long_way(unusual: bytes) -> None:
    """The short way must never see an end of a request where the parser sees another."""
    assert read_head(unusual) is None


HEADER = st.tuples(
    st.sampled_from(["Host", "X-A", "Content-Length", "Accept", "User-Agent", "Te"]), st.text(max_size=9)
)


@given(headers=st.lists(HEADER, max_size=6), tail=st.binary(max_size=20), length=st.integers(0, 30))
@example(headers=[("Host", "a")], tail=b"\r\n\r\n", length=4)
def test_a_plain_head_means_to_the_parser_what_it_means_here(
    headers: list[tuple[str, str]], tail: bytes, length: int
) -> None:
    """Where the head ends, and how long the body is."""
    lines = [f"{name}: {value}" for name, value in headers] + [f"Content-Length: {length}"]
    data = "\r\n".join(["POST /api/v1/score HTTP/1.1", *lines, "", ""]).encode() + tail
    head = read_head(data)
    if head is None:
        return

    class Seen:
        """What the parser calls."""

        def __init__(self) -> None:
            self.body = b""
            self.complete = False

        def on_body(self, part: bytes) -> None:
            self.body += part

        def on_message_complete(self) -> None:
            self.complete = True

    seen = Seen()
    rest = data[head.size :]
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(data[: head.size] + rest[: head.body] + b"y" * (head.body - len(rest[: head.body])))
    assert seen.complete
    assert len(seen.body) == head.body
    assert seen.body.startswith(rest[: head.body])
