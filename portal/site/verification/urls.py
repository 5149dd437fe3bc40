"""Pages that stand before allauth's own of the same names."""

from django.urls import path, re_path

from portal.site.verification import views

urlpatterns = [
    path("email/", views.AddressesView.as_view(), name="account_email"),
    path("add-address/", views.AddAddressView.as_view(), name="account_add_address"),
    path("confirm-email/", views.CodeView.as_view(), name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", views.old_confirmation_link, name="account_confirm_email"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.ResetPasswordView.as_view(),
        name="account_reset_password_from_key",
    ),
]
