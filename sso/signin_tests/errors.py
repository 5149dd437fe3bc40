from orgs.base.errors import NotFound


class SignInTestUnknown(NotFound):
    code = "test_unknown"
    public = "There is no such test in this organization."
