"""Secrets are sealed anew under the first key, one row at a time, and doctor finds those that no key opens."""

import re
from collections.abc import Iterator
from threading import Thread

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models
from django.db.models.signals import post_save

from orgs.base import sealed
from orgs.base.actor import Actor
from orgs.base.sealed import SealingKey
from orgs.events.models import OutboxEvent
from orgs.events.services import add_account_mail
from orgs.events.types import TextMail
from portal.field_keys import checks, counting, rotation
from portal.field_keys.columns import SEALED_COLUMNS
from sso.connections.models import SpKey
from sso.connections.types import SignInRules
from sso.metadata.services import create_connection
from tests.architecture.source import modules
from tests.portal.test_commands import printed, run

TOKEN = re.compile(r"gAAAA[\w-]{60,}={0,2}")
SP_KEYS, MAIL, FACTORS = SEALED_COLUMNS
NEW_KEY = Fernet.generate_key().decode()


@pytest.fixture
def secrets(acme, stranger):
    """One value of each kind that the site seals."""
    create_connection(org=acme, name="JumpCloud", rules=SignInRules(), actor=Actor.system())
    add_account_mail(mail=TextMail(to=stranger.email, subject="Your code", body="secret"))
    totp.TOTP.activate(stranger, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(stranger)
    codes = {"migrated_codes": [sealed.seal("first"), sealed.seal("second")], "seed": sealed.seal("seed")}
    Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).update(data=codes | {"used_mask": 0})


@pytest.fixture
def rotated(secrets, settings):
    """A new first key; the former one still opens."""
    settings.FIELD_KEYS = [NEW_KEY, *settings.FIELD_KEYS]


@pytest.fixture
def dropped(secrets, settings):
    """A new key in the place of the former one."""
    settings.FIELD_KEYS = [NEW_KEY]


def columns_with_sealed_text() -> Iterator[str]:
    """Look for sealed text in every text and JSON column of every table."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                values = model._default_manager.values_list(field.attname, flat=True)
                if any(TOKEN.search(str(value)) for value in values):
                    yield f"{model._meta.label}.{field.attname}"


def states() -> set[SealingKey]:
    found = [
        text for column in SEALED_COLUMNS for _, value in counting.values_of(column) for text in column.sealed_in(value)
    ]
    assert len(found) == 6
    return {sealed.key_state(text) for text in found}


def test_columns_with_sealed_text_are_all_listed(secrets):
    assert set(columns_with_sealed_text()) == {column.name for column in SEALED_COLUMNS}


def test_modules_that_seal_are_all_listed():
    sealing = {module.place for module in modules() if re.search(r"\bsealed\.seal\(|import .*\bseal\b", module.text)}
    # a module that is new here needs a column in SEALED_COLUMNS, and a value in `secrets`
    assert sealing == {
        "orgs/events/services.py",
        "portal/field_keys/rotation.py",
        "portal/site/accounts.py",
        "portal/site/checks.py",
        "sso/connections/services.py",
    }


def test_rotate_field_keys_seals_everything_under_the_first_key(rotated):
    before = {pk: sealed.unseal(value) for pk, value in counting.values_of(SP_KEYS)}
    report = run("rotate_field_keys")
    assert report["ok"]
    assert [(row["first"], row["other"], row["resealed"]) for row in report["columns"]] == [
        (1, 0, 1),
        (1, 0, 1),
        (4, 0, 2),
    ]
    assert states() == {SealingKey.FIRST}
    assert {pk: sealed.unseal(value) for pk, value in counting.values_of(SP_KEYS)} == before


def test_rotated_values_unseal_without_the_former_key(rotated, settings):
    call_command("rotate_field_keys")
    settings.FIELD_KEYS = [NEW_KEY]
    factor = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert sealed.unseal(factor.data["secret"]) == "JBSWY3DPEHPK3PXP"


def test_rotate_field_keys_twice_changes_nothing_more(rotated):
    call_command("rotate_field_keys")
    before = list(SpKey.objects.values_list("private_sealed", flat=True))
    assert [row["resealed"] for row in run("rotate_field_keys")["columns"]] == [0, 0, 0]
    assert list(SpKey.objects.values_list("private_sealed", flat=True)) == before


def test_rotate_field_keys_check_counts_values_under_other_keys_and_changes_nothing(rotated, capsys):
    with pytest.raises(CommandError, match=r"^sso\.SpKey\.private_sealed: 1 values are under other keys"):
        printed("rotate_field_keys", "--check")
    assert states() == {SealingKey.OTHER}


def test_rotate_field_keys_check_passes_when_the_first_key_unseals_everything(secrets):
    assert "4 under the first key, 0 under others" in printed("rotate_field_keys", "--check")


def test_rotate_field_keys_continues_past_values_that_no_key_unseals_and_names_their_rows(rotated):
    factor = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    Authenticator.objects.filter(pk=factor.pk).update(
        data={"secret": Fernet(Fernet.generate_key()).encrypt(b"x").decode()}
    )
    with pytest.raises(CommandError, match=rf"^mfa\.Authenticator\.data: no key opens 1 values \(rows {factor.pk}\)\."):
        call_command("rotate_field_keys")
    assert states() == {SealingKey.FIRST, SealingKey.NONE}


def test_rotate_field_keys_keeps_a_value_that_no_key_unseals_in_a_row_it_rotates(rotated):
    factor = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    broken = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    Authenticator.objects.filter(pk=factor.pk).update(data=factor.data | {"migrated_codes": [broken]})
    with pytest.raises(CommandError, match="no key opens 1 values"):
        call_command("rotate_field_keys")
    factor.refresh_from_db()
    assert factor.data["migrated_codes"] == [broken]
    assert sealed.key_state(factor.data["seed"]) is SealingKey.FIRST


def test_reseal_row_keeps_a_change_made_since_the_row_was_found(rotated):
    factor = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    Authenticator.objects.filter(pk=factor.pk).update(data=factor.data | {"used_mask": 7})
    assert rotation.reseal_row(column=FACTORS, pk=factor.pk)
    factor.refresh_from_db()
    assert factor.data["used_mask"] == 7


def test_reseal_row_does_nothing_when_the_row_is_resealed_already(rotated):
    pk = SpKey.objects.get().pk
    assert [rotation.reseal_row(column=SP_KEYS, pk=pk) for _ in range(2)] == [True, False]


def test_reseal_row_does_nothing_when_the_row_is_gone(rotated):
    assert rotation.reseal_row(column=SP_KEYS, pk=0) is False


def test_interrupted_rotation_continues_on_the_next_run(rotated):
    def stop(sender, instance, **kwargs):
        raise KeyboardInterrupt

    post_save.connect(stop, sender=Authenticator)
    try:
        with pytest.raises(KeyboardInterrupt):
            rotation.reseal_everything()
    finally:
        post_save.disconnect(stop, sender=Authenticator)
    assert states() == {SealingKey.FIRST, SealingKey.OTHER}
    rotation.reseal_everything()
    assert states() == {SealingKey.FIRST}


def test_doctor_deep_reports_values_that_no_key_unseals(dropped):
    found = checks.sealed_values()
    assert (
        found.verdict
        == "no key opens 1 of sso.SpKey.private_sealed, 1 of orgs.OutboxEvent.payload, 4 of mfa.Authenticator.data"
    )
    assert "FIELD_KEYS" in found.advice


def test_sealed_values_are_checked_by_doctor_deep_and_not_by_doctor(dropped):
    with pytest.raises(CommandError) as plain:
        call_command("doctor")
    with pytest.raises(CommandError, match="sealed: no key opens"):
        call_command("doctor", "--deep")
    assert "sealed" not in str(plain.value)


def test_doctor_deep_passes_when_a_key_unseals_every_value(rotated):
    assert checks.sealed_values().is_ok


def test_doctor_deep_reports_a_database_that_cannot_be_read(monkeypatch, db):
    def fail() -> None:
        raise DatabaseError

    monkeypatch.setattr(checks, "count_sealed", fail)
    assert checks.sealed_values().verdict == "can't be read (DatabaseError)"


def test_reseal_row_does_not_restore_the_payload_of_a_mail_sent_meanwhile(rotated):
    event = OutboxEvent.objects.get()
    OutboxEvent.objects.filter(pk=event.pk).update(payload={})
    assert rotation.reseal_row(column=MAIL, pk=event.pk) is False
    event.refresh_from_db()
    assert event.payload == {}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_reseal_row_waits_for_a_concurrent_writer_and_keeps_its_change(rotated):
    factor = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            cursor.execute(
                "UPDATE mfa_authenticator SET data = jsonb_set(data, '{used_mask}', '7') WHERE id = %s", [factor.pk]
            )
        rotation = Thread(target=reseal_in_a_thread, args=(factor.pk,))
        rotation.start()
        rotation.join(timeout=0.5)
        assert rotation.is_alive()
        writer.commit()
        rotation.join(timeout=30)
    finally:
        writer.close()
    factor.refresh_from_db()
    assert (factor.data["used_mask"], sealed.key_state(factor.data["seed"])) == (7, SealingKey.FIRST)


def reseal_in_a_thread(pk: int) -> None:
    try:
        rotation.reseal_row(column=FACTORS, pk=pk)
    finally:
        connection.close()
