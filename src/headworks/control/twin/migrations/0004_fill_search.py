from typing import Any

from django.db import migrations

from headworks.control.twin.search import search_words


def fill(apps: Any, _: Any) -> None:
    """Give what is there already the words it is found by."""
    for name in ("Tag", "Asset"):
        model = apps.get_model("twin", name)
        waiting = []
        for record in model.objects.only("id", "code", "title_zh", "title_en", "search").iterator(chunk_size=2000):
            record.search = search_words(record.code, record.title_zh, record.title_en)
            waiting.append(record)
        model.objects.bulk_update(waiting, ["search"], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("twin", "0003_imports_and_search")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
