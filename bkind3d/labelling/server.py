"""The page on which frames are labelled, served to this machine alone: whoever does not know the token of its address gets nothing."""

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bkind3d.config import InputError
from bkind3d.labelling.work import Work

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
#: What the page may load: its own parts, and pictures of its own server.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"
)
#: Frames whose pictures are decoded ahead.
AHEAD = 2


class Pages:
    """What is answered."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def show_page(self, request: Request) -> Response:
        page = files("bkind3d.labelling").joinpath("page.html").read_text("utf-8")
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    async def show_study(self, request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(_describe, self.work))

    async def show_task(self, request: Request) -> Response:
        index = int(request.path_params["index"])
        if index >= len(self.work.tasks):
            return PlainTextResponse("no such frame", status_code=404)
        self.work.pictures.prepare(key for number in range(index, index + AHEAD + 1) for key in self.work.list_keys(number))
        return JSONResponse(await asyncio.to_thread(self.work.describe, index))

    async def show_picture(self, request: Request) -> Response:
        index, camera = int(request.path_params["index"]), request.path_params["camera"]
        key = next((key for key in self.work.list_keys(index) if key[1] == camera), None)
        if key is None:
            return PlainTextResponse("no such picture", status_code=404)
        try:
            content = await asyncio.to_thread(self.work.pictures.get, key)
        except InputError as error:
            return PlainTextResponse(str(error), status_code=404)
        return Response(content, media_type="image/jpeg")

    def click(self, asked: dict[str, Any]) -> dict[str, Any]:
        place = asked.get("place")
        pixel = (float(place[0]), float(place[1])) if place else None
        return self.work.click(int(asked["index"]), asked["camera"], asked["joint"], asked["state"], pixel)

    def change_joints(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("old"):
            self.work.rename_joint(str(asked["old"]), str(asked["name"]))
        else:
            self.work.add_joint(str(asked["name"]))
        return _describe(self.work)


def _act(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer what is posted by what `change` gives; what is refused is one line."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await asyncio.to_thread(change, await request.json()))
        except InputError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            return JSONResponse({"error": f"not understood: {error}"}, status_code=400)
        except OSError as error:
            return JSONResponse({"error": f"not written: {error.strerror}; make room, and do it again"}, status_code=507)

    return answer


def build_app(work: Work, token: str) -> Starlette:
    """The application; every address begins with the token."""

    async def refuse_strangers(request: Request, answer: RequestResponseEndpoint) -> Response:
        # A page of another origin could name this address by a name of its own.
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        if host not in (HOST, "localhost") or not secrets.compare_digest(request.url.path.split("/")[1].encode(), token.encode()):
            return PlainTextResponse("no such page", status_code=404)
        response = await answer(request)
        response.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"})
        return response

    pages = Pages(work)
    routes = [
        Route("/{token}/", pages.show_page),
        Route("/{token}/study", pages.show_study),
        Route("/{token}/task/{index:int}", pages.show_task),
        Route("/{token}/picture/{index:int}/{camera}", pages.show_picture),
        Route("/{token}/click", _act(pages.click), methods=["POST"]),
        Route("/{token}/joints", _act(pages.change_joints), methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=refuse_strangers)])


def _describe(work: Work) -> dict[str, Any]:
    cameras = {name: {camera: list(entry.size) for camera, entry in views.items()} for name, views in work.cameras.items()}
    tasks = [{"session": task.session, "frame": task.frame, "subject": work.study.sessions[task.session].subject} for task in work.tasks]
    return {"tasks": tasks, "cameras": cameras, "joints": work.joints, "progress": work.list_progress(), "who": work.who}


def open_socket(port: int) -> socket.socket:
    """A socket of this machine alone; any free port for 0.

    Raises
    ------
    InputError : where the port is in use.
    """
    # Of a socket whose protocol is not said, asyncio does not switch off Nagle's algorithm, and every answer is 40 ms late.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()  # a browser that is quicker than the server waits for it
    except OSError as error:
        found.close()
        raise InputError("--port", f"{port} cannot be used ({error.strerror})", "choose another, or none for any that is free") from None
    return found


def serve(work: Work, port: int, announce: Callable[[str], object]) -> None:
    """Serve the page until the process is interrupted; `announce` is told its address."""
    token, opened = secrets.token_urlsafe(16), open_socket(port)
    work.pictures.prepare(key for number in range(AHEAD + 1) for key in work.list_keys(number))
    server = uvicorn.Server(uvicorn.Config(build_app(work, token), log_level="warning", lifespan="off"))
    announce(f"http://{HOST}:{opened.getsockname()[1]}/{token}/")
    try:
        asyncio.run(server.serve(sockets=[opened]))
    except KeyboardInterrupt:
        log.info("every click is stored; the same command goes on")
