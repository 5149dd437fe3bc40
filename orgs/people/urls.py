from django.urls import path

from orgs.people import views

app_name = "people"
urlpatterns = [
    path("orgs/<slug:org_slug>/settings/members/", views.members, name="members"),
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
    path("invitations/<str:secret>/accept/", views.accept, name="accept"),
]
