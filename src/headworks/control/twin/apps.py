"""The Django app of assets, tags and devices."""

from django.apps import AppConfig


class TwinConfig(AppConfig):
    name = "headworks.control.twin"
    label = "twin"
