"""The Django app of sources. It has no tables of its own."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "headworks.control.sources"
    label = "sources"
