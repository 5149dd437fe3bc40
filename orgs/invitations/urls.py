from django.urls import path

from orgs.invitations import views

app_name = "invitations"
urlpatterns = [path("invitations/<str:secret>/new-account/", views.use_for_new_account, name="new_account")]
