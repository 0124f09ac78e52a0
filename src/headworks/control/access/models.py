"""Users, their roles, failed logins, and the audit trail. Instants are µs since 1970 UTC."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from headworks.base.clock import SystemClock
from headworks.base.errors import Fault
from headworks.base.ids import record_id

_clock = SystemClock()


def now() -> int:
    """Return the current instant [µs]; a named function, as migrations refer to it."""
    return _clock.now()


class UserManager(BaseUserManager["User"]):
    """Finds users by name, as Django's authentication wants it."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person who may sign in."""

    last_login = None  # logins are in the audit trail

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    username = models.CharField(max_length=64, unique=True)
    display = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=8, blank=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    created_at = models.BigIntegerField(default=now)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        app_label = "access"
        ordering = ["username"]

    def __str__(self) -> str:
        return self.username


class RoleAssignment(models.Model):
    """A role a user holds; what a role may do is in ``permissions.py``."""

    user = models.ForeignKey(User, models.CASCADE, related_name="role_assignments")
    role = models.CharField(max_length=32)

    class Meta:
        app_label = "access"
        ordering = ["role"]
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="role_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class LoginFailures(models.Model):
    """Failed logins in a row: of one username (`username` is set), or from one address. `key` is a digest of either."""

    key = models.CharField(max_length=64, primary_key=True)
    username = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.BigIntegerField()
    locked_until = models.BigIntegerField(null=True)

    class Meta:
        app_label = "access"

    def __str__(self) -> str:
        return f"{self.count} failures"


class ApiToken(models.Model):
    """A token by which a program acts as its user. Only its digest is kept; `prefix` is how people tell tokens apart."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64, unique=True)
    read_only = models.BooleanField(default=True)
    created_at = models.BigIntegerField(default=now)
    expires_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)
    revoked_at = models.BigIntegerField(null=True)

    class Meta:
        app_label = "access"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user_id}"


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Reads only: the trail grows, nothing in it changes."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise Fault("audit.append_only")

    def delete(self) -> NoReturn:
        raise Fault("audit.append_only")


class AuditEntry(models.Model):
    """Who did what to what, when, and from where. Append only."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    at = models.BigIntegerField(default=now)
    actor = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    kind = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        app_label = "access"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["actor", "-at", "-id"], name="audit_actor_newest"),
            models.Index(fields=["action", "-at", "-id"], name="audit_action_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.kind} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Fault("audit.append_only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Fault("audit.append_only")
