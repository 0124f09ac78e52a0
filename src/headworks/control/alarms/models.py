"""Alarm records.

Everything an operator reads of an alarm (titles, priority, asset, value, guidance) is captured when it is raised: a later
edit of the model or the tree does not rewrite what happened. So instances and assets are numbers and codes here, not
foreign keys. Instants are µs since 1970 UTC.

An alarm that only follows from another one is *suppressed* (`headworks.alarming.causes`): it is a record as any other, and
`suppressed_by` says by which alarm. `is_suppressed` stays true when it ended so, and is false once it was released.
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
    # The last raise; later than `raised_at` where the condition came back before anyone acknowledged.
    active_at = models.BigIntegerField()
    cleared_at = models.BigIntegerField(null=True)
    acked_at = models.BigIntegerField(null=True)
    acked_by = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=32, blank=True)
    status = models.PositiveBigIntegerField(default=0)
    limit = models.FloatField(null=True)
    tags = models.JSONField(default=list)
    # Of each of `tags` what it was compared with: [{"tag", "limits": [{"value", "kind"}]}], in the unit of the tag.
    evidence = models.JSONField(default=list)
    is_suppressed = models.BooleanField(default=False)
    suppressed_by = models.UUIDField(null=True)
    suppressed_in = models.CharField(max_length=120, blank=True)
    suppressed_at = models.BigIntegerField(null=True)
    released_at = models.BigIntegerField(null=True)
    first_out_of = models.CharField(max_length=120, blank=True)
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
            models.Index(fields=["instance", "-raised_at", "-id"], name="alarm_instance_newest"),
            models.Index(fields=["-raised_at", "-id"], condition=_OPEN, name="alarm_open_newest"),
            models.Index(
                fields=["asset", "state", "priority", "is_suppressed"], condition=_OPEN, name="alarm_open_counts"
            ),
            models.Index(fields=["-raised_at", "-id"], condition=Q(is_suppressed=True), name="alarm_suppressed_newest"),
            models.Index(
                fields=["suppressed_by", "-raised_at", "-id"],
                condition=Q(suppressed_by__isnull=False),
                name="alarm_by_cause",
            ),
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


class AlarmGroupState(models.Model):
    """An alarm group whose trigger stands (`headworks.alarming.causes.Active`); written in the transaction of the edges.

    `digest` is of the definition it began with: a group that was edited meanwhile is ended.
    """

    partition = models.CharField(max_length=64)
    group = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    trigger_at = models.BigIntegerField()
    cause = models.UUIDField()
    cause_instance = models.PositiveBigIntegerField()
    cause_condition = models.CharField(max_length=200)
    since = models.BigIntegerField()

    class Meta:
        app_label = "alarms"
        constraints = [models.UniqueConstraint(fields=["partition", "group"], name="alarm_group_state")]

    def __str__(self) -> str:
        return f"{self.group} since {self.trigger_at}"


class StreamPosition(models.Model):
    """The last message of a stream whose edges are in the records; written in their transaction."""

    stream = models.CharField(max_length=160, primary_key=True)
    seq = models.PositiveBigIntegerField()

    class Meta:
        app_label = "alarms"

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"
