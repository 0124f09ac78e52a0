"""The Django app of models and plans."""

from django.apps import AppConfig


class ModellingConfig(AppConfig):
    name = "headworks.control.modelling"
    label = "modelling"

    def ready(self) -> None:
        from headworks.control.modelling import services

        services.listen()
