from django import forms


class GroupSearchForm(forms.Form):
    """The search above a list of groups, or of one group's members."""

    q = forms.CharField(required=False, max_length=200, label="Search")

    def text(self) -> str:
        """Return the words to look for; what can't be read shows everything."""
        self.is_valid()
        found: str = self.cleaned_data.get("q", "")
        return found
