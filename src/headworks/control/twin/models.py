"""Records of the plant.

Asset and tag ids are u32 numbers, dense, never reused (:class:`Counter`); everything has a code that is unique in the
installation (types: in their plant). What is no longer in its plant folder is *retired*, not deleted: its history keeps
a name, and it comes back under the same id. Durations and instants are µs.
"""

from __future__ import annotations

from django.db import models

from headworks.base.ids import record_id

CODE = 120
TITLE = 200
KEY = 400
UNIT = 32


class Counter(models.Model):
    """The last number given out of one kind."""

    name = models.CharField(max_length=32, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "twin"

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class Retirable(models.Model):
    """Something that can go out of use; `retired_at` is None while it is in use."""

    retired_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def retired(self) -> bool:
        return self.retired_at is not None


class Plant(models.Model):
    """What one plant folder describes."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    code = models.CharField(max_length=64, unique=True)
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)
    timezone = models.CharField(max_length=64, default="Asia/Shanghai")

    class Meta:
        app_label = "twin"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class AssetType(Retirable):
    """A kind of asset."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="types")
    code = models.CharField(max_length=CODE)
    version = models.PositiveIntegerField(default=1)
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)

    class Meta:
        app_label = "twin"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["plant", "code"], name="asset_type_code")]

    def __str__(self) -> str:
        return self.code


class Partition(Retirable):
    """A part of the plant with one ordered log and one clock. Its code is part of bus subjects."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="partitions")
    code = models.CharField(max_length=64, unique=True)
    asset = models.ForeignKey("Asset", models.PROTECT, related_name="own_partitions")
    tick = models.BigIntegerField(default=1_000_000)
    lateness = models.BigIntegerField(default=2_000_000)
    staleness = models.BigIntegerField(default=30_000_000)
    clock = models.CharField(max_length=8, default="wall")

    class Meta:
        app_label = "twin"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Asset(Retirable):
    """A node of the asset tree. `path` is the codes from the root down, each followed by ``/``, so a subtree is a prefix.

    `kks` is its identification code (``2LAC10AP001``), "" if it has none: a tag whose code begins with it belongs to it.
    """

    id = models.PositiveBigIntegerField(primary_key=True)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="assets")
    code = models.CharField(max_length=CODE, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=2000, db_index=True)
    order = models.PositiveIntegerField(default=0)
    type = models.ForeignKey(AssetType, models.PROTECT, related_name="assets")
    partition = models.ForeignKey(Partition, models.SET_NULL, null=True, related_name="assets")
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)
    kks = models.CharField(max_length=32, blank=True, db_index=True)
    # As that of a tag.
    search = models.TextField(blank=True)

    class Meta:
        app_label = "twin"
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.code


class Tag(Retirable):
    """A measured or calculated quantity of an asset. `low` and `high` are its physical range in `unit`."""

    id = models.PositiveBigIntegerField(primary_key=True)
    code = models.CharField(max_length=CODE, unique=True)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="tags")
    title_zh = models.CharField(max_length=TITLE)
    title_en = models.CharField(max_length=TITLE)
    unit = models.CharField(max_length=UNIT, blank=True)
    kind = models.CharField(max_length=12, default="measured")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    # Lower-case words people look for: code, both titles, pinyin and its initials of the Chinese one.
    search = models.TextField(blank=True)

    class Meta:
        app_label = "twin"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Device(Retirable):
    """Something that samples come from.

    `protocol` ``mqtt``: it connects to us. Only the digest of its token is kept; "" means it may not connect.
    `protocol` ``opcua``: we connect to it, as `connection` says (``headworks.bus.plan.OpcUaSource``); it has no token.
    """

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    code = models.CharField(max_length=CODE, unique=True)
    kind = models.CharField(max_length=12, default="device")
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="devices")
    protocol = models.CharField(max_length=12, default="mqtt")
    connection = models.JSONField(null=True)
    token_sha256 = models.CharField(max_length=64, blank=True)
    max_messages_per_s = models.FloatField(default=200.0)
    drives_clock = models.BooleanField(default=False)

    class Meta:
        app_label = "twin"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Point(models.Model):
    """Where a tag comes from at a device: key (and child of a gateway), and the unit it is sent in."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    device = models.ForeignKey(Device, models.CASCADE, related_name="points")
    child = models.CharField(max_length=CODE, blank=True)
    key = models.CharField(max_length=KEY)
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="points")
    unit = models.CharField(max_length=UNIT, blank=True)

    class Meta:
        app_label = "twin"
        ordering = ["child", "key"]
        constraints = [models.UniqueConstraint(fields=["device", "child", "key"], name="point_key")]

    def __str__(self) -> str:
        return f"{self.child}/{self.key}" if self.child else self.key


class ImportRun(models.Model):
    """A table of tags or models that was checked, kept for a day so that what is applied is exactly what was shown.

    `table` are the rows of the file and `outcome` what was found, both compressed JSON (``imports.table.Table``,
    ``imports.outcome.Outcome``); they are dropped when the run has expired. `digest` is of the records that were checked
    against.
    """

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    kind = models.CharField(max_length=12)
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="imports")
    file_name = models.CharField(max_length=TITLE)
    encoding = models.CharField(max_length=16)
    sheet = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField()
    creates = models.PositiveIntegerField()
    changes = models.PositiveIntegerField()
    unchanged = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    table = models.BinaryField()
    outcome = models.BinaryField()
    created_at = models.BigIntegerField(db_index=True)
    created_by = models.CharField(max_length=64)
    applied_at = models.BigIntegerField(null=True)
    applied_by = models.CharField(max_length=64, blank=True)

    class Meta:
        app_label = "twin"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.file_name}"
