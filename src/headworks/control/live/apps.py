"""The Django app of live data. It has no records of its own."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "headworks.control.live"
    label = "live"
