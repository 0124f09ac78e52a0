"""Records of models, of alarm groups, and the plans made of them."""

from __future__ import annotations

from django.db import models

from headworks.base.ids import record_id
from headworks.control.twin.models import CODE, TITLE, Asset, Partition, Plant, Retirable


class Template(Retirable):
    """A monitoring model, written once for every asset of a kind. Its graph is in its versions."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="templates")
    code = models.CharField(max_length=CODE)
    version = models.PositiveIntegerField()
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)

    class Meta:
        app_label = "modelling"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["plant", "code"], name="template_code")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class TemplateVersion(models.Model):
    """One version of a template: a ``GraphTemplate`` as JSON."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    template = models.ForeignKey(Template, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    body = models.JSONField()

    class Meta:
        app_label = "modelling"
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["template", "version"], name="template_version")]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.version}"


class ModelInstance(Retirable):
    """A template at work on one asset. `template` is None for the instance of a partition's own (system) conditions.

    `inputs` maps ports to tag ids, or to {instance, signal} of another model; `outputs` the outputs that are kept to tag ids,
    `params` names to numbers, `tables` names to rows of numbers.
    """

    id = models.PositiveBigIntegerField(primary_key=True)
    code = models.CharField(max_length=CODE, unique=True)
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="instances")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="instances")
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="instances")
    inputs = models.JSONField(default=dict)
    params = models.JSONField(default=dict)
    outputs = models.JSONField(default=dict)
    tables = models.JSONField(default=dict)

    class Meta:
        app_label = "modelling"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["partition"], condition=models.Q(template__isnull=True), name="one_system_instance"
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def read_tags(self) -> dict[str, int]:
        """Return port -> the tag it reads."""
        return {port: read for port, read in self.inputs.items() if isinstance(read, int)}

    @property
    def read_models(self) -> dict[str, tuple[int, str]]:
        """Return port -> (instance, signal) of the model it reads."""
        links = {port: read for port, read in self.inputs.items() if not isinstance(read, int)}
        return {port: (read["instance"], read["signal"]) for port, read in links.items()}


class AlarmGroup(Retirable):
    """Alarms that belong together: what triggers the group, which of them came first, what is only a consequence.

    `body` is what the plant folder says, by codes: `trigger` {instance, condition}, `first_out` (a list of such),
    `look_back_s`, `consequences` {asset}, `never` (a list of {template} or {instance}, each with or without condition).
    """

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="alarm_groups")
    code = models.CharField(max_length=CODE)
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)
    body = models.JSONField()

    class Meta:
        app_label = "modelling"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["plant", "code"], name="alarm_group_code")]

    def __str__(self) -> str:
        return self.code


class PlanRevision(models.Model):
    """A plan of a partition as the data plane gets it. Written with the records it is made of, published afterwards."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="revisions")
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    created_at = models.BigIntegerField()
    published_at = models.BigIntegerField(null=True)

    class Meta:
        app_label = "modelling"
        ordering = ["partition", "revision"]
        constraints = [models.UniqueConstraint(fields=["partition", "revision"], name="plan_revision")]
        indexes = [models.Index(fields=["partition"], condition=models.Q(published_at=None), name="plan_to_publish")]

    def __str__(self) -> str:
        return f"{self.partition_id} r{self.revision}"
