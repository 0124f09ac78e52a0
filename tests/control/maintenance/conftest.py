"""A small plant with an alarm, people, and their clients of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest


@pytest.fixture
def raise_alarm(plant_folder: Any, db: None) -> Callable[..., UUID]:
    """Return a function that applies an edge of condition ``hot`` of a model and returns the alarm."""
    from headworks.bus.messages import Edge
    from headworks.control.alarms import services
    from headworks.control.modelling.models import ModelInstance

    plant_folder.apply()

    def apply(tick: int = 1_000_000, name: Any = "raise", code: str = "P1.HOT") -> UUID:
        edge = Edge(ModelInstance.objects.get(code=code).id, "hot", tick, name, 91.0, 0)
        return services.apply_edges("u1", [edge], None, tenant="main", stream="OUT_main_u1").changed[0]

    return apply


@pytest.fixture
def alarm(raise_alarm: Callable[..., UUID]) -> UUID:
    """Return an active alarm of pump P1, priority 2."""
    return raise_alarm()


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    from headworks.control.access.services import create_user

    def make(name: str = "wang", *roles: str) -> Any:
        return create_user(name, "correct-horse-battery", roles or ("engineer",), must_change_password=False)

    return make


class Caller:
    """The API as one person uses it."""

    def __init__(self, user: Any) -> None:
        from django.test import Client

        self.client = Client(headers={"accept-language": "en"})
        self.client.force_login(user)

    def get(self, path: str, status: int = 200) -> Any:
        return self._body(self.client.get(f"/api/v1/{path}"), status)

    def post(self, path: str, body: dict[str, Any] | None = None, status: int = 200) -> Any:
        return self._body(self.client.post(f"/api/v1/{path}", body or {}, "application/json"), status)

    def _body(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.content
        if status >= 400:
            assert answer["Content-Type"] == "application/problem+json"
        return answer.json()


@pytest.fixture
def as_(person: Callable[..., Any]) -> Callable[..., Caller]:
    """Return a function that signs a new person in: ``as_("li", "operator")``."""
    return lambda name="wang", *roles: Caller(person(name, *roles))
