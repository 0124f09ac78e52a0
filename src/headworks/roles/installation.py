"""What the commands do to an installation: initialise it, let its devices in."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from headworks.base.settings import Home

SECRETS = ("django", "bus", "history", "seal")


@dataclass(frozen=True)
class Made:
    """What `initialise` made: the one-time password of the first administrator, or None if there were users already."""

    home: Path
    username: str
    password: str | None


def initialise(home: Home) -> Made:
    """Make secrets, bring the database up to date and make the first administrator. Done twice, it changes nothing."""
    for name in SECRETS:
        home.make_secret(name)
    migrate(home)
    from headworks.control.access.services import FIRST_ADMINISTRATOR, create_first_administrator

    return Made(home.path, FIRST_ADMINISTRATOR, create_first_administrator())


def migrate(home: Home) -> None:
    """Bring the database of the installation up to date."""
    os.environ["HEADWORKS_HOME"] = str(home.path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headworks.control.project.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def demo_login(home: Home) -> tuple[str, str]:
    """Return name and password of the demo's administrator, made at the first start and kept with the secrets.

    The password is random and this installation's own; the demo prints it at every start, as nobody is there to hand
    out a one-time password.
    """
    from headworks.control.access.models import User
    from headworks.control.access.permissions import ADMINISTRATOR
    from headworks.control.access.services import create_user

    name, file = "demo", home.folder("secrets") / "demo-login"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(12))
    password = file.read_text().strip()
    if not User.objects.filter(username=name).exists():
        create_user(name, password, (ADMINISTRATOR,), display="演示 Demo", actor="demo", must_change_password=False)
    return name, password


def device_token(home: Home, code: str) -> str:
    """Return the access token this installation keeps for a device it runs itself (a simulator, a replay).

    A token is issued and kept (0600) the first time; the device record holds only its digest.
    """
    folder = home.folder("secrets") / "devices"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / code
    if file.exists():
        return file.read_text().strip()
    from headworks.control.twin.services import issue_device_token

    token = issue_device_token(code)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
        f.write(token)
    return token
