from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from portal.field_keys.counting import count_sealed
from portal.site.checks import HealthCheck

ADVICE = "Put the key that sealed them into FIELD_KEYS again, behind the first."


def sealed_values() -> HealthCheck:
    """Check that FIELD_KEYS open every sealed value of the site."""
    try:
        broken = [f"{count.broken} of {count.column.name}" for count in count_sealed() if count.broken]
    except (DatabaseError, ImproperlyConfigured) as error:
        return HealthCheck("sealed", f"can't be read ({type(error).__name__})", "Mend what the other checks say first.")
    return HealthCheck("sealed", f"no key opens {', '.join(broken)}", ADVICE) if broken else HealthCheck("sealed", "ok")
