"""Models."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from headworks.control.access.authority import authorize
from headworks.control.modelling import queries

router = Router()


class TitleOut(Schema):
    zh: str
    en: str


class InstanceOut(Schema):
    id: int
    code: str
    template: str
    title: TitleOut
    asset: int
    conditions: list[str]
    active: int


class InstancesOut(Schema):
    items: list[InstanceOut]


@router.get("models", response=InstancesOut)
def models(request: HttpRequest) -> Any:
    """Return the models that watch the plant, one row an instance."""
    authorize(request.user, "models.view")
    return {"items": queries.instance_rows()}
