"""The Django app of work orders."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    name = "headworks.control.maintenance"
    label = "maintenance"

    def ready(self) -> None:
        from headworks.control.alarms.queries import tell_orders
        from headworks.control.maintenance.queries import of_alarms

        tell_orders(of_alarms)
