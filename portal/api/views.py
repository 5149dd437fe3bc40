from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orgs.tenancy.access import SessionGrants, shown_address


class OrganizationSerializer(serializers.Serializer[dict[str, str]]):
    slug = serializers.CharField()
    role = serializers.ChoiceField(choices=["owner", "admin", "user", "guest"])


class MeSerializer(serializers.Serializer[dict[str, object]]):
    email = serializers.EmailField()
    organizations = OrganizationSerializer(many=True)


class MeView(APIView):
    @extend_schema(summary="Who is signed in, and what this session may reach", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the person's address and the organizations that this session may reach now.

        It is the account's own address after a personal proof, else the one that the organization knows.
        """
        session_grants: SessionGrants = request._request.session_grants  # type: ignore[attr-defined]  # noqa: SLF001 - DRF keeps Django's there
        found = [{"slug": grant.org.slug, "role": grant.membership.role} for grant in session_grants.grants]
        return Response({"email": shown_address(request._request), "organizations": found})  # noqa: SLF001 - as above
