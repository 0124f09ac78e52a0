"""The language a request is answered in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from headworks.base import i18n


def language_of(request: HttpRequest) -> str:
    """Return what ``Accept-Language`` asks for (the page sets it to what its reader chose), else the user's own language,
    else that of the site."""
    header = request.headers.get("Accept-Language", "")
    user = getattr(request, "user", None)
    own = getattr(user, "language", "") or settings.HEADWORKS.language
    return i18n.choose(header, own)
