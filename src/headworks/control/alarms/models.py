"""Alarm records.

Everything an operator reads of an alarm (titles, priority, asset, value, guidance) is captured when it is raised: a later
edit of the model or the tree does not rewrite what happened. So instances and assets are numbers and codes here, not
foreign keys. Instants are µs since 1970 UTC.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

_OPEN = Q(is_open=True)


class Alarm(models.Model):
    """One alarm: from the first raise until the process is normal and somebody has acknowledged."""

    id = models.UUIDField(primary_key=True)
    partition = models.CharField(max_length=64)
    instance = models.PositiveBigIntegerField()
    instance_code = models.CharField(max_length=200)
    condition = models.CharField(max_length=200)
    template = models.CharField(max_length=200, blank=True)
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    guidance = models.JSONField(null=True)
    priority = models.PositiveSmallIntegerField()
    asset = models.PositiveBigIntegerField(null=True)
    asset_code = models.CharField(max_length=200, blank=True)
    asset_title_zh = models.CharField(max_length=300, blank=True)
    asset_title_en = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=16)
    # Follows from the state. A column of its own, because a database uses a partial index only for the same condition.
    is_open = models.BooleanField(default=True)
    raised_at = models.BigIntegerField()
    cleared_at = models.BigIntegerField(null=True)
    acked_at = models.BigIntegerField(null=True)
    acked_by = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=32, blank=True)
    status = models.PositiveBigIntegerField(default=0)
    limit = models.FloatField(null=True)
    tags = models.JSONField(default=list)
    steps = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "alarms"
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "condition"], condition=_OPEN, name="alarm_one_open"),
        ]
        indexes = [
            models.Index(fields=["-raised_at", "-id"], name="alarm_newest"),
            models.Index(fields=["asset", "-raised_at", "-id"], name="alarm_asset_newest"),
            models.Index(fields=["priority", "-raised_at", "-id"], name="alarm_priority_newest"),
            models.Index(fields=["-raised_at", "-id"], condition=_OPEN, name="alarm_open_newest"),
            models.Index(fields=["asset", "state", "priority"], condition=_OPEN, name="alarm_open_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.instance_code} {self.condition} {self.state}"


class AlarmTransition(models.Model):
    """One step in the life of an alarm; `number` counts them. `by` and `comment` only of what people did."""

    id = models.UUIDField(primary_key=True)
    alarm = models.ForeignKey(Alarm, models.PROTECT, related_name="transitions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=16)
    at = models.BigIntegerField()
    before = models.CharField(max_length=16)
    after = models.CharField(max_length=16)
    value = models.FloatField(null=True)
    status = models.PositiveBigIntegerField(default=0)
    by = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)

    class Meta:
        app_label = "alarms"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["alarm", "number"], name="alarm_transition_number")]
        indexes = [models.Index(fields=["-at"], name="alarm_transition_newest")]

    def __str__(self) -> str:
        return f"{self.name} {self.before} -> {self.after}"


class AppliedEdge(models.Model):
    """The tick of the last edge applied to one condition of one instance: what is not newer has been done already."""

    instance = models.PositiveBigIntegerField()
    condition = models.CharField(max_length=200)
    tick = models.BigIntegerField()

    class Meta:
        app_label = "alarms"
        constraints = [models.UniqueConstraint(fields=["instance", "condition"], name="applied_edge_condition")]

    def __str__(self) -> str:
        return f"{self.instance} {self.condition} {self.tick}"


class StreamPosition(models.Model):
    """The last message of a stream whose edges are in the records; written in their transaction."""

    stream = models.CharField(max_length=160, primary_key=True)
    seq = models.PositiveBigIntegerField()

    class Meta:
        app_label = "alarms"

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"
