from orgs.base.errors import Conflict, NotFound


class GroupUnknown(NotFound):
    code = "group_unknown"
    public = "There is no such group in this organization."


class GroupNameTaken(Conflict):
    code = "group_name_taken"
    public = "Another group of this organization already has that name."
