"""An instance may say the rows of the tables of its template."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("modelling", "0003_guidance")]

    operations = [
        migrations.AddField(model_name="modelinstance", name="tables", field=models.JSONField(default=dict)),
    ]
