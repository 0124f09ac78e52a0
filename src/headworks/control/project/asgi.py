"""Django as an ASGI application; the web role joins it with the live WebSocket."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application
from django.db import connections

from headworks.control.project.database import limit_waiting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headworks.control.project.settings")

application = get_asgi_application()
limit_waiting(connections.settings["default"])
