"""Starlette with its middleware for gzip, which is served by uvicorn."""

from records import LEVEL, RECORDS
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def records(request: Request) -> JSONResponse:
    return JSONResponse(RECORDS)


app = Starlette(
    routes=[Route("/records", records)], middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=LEVEL)]
)
