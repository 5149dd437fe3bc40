"""The test settings with the migration linter, which no other environment needs."""

from portal.settings.test import *  # noqa: F403
from portal.settings.test import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "django_migration_linter"]
