"""`make lint`: everything that is checked without running the tests. `--all` adds what needs Node."""

import base64
import os
import sys
from collections.abc import Mapping

from tools import machine
from tools.parts import Part, run_together, say, summary

PYTHON = (sys.executable, "-m")
MANAGE = (sys.executable, "manage.py")
APPS = ("orgs", "sso", "scim")
# the values are made up; what is checked is that settings with everything set have nothing to complain about
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.production",
    "DATABASE_URL": "postgres://gatehouse@127.0.0.1:5432/gatehouse",
    "PUBLIC_BASE_URL": "https://gatehouse.example",
    "SECRET_KEY": base64.b64encode(bytes(range(60))).decode(),
    "FIELD_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "EMAIL_URL": "smtp://127.0.0.1:25",
}


def main() -> int:
    """Run every gate, also after a failure. Returns 1 when one has failed."""
    environment = machine.clean_environment(os.environ)
    parts = quick(environment)
    if "--all" in sys.argv[1:]:
        # first, since it takes long
        parts.insert(0, styles(environment))
    results = run_together(parts)
    say(f"\n{summary(results)}")
    failed = [result.name for result in results if not result.passed]
    say(f"FAILED: {', '.join(failed)}" if failed else "Every gate has passed.")
    return 1 if failed else 0


def quick(environment: Mapping[str, str]) -> list[Part]:
    """Return the gates that need Python alone."""
    templates = sorted(str(path.relative_to(machine.ROOT)) for path in (machine.ROOT / "templates").rglob("*.html"))
    tests = {**environment, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    scripts = os.path.dirname(sys.executable)  # noqa: PTH120 - a resolved path would leave the environment
    return [
        Part("ruff check", [*PYTHON, "ruff", "check", "."], 10, environment),
        Part("ruff format", [*PYTHON, "ruff", "format", "--check", "."], 10, environment),
        Part("mypy", [*PYTHON, "mypy"], 120, environment),
        Part("lint-imports", [f"{scripts}/lint-imports", "--no-cache"], 30, environment),
        Part("djade", [f"{scripts}/djade", "--target-version", "5.2", "--check", *templates], 10, environment),
        Part("migrations complete", [*MANAGE, "makemigrations", "--check", "--dry-run"], 20, tests),
        migration_lint(environment),
        Part("check --deploy", [*MANAGE, "check", "--deploy"], 20, {**environment, **PRODUCTION}),
        Part("lock files", [*PYTHON, "tools.locks"], 5, environment),
    ]


def migration_lint(environment: Mapping[str, str]) -> Part:
    """Return the linter's run, over PostgreSQL's statements where there is one: SQLite's hide which locks are taken."""
    own = {**environment, "DJANGO_SETTINGS_MODULE": "tools.lint_settings"}
    if not machine.postgres_problem():
        own["DATABASE_URL"] = machine.POSTGRES_URL
    command = [*MANAGE, "lintmigrations", "--no-cache", "--quiet", "ignore", "ok", "--include-apps", *APPS]
    return Part("migrations safe", command, 20, own)


def styles(environment: Mapping[str, str]) -> Part:
    """Return the build of the committed style sheet and icons, which must give what is committed."""
    script = "npm ci --no-audit --no-fund && npm run css && git diff --exit-code --stat -- static"
    return Part("styles as built", ["bash", "-c", script], 120, environment)


if __name__ == "__main__":
    sys.exit(main())
