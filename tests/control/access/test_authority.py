"""Who may do what is one table, and one function asks it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from headworks.base.errors import Fault, Forbidden, Unauthenticated
from headworks.control.access import authority
from headworks.control.access.models import User
from headworks.control.access.permissions import ROLES
from headworks.control.access.services import create_user

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PWR-06")]


def user(*roles: str) -> User:
    return create_user("-".join(("u", *roles)), "correct-horse-battery", roles)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("alarms.acknowledge", {"administrator", "engineer", "operator"}),
        ("plant.edit", {"administrator", "engineer"}),
        ("users.edit", {"administrator"}),
        ("plant.view", set(ROLES)),
    ],
)
def test_a_permission_belongs_to_roles(permission: str, roles: set[str]) -> None:
    for role in ROLES:
        somebody = user(role)
        assert authority.allowed(somebody, permission) is (role in roles)
        if role not in roles:
            with pytest.raises(Forbidden) as e:
                authority.authorize(somebody, permission)
            assert e.value.params == {"permission": permission}


def test_nobody_may_do_anything_without_signing_in_or_once_switched_off() -> None:
    with pytest.raises(Unauthenticated):
        authority.authorize(AnonymousUser(), "plant.view")
    somebody = user("administrator")
    somebody.is_active = False
    with pytest.raises(Forbidden):
        authority.authorize(somebody, "plant.view")
    assert authority.permissions_of(user()) == ()


def test_a_permission_that_no_table_names_is_a_bug() -> None:
    with pytest.raises(Fault):
        authority.authorize(user("administrator"), "moon.fly")
