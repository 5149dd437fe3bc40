"""Password sign-ins and their limits with a Redis that is gone or says nothing, after `migrate` alone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SIGN_INS = """
import json, logging, time
import django
django.setup()
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
from django.core.management import call_command
from django.test import Client
from orgs.tenancy.services import create_account
logging.disable(logging.CRITICAL)
call_command("migrate", verbosity=0)
create_account(email="olga@acme.example", password="a-long-password", verified=True)
found = []
for password in ("wrong",) * 5 + ("a-long-password",):
    began = time.monotonic()
    form = {"login": "olga@acme.example", "password": password}
    response = Client().post("/accounts/login/", form, REMOTE_ADDR="192.0.2.1", headers={"host": "localhost"})
    found.append((response.status_code, b"Too many failed" in response.content, time.monotonic() - began))
form = {"login": "olga@acme.example", "password": "a-long-password"}
response = Client().post("/accounts/login/", form, REMOTE_ADDR="192.0.2.2", headers={"host": "localhost"})
found.append((response.status_code, False, 0))
print(json.dumps(found))
"""


@pytest.fixture(params=["stopped", "frozen"])
def redis_url(request):
    """A Redis that refuses connections, or one that takes them and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "frozen":
            listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_password_sign_in_and_its_limit_work_without_redis(redis_url, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SIGN_INS],
        env={
            **os.environ,
            "REDIS_URL": redis_url,
            "DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3",
            "GATEHOUSE_VAR_DIR": str(tmp_path / "var"),
            "DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings",
        },
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *tries, elsewhere = json.loads(done.stdout)
    assert [status for status, _, _ in tries] == [200] * 6
    assert [is_limited for _, is_limited, _ in tries] == [False] * 5 + [True]
    # a broker that hangs would add its time-outs, seconds each
    assert max(seconds for _, _, seconds in tries[1:]) < 10
    assert elsewhere[0] == 302
