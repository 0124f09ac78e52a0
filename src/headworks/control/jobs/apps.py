"""The Django app of jobs. It has no tables of its own: jobs are in the work queue."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "headworks.control.jobs"
    label = "jobs"
