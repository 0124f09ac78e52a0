"""Settings of Django, made from those of the installation (``headworks.base.settings``)."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from headworks.base.settings import Home
from headworks.control.project.database import databases

HOME = Home()
HEADWORKS = HOME.settings

SECRET_KEY = HOME.secret("django")
DEBUG = False

KERNEL_APPS = ("access", "twin", "modelling", "files", "alarms", "maintenance", "jobs", "sources", "live")
"""Apps of the kernel in order of who may use whom; one that is not installed is left out."""
PRESENT_APPS = tuple(a for a in KERNEL_APPS if (_s := find_spec(f"headworks.control.{a}")) and _s.origin)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    *(f"headworks.control.{a}" for a in PRESENT_APPS),
]
MIDDLEWARE = [
    "headworks.control.project.middleware.problems",
    "headworks.control.project.bundle.files",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",  # refuses hosts that are not ours
    "django.middleware.csrf.CsrfViewMiddleware",  # sends the cookie; the API checks it (guards.py)
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "headworks.control.project.urls"
ASGI_APPLICATION = "headworks.control.project.asgi.application"
TEMPLATES: list[dict[str, object]] = []

DATABASES = databases(HOME)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "access.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "display")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

_origins = tuple(o.strip().rstrip("/") for o in HEADWORKS.web_origins if o.strip())
_secure = any(o.startswith("https://") for o in _origins)
_hosts = {"localhost", "127.0.0.1", "[::1]", *(urlsplit(o).hostname or "" for o in _origins)}
if HEADWORKS.web_host in ("0.0.0.0", "::", ""):  # noqa: S104 - the setting of an operator, not a default
    _hosts.add(socket.gethostname().lower())
else:
    _hosts.add(f"[{HEADWORKS.web_host}]" if ":" in HEADWORKS.web_host else HEADWORKS.web_host)
ALLOWED_HOSTS = sorted(_hosts - {""})
CSRF_TRUSTED_ORIGINS = list(_origins)

SESSION_COOKIE_NAME = "headworks_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _secure
CSRF_COOKIE_NAME = "headworks_csrf"
CSRF_COOKIE_HTTPONLY = True  # the page gets the token from GET session
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _secure
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _secure else None
SECURE_HSTS_SECONDS = 30 * 86400 if _secure else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 << 20

USE_TZ = True
TIME_ZONE = HEADWORKS.timezone
USE_I18N = False  # texts come from the catalogues in headworks/locale
LANGUAGE_CODE = "zh-hans" if HEADWORKS.language == "zh-CN" else "en"
STATIC_URL = "/static/"
WEB_BUNDLE = Path(__file__).resolve().parents[1] / "web" / "dist"

LOGGING_CONFIG = None  # headworks.base.log configures logging of the process
SILENCED_SYSTEM_CHECKS: list[str] = []
