"""Errors as ``application/problem+json`` (RFC 9457), in the language of the caller."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.db.utils import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from headworks.base import i18n, log
from headworks.base.errors import Fault, HeadworksError, Problem
from headworks.control.project.language import language_of

CONTENT_TYPE = "application/problem+json"


class Refusal(msgspec.Struct, frozen=True):
    """A code that stands for what a framework says in its own way."""

    code: str


BY_STATUS = {
    400: Refusal(code="request.bad"),
    401: Refusal(code="auth.required"),
    403: Refusal(code="auth.forbidden"),
    404: Refusal(code="request.not_found"),
    405: Refusal(code="request.method"),
    413: Refusal(code="request.too_large"),
    422: Refusal(code="request.invalid"),
}
# Kinds of pydantic errors that people meet; every other kind says that the value does not fit.
_FIELDS = {"missing": Refusal(code="field.missing"), "extra_forbidden": Refusal(code="field.unknown")}
_BAD_VALUE = Refusal(code="field.invalid")
_SECRET = {"password", "new_password", "token"}
_logger = log.get(__name__)


def _plain(value: Any) -> Any:
    return str(value)


def response(
    request: HttpRequest,
    status: int,
    code: str,
    params: Mapping[str, Any] | None = None,
    problems: Sequence[Problem] = (),
) -> HttpResponse:
    """Return one error as the body the API promises."""
    language = language_of(request)
    params = dict(params or {})
    body = {
        "type": f"urn:headworks:error:{code}",
        "title": i18n.error_text(code, language, **params),
        "status": status,
        "code": code,
        "params": params,
        "problems": [
            {
                "field": p.field,
                "value": p.value,
                "code": p.code,
                "params": p.params,
                "text": i18n.error_text(p.code, language, **{"field": p.field, "value": p.value, **p.params}),
            }
            for p in problems
        ],
    }
    answer = HttpResponse(msgspec.json.encode(body, enc_hook=_plain), status=status, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "no-store"
    answer["Content-Language"] = language
    if isinstance(params.get("retry_s"), int | float):
        answer["Retry-After"] = str(max(1, round(params["retry_s"])))
    return answer


def of_error(request: HttpRequest, error: HeadworksError) -> HttpResponse:
    if isinstance(error, Fault):
        return of_bug(request, error)
    return response(request, error.http_status, error.error_code, error.params, error.problems)


def of_bug(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Answer a bug with the number under which the log tells what happened; nothing inside is shown."""
    incident = uuid.uuid4().hex[:12]
    _logger.error("request failed", incident=incident, method=request.method, path=request.path, exc_info=error or True)
    return response(request, 500, "internal", {"incident": incident})


def of_status(request: HttpRequest, status: int) -> HttpResponse:
    """Return the problem for an answer of the framework that says no more than its status."""
    if status >= 500:
        return response(request, status, "lifecycle.not_ready")
    return response(request, status, BY_STATUS.get(status, BY_STATUS[400]).code)


def of_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Return what pydantic found wrong with the fields of a request."""
    problems = []
    for found in error.errors:
        where = [str(part) for part in found.get("loc", ()) if part not in ("body", "query", "path", "data", "payload")]
        field = ".".join(where) or "body"
        value = None if found["type"] == "missing" else found.get("input")
        code = _FIELDS.get(found["type"], _BAD_VALUE).code
        problems.append(
            Problem(
                field=field,
                value="***" if _SECRET & set(where) else value,
                code=code,
                params={"expected": found.get("msg", "")},
            )
        )
    return response(request, 422, "request.invalid", {}, problems)


def of_database(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """The database did not answer in time (it is locked, restarting or out of connections): say to try again."""
    _logger.warning("database not ready", path=request.path, reason=str(error))
    return response(request, 503, "lifecycle.busy", {"retry_s": 2})


def install(api: NinjaAPI) -> None:
    """Give the API one way to say what went wrong."""
    api.add_exception_handler(HeadworksError, of_error)
    api.add_exception_handler(ValidationError, of_fields)
    api.add_exception_handler(OperationalError, of_database)
    api.add_exception_handler(Http404, lambda request, _: of_status(request, 404))
    api.add_exception_handler(PermissionDenied, lambda request, _: of_status(request, 403))
    api.add_exception_handler(HttpError, lambda request, e: of_status(request, e.status_code))
    api.add_exception_handler(Exception, of_bug)
