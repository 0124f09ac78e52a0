"""Records of work orders. Instants are µs since 1970 UTC; people are kept by name, as in the audit trail."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from headworks.base.ids import record_id
from headworks.control.alarms.models import Alarm
from headworks.control.twin.models import Asset

PERSON = 64


class WorkOrder(models.Model):
    """Work to be done on an asset, because of an alarm or because somebody saw a defect.

    `cause`, `action`, `outcome` and `note` are the result; `outcome` is "" until the work is finished. `evidence` refers to
    what the alarm was based on: {"tags": [ids], "at": instant}.
    """

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    number = models.CharField(max_length=20, unique=True)
    state = models.CharField(max_length=12)
    # Follows from the state, as the condition of a constraint has to be a column.
    under_way = models.BooleanField(default=True)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField()
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="work_orders", db_index=False)
    alarm = models.ForeignKey(Alarm, models.PROTECT, null=True, related_name="work_orders")
    evidence = models.JSONField(default=dict)
    assignee = models.CharField(max_length=PERSON, blank=True)
    created_by = models.CharField(max_length=PERSON)
    created_at = models.BigIntegerField()
    due_at = models.BigIntegerField()
    started_at = models.BigIntegerField(null=True)
    finished_at = models.BigIntegerField(null=True)
    closed_at = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    cause = models.TextField(blank=True)
    action = models.TextField(blank=True)
    note = models.TextField(blank=True)
    steps_taken = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "maintenance"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["alarm"], condition=Q(under_way=True, alarm__isnull=False), name="order_one_of_alarm"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="order_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="order_state_newest"),
            models.Index(fields=["asset", "-created_at", "-id"], name="order_asset_newest"),
            models.Index(fields=["assignee", "-created_at", "-id"], name="order_assignee_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.state}"


class WorkOrderStep(models.Model):
    """What somebody did with a work order; `number` counts them. `detail` holds what the step set, such as a result."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    order = models.ForeignKey(WorkOrder, models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    at = models.BigIntegerField()
    by = models.CharField(max_length=PERSON)
    name = models.CharField(max_length=12)
    comment = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        app_label = "maintenance"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="order_step_number")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.number} {self.name}"
