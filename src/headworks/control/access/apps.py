"""The Django app of users and permissions."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "headworks.control.access"
    label = "access"
