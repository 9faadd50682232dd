"""Work for one request: signed in aside, admitted in turn, cancelled when the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import Depends, Request

from api.wiring import Services
from governance.governed_query.cancellation import CURRENT, Cancellation
from governance.identity import Principal

Result = TypeVar("Result")


async def aside(services: Services, function: Callable[[], Result]) -> Result:
    """Run what is short (a signature, a key, a ping) in threads that no reader's work can take."""
    return await asyncio.get_running_loop().run_in_executor(services.short_work, function)


@asynccontextmanager
async def admitted(request: Request, services: Services, principal: Principal) -> AsyncIterator[None]:
    """Wait for the principal's turn, then work until left; what works is cancelled if the client goes.

    Raises TooManyRequestsError, EngineBusyError or QueryCancelledError.
    """
    cancellation = Cancellation()
    watching = asyncio.create_task(_watch(request, cancellation))
    try:
        async with services.admission.turn("/".join(principal.reader_key), cancellation):
            token = CURRENT.set(cancellation)
            try:
                yield
            finally:
                CURRENT.reset(token)
    finally:
        watching.cancel()


async def _stranger(request: Request) -> AsyncIterator[None]:
    services: Services = request.app.state.services
    host = request.client.host if request.client else "nowhere"
    async with services.admission.turn(f"nobody at {host}", Cancellation()):
        yield


Stranger = Depends(_stranger, scope="function")
"""The turn of who is not signed in yet, by address: signing in may wait for an identity provider."""


async def _watch(request: Request, cancellation: Cancellation) -> None:
    """The body is read by now, so what comes is that the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancellation.cancel()
