import uuid

import django.db.models.deletion
from django.db import migrations, models

import orgs.base.timed_ids
from orgs.base.partitions import CreatePartitioned
from orgs.base.tenant_keys import TenantForeignKey


def key(to, on_delete=django.db.models.deletion.CASCADE, **options):
    return models.ForeignKey(on_delete=on_delete, **{"related_name": "+"} | options, to=to)


class Migration(migrations.Migration):
    dependencies = [("scim", "0005_directories_of_groups_and_suspensions")]

    operations = [
        CreatePartitioned(
            name="RequestLog",
            fields=[
                ("id", models.BigIntegerField(default=orgs.base.timed_ids.timed_id, editable=False, primary_key=True, serialize=False)),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("at", models.DateTimeField()),
                ("subject_hash", models.BigIntegerField(blank=True, null=True)),
                ("resource_id", models.UUIDField(blank=True, null=True)),
                ("duration_ms", models.PositiveIntegerField(default=0)),
                ("answer_bytes", models.PositiveIntegerField(default=0)),
                ("total_results", models.PositiveIntegerField(blank=True, null=True)),
                ("returned", models.PositiveIntegerField(blank=True, null=True)),
                ("status", models.PositiveSmallIntegerField()),
                ("is_connection_test", models.BooleanField(default=False)),
                ("method", models.CharField(max_length=10)),
                ("path", models.CharField(max_length=300)),
                ("query", models.CharField(blank=True, max_length=1200)),
                ("error_type", models.CharField(blank=True, max_length=20)),
                ("detail", models.CharField(blank=True, max_length=400)),
                ("remarks", models.CharField(blank=True, max_length=400)),
                ("dialect", models.CharField(blank=True, max_length=20)),
                ("step", models.CharField(blank=True, max_length=60)),
                ("subject", models.CharField(blank=True, max_length=256)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("ip", models.GenericIPAddressField(blank=True, null=True)),
                ("bodies", models.BinaryField(blank=True, editable=False, null=True)),
                ("org", key("orgs.organization", django.db.models.deletion.DO_NOTHING, db_index=False)),
                ("directory", key("scim.directory", related_name="requests", db_index=False)),
                ("token", key("scim.scimtoken", django.db.models.deletion.SET_NULL, blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["org", "id"], name="request_log_of_org"),
                    models.Index(fields=["directory", "id"], name="request_log_of_directory"),
                    models.Index(
                        condition=models.Q(("subject_hash__isnull", False)),
                        fields=["org", "subject_hash", "id"],
                        name="request_log_by_subject",
                    ),
                    models.Index(
                        condition=models.Q(("resource_id__isnull", False)),
                        fields=["org", "resource_id"],
                        name="request_log_by_resource",
                    ),
                    models.Index(fields=["public_id"], name="request_log_by_public_id"),
                    models.Index(
                        condition=models.Q(("status__gte", 400)), fields=["org", "id"], name="request_log_failures"
                    ),
                    models.Index(
                        condition=models.Q(("status__gte", 400)),
                        fields=["org", "status", "id"],
                        name="request_log_by_status",
                    ),
                    models.Index(
                        condition=models.Q(("method", "GET"), _negated=True),
                        fields=["org", "id", "method"],
                        name="request_log_changes",
                    ),
                ],
            },
        ),
        TenantForeignKey("RequestLog", "directory"),
        TenantForeignKey("RequestLog", "token"),
        migrations.CreateModel(
            name="RequestSubject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hash", models.BigIntegerField()),
                ("key", models.CharField(max_length=512)),
                ("seen_at", models.DateTimeField()),
                ("org", key("orgs.organization", db_index=False)),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="request_subject_by_time")],
                "constraints": [models.UniqueConstraint(fields=("org", "hash"), name="request_subject_once")],
            },
        ),
        migrations.CreateModel(
            name="RefusedCalls",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("minute", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField()),
                ("cause", models.CharField(max_length=200)),
                ("count", models.PositiveBigIntegerField(default=1)),
                ("at", models.DateTimeField()),
                ("method", models.CharField(max_length=10)),
                ("path", models.CharField(max_length=300)),
                ("ip", models.GenericIPAddressField(blank=True, null=True)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("request_id", models.UUIDField(blank=True, null=True)),
                ("org", key("orgs.organization")),
                ("directory", key("scim.directory", related_name="refused_calls")),
                ("token", key("scim.scimtoken", blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "refused calls",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["minute"], name="refused_calls_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("directory", "minute", "status", "cause"), name="refused_calls_once_a_minute"
                    )
                ],
            },
        ),
        TenantForeignKey("RefusedCalls", "directory"),
        TenantForeignKey("RefusedCalls", "token"),
    ]
