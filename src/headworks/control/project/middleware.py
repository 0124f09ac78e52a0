"""What every answer goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from headworks.control.project import problems as problem_json


@sync_and_async_middleware
def problems(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Turn what the framework itself refuses (405, a bad host, a bad body) into the API's own form of errors."""

    def finish(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return answer
        if answer.status_code >= 400 and answer.headers.get("Content-Type") != problem_json.CONTENT_TYPE:
            problem = problem_json.of_status(request, answer.status_code)
            if "Allow" in answer.headers:
                problem["Allow"] = answer.headers["Allow"]
            answer = problem
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    if iscoroutinefunction(get_response):
        wait: Callable[[HttpRequest], Awaitable[HttpResponse]] = get_response

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return finish(request, await wait(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return finish(request, get_response(request))

    return synchronous
