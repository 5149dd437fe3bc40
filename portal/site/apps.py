from django.contrib.admin.apps import AdminConfig


class GatehouseAdminConfig(AdminConfig):
    """Django's admin with support's own site as its default."""

    default_site = "portal.support.site.SupportAdminSite"
