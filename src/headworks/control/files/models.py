"""Records of files. The bytes are in the home folder under their digest; instants are µs since 1970 UTC."""

from __future__ import annotations

from django.db import models

from headworks.base.ids import record_id
from headworks.control.access.models import now
from headworks.control.twin.models import Asset


class AssetFile(models.Model):
    """A file of an asset. Equal bytes are kept once, however many records name them."""

    id = models.UUIDField(primary_key=True, default=record_id, editable=False)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="files")
    title = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    by = models.CharField(max_length=64)
    at = models.BigIntegerField(default=now)

    class Meta:
        app_label = "files"
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return self.name
