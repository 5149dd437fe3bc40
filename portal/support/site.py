from django.contrib.admin import AdminSite


class SupportAdminSite(AdminSite):
    """Support's console."""

    site_header = "Gatehouse support"
