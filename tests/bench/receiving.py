"""The peers of the `ingest` benchmark: the same endpoint, the usual ways. `python -m tests.bench.receiving WAY`."""

from __future__ import annotations

import asyncio
import hmac
import sys
import tempfile
from pathlib import Path

import uvicorn
from sqlalchemy import LargeBinary, String, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = b"the secret of the benchmark's hook"


async def verified(request: Request) -> bytes | None:
    body = await request.body()
    expected = "sha256=" + hmac.new(SECRET, body, "sha256").hexdigest()
    return body if hmac.compare_digest(expected, request.headers.get("x-hub-signature", "")) else None


async def store_nothing(request: Request) -> Response:
    if await verified(request) is None:
        return Response(status_code=401)
    return JSONResponse({"delivery_id": "0", "status": "accepted"}, 202)


class Base(DeclarativeBase):
    pass


class Delivery(Base):
    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    request_uuid: Mapped[str] = mapped_column(String(36), unique=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


def session_per_request(directory: Path) -> Starlette:
    engine = create_async_engine(f"sqlite+aiosqlite:///{directory / 'peer.db'}")
    sessions = async_sessionmaker(engine)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection, _):  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")

    async def store(request: Request) -> Response:
        body = await verified(request)
        if body is None:
            return Response(status_code=401)
        async with sessions() as session, session.begin():
            session.add(Delivery(request_uuid=request.headers["x-request-uuid"], body=body))
        return JSONResponse({"delivery_id": "0", "status": "accepted"}, 202)

    async def create() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    asyncio.run(create())
    return Starlette(routes=[Route("/", store, methods=["POST"])])


def main(way: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bare = Starlette(routes=[Route("/", store_nothing, methods=["POST"])])
        app = bare if way == "bare" else session_per_request(Path(directory))
        config = uvicorn.Config(app, port=0, loop="uvloop", http="httptools", access_log=False, log_level="warning")
        listener = config.bind_socket()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
