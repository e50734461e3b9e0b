"""Form bodies, url-encoded or multipart (RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qsl

from starlette.requests import Request

from service.simulator.rest.answers import ApiError


@dataclass(frozen=True, slots=True)
class Form:
    """Field names with their bytes, in the order they were sent; a name may come more than once."""

    fields: tuple[tuple[str, bytes], ...]

    def value(self, name: str) -> str:
        """The last value of a text field, empty if it was not sent."""
        return next((content.decode() for known, content in reversed(self.fields) if known == name), "")


async def read_form(request: Request) -> Form:
    """Raises ApiError 400 for any other media type."""
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    body = await request.body()
    match header.get_content_type(), header.get_param("boundary"):
        case "application/x-www-form-urlencoded", _:
            pairs = parse_qsl(body.decode(), keep_blank_values=True)
            return Form(tuple((name, value.encode()) for name, value in pairs))
        case "multipart/form-data", str(boundary):
            return Form(tuple(_parts(body, boundary.encode())))
        case other, _:
            raise ApiError(400, "Bad request", f"{other} is not a form; send multipart/form-data.")


def _parts(body: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return [_part(piece) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes) -> tuple[str, bytes]:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-disposition":
            header = Message()
            header["Content-Disposition"] = value.strip()
            return str(header.get_param("name", header="content-disposition")), content
    raise ApiError(400, "Bad request", "A part of the form has no Content-Disposition.")
