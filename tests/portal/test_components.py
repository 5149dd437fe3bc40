"""The components' promises: what each shows for what it is given."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import RequestContext, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django_cotton.compiler_regex import CottonCompiler

from orgs.providers import registry

TEMPLATES = Path(settings.BASE_DIR) / "templates"
STATIC = Path(settings.BASE_DIR) / "static" / "app"
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "cotton").glob("[!_]*.html"))
SOURCES = sorted((*TEMPLATES.rglob("*.html"), *STATIC.glob("*.js")))
ICON_NAMED_IN_TEMPLATE = re.compile(r'(?:c-icon name|icon)="([a-z0-9-]+)"')


class ConnectForm(forms.Form):
    name = forms.CharField(help_text="As members see it.")
    url = forms.URLField(required=False, assume_scheme="https")
    way = forms.ChoiceField(choices=[("url", "By address"), ("file", "By file")], widget=forms.RadioSelect)
    saved = forms.BooleanField(label="I saved the token")
    next = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> None:
        raise forms.ValidationError("The two name different providers.")


def drawn(markup: str, path: str = "/", **context: Any) -> str:
    """Render markup that uses components, as a page would."""
    template = Template(CottonCompiler().process(markup))
    return str(template.render(RequestContext(RequestFactory().get(path), context)))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_renders_without_attributes(name):
    assert "<c-" not in drawn(f"<c-{name} />")


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_template_declares_its_variables_and_has_a_description(name):
    source = (TEMPLATES / "cotton" / f"{name}.html").read_text()
    assert "<c-vars" in source
    assert re.search(r"\{# .+\. #\}", source)


def test_icon_points_into_the_sprite_and_is_hidden_from_readers():
    html = drawn('<c-icon name="copy" />')
    assert 'icons.svg#copy"' in html
    assert 'aria-hidden="true"' in html


def test_icons_named_in_templates_are_in_the_sprite():
    sprite = (STATIC / "icons.svg").read_text()
    named = {name for path in TEMPLATES.rglob("*.html") for name in ICON_NAMED_IN_TEMPLATE.findall(path.read_text())}
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


@pytest.mark.parametrize("tone", ["neutral", "ok", "warn", "bad", "info"])
def test_pill_shows_its_text_and_tone(tone):
    html = drawn(f'<c-pill tone="{tone}">Waiting</c-pill>')
    assert f"pill-{tone}" in html
    assert text_of(html) == "Waiting"


def test_copyfield_shows_the_whole_value_as_text():
    value = "ghs_" + "x" * 300
    html = drawn('<c-copyfield label="Token Key" value="{{ value }}" id="token" />', value=value)
    assert f'id="token" translate="no">{value}</code>' in html


def test_copyfield_button_names_the_element_to_copy_and_has_a_label():
    html = drawn('<c-copyfield label="Base URL" value="u" id="base" />')
    assert 'data-copy="base"' in html
    assert 'aria-label="Copy Base URL"' in html


def test_copyfield_escapes_its_value():
    html = drawn('<c-copyfield :value="value" id="x" />', value="<script>")
    assert "&lt;script&gt;" in html


def test_panel_is_named_by_its_heading():
    html = drawn('<c-panel title="Tokens" id="tokens">body</c-panel>')
    assert 'aria-labelledby="h-tokens"' in html
    assert '<h2 id="h-tokens">Tokens</h2>' in html


def test_panel_shows_its_actions_beside_the_title():
    html = drawn('<c-panel title="T" id="t"><c-slot name="actions"><a href="/new">New</a></c-slot>body</c-panel>')
    assert text_of(html) == "T New body"


def test_field_ties_hint_and_error_to_the_control():
    html = drawn('<c-field :field="form.name" />', form=ConnectForm({"name": ""}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html


def test_field_keeps_what_was_typed():
    assert 'value="ftp:x"' in drawn('<c-field :field="form.url" />', form=ConnectForm({"url": "ftp:x"}))


def test_field_marks_optional_fields():
    assert "(optional)" in drawn('<c-field :field="form.url" />', form=ConnectForm())
    assert "(optional)" not in drawn('<c-field :field="form.name" />', form=ConnectForm())


def test_field_shows_a_label_given_by_the_page():
    html = drawn('<c-field :field="form.name" label="Connection name" />', form=ConnectForm())
    assert text_of(html).startswith("Connection name")


def test_field_groups_radio_buttons_under_a_legend():
    html = drawn('<c-field :field="form.way" />', form=ConnectForm())
    assert re.search(r"<fieldset.*<legend[^>]*>Way</legend>.*By address.*</fieldset>", html, re.DOTALL)


def test_field_puts_a_checkbox_into_its_label():
    html = drawn('<c-field :field="form.saved" />', form=ConnectForm())
    assert re.search(
        r'<label[^>]*for="id_saved"><input type="checkbox"[^>]*><span>I saved the token</span></label>', html
    )


def test_fields_shows_hidden_inputs_and_form_errors():
    html = drawn('<c-fields :form="form" />', form=ConnectForm({"name": "x", "way": "url", "saved": "on"}))
    assert 'type="hidden" name="next"' in html
    assert re.search(r'role="alert".*The two name different providers\.', html, re.DOTALL)


def test_button_is_a_link_when_it_has_an_address():
    assert drawn('<c-button href="/audit/">Audit log</c-button>').strip().startswith('<a href="/audit/"')


def test_button_passes_other_attributes_on():
    html = drawn('<c-button name="action_add" data-open="dlg">Add</c-button>')
    assert 'name="action_add"' in html
    assert 'data-open="dlg"' in html
    assert 'type="submit"' in html


def test_empty_shows_title_text_and_action():
    markup = (
        '<c-empty title="No groups" text="None pushed."><c-slot name="action"><a href="/">Add</a></c-slot></c-empty>'
    )
    assert text_of(drawn(markup)) == "No groups None pushed. Add"


def test_dialog_is_named_and_can_be_closed():
    html = drawn('<c-dialog id="del" title="Delete it?">Sure?</c-dialog>')
    assert '<dialog id="del" class="modal" aria-labelledby="del_title">' in html
    assert 'aria-label="Close"' in html


def test_stat_shows_label_state_and_note():
    html = drawn('<c-stat label="Domains" note="a.example"><c-pill tone="ok">Verified</c-pill></c-stat>')
    assert text_of(html) == "Domains Verified a.example"


def test_pager_keeps_the_filters_in_its_links():
    page = Paginator(range(240), 50).get_page(2)
    html = drawn('<c-pager :page="page" />', path="/log/?status=409&page=2", page=page)
    assert 'href="?status=409&amp;page=1"' in html
    assert 'href="?status=409&amp;page=3"' in html
    assert "51–100 of 240" in html


def test_pager_of_one_page_shows_the_count_without_links():
    html = drawn('<c-pager :page="page" />', page=Paginator(range(3), 50).get_page(1))
    assert "1–3 of 3" in html
    assert "<a" not in html


def test_searchform_labels_its_input_and_keeps_the_words():
    html = drawn('<c-searchform name="q" :value="q" label="Search members" />', q='a"b')
    assert '<label class="mb-1 block text-sm font-medium" for="search_q">Search members</label>' in html
    assert 'value="a&quot;b"' in html


def test_tab_marks_the_current_tab():
    html = drawn('<c-tabs><c-tab href="?a" :current="True" count="0">A</c-tab><c-tab href="?b">B</c-tab></c-tabs>')
    assert re.findall(r'href="(\?\w)"( aria-current="true")?', html) == [("?a", ' aria-current="true"'), ("?b", "")]
    assert text_of(html) == "A 0 B"


def test_box_has_a_role_only_when_given():
    assert 'role="alert"' in drawn('<c-box tone="bad" role="alert">No</c-box>')
    assert "role=" not in drawn('<c-box tone="bad">No</c-box>')


def test_stepper_marks_done_current_and_todo_without_color():
    steps = [
        SimpleNamespace(label=name, state=state) for name, state in [("A", "done"), ("B", "current"), ("C", "todo")]
    ]
    html = drawn('<c-stepper :steps="steps" />', steps=steps)
    assert html.count('aria-current="step"') == 1
    assert text_of(html) == "A (done) 2 B 3 C"


def test_timeago_has_the_exact_time_in_datetime_and_title():
    html = drawn('<c-timeago :when="when" />', when=timezone.now() - timedelta(minutes=2))
    assert re.search(r'<time datetime="[\dT:.-]+\+00:00" title="[^"]+ UTC" data-local>2\sminutes ago</time>', html)


def test_timeago_without_a_time_shows_the_given_word():
    assert text_of(drawn('<c-timeago :when="when" never="Not used" />', when=None)) == "Not used"


@pytest.mark.parametrize(
    ("provider", "shown"), [("okta", "#mark-okta"), ("jumpcloud", ">JC<"), ("custom", "#plug-connected")]
)
def test_mark_shows_the_logo_the_monogram_or_a_plug_icon(provider, shown):
    one = registry.provider(provider)
    html = drawn('<c-mark provider="{{ one.code }}" monogram="{{ one.monogram }}" icon="{{ one.icon }}" />', one=one)
    assert shown in html


def test_confirm_names_the_word_to_type_and_the_button_to_enable():
    html = drawn('<c-confirm word="northwind" target="go" />')
    assert 'data-confirm="northwind" data-target="go"' in html


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_templates_and_scripts_have_nothing_that_the_content_policy_forbids(source):
    found = re.findall(r"\sstyle=|\son[a-z]+=\"|javascript:|\beval\(|new Function", source.read_text())
    assert found == []


@pytest.mark.parametrize("source", [path for path in SOURCES if path.suffix == ".html"], ids=lambda path: path.name)
def test_scripts_in_templates_are_files_or_json_data(source):
    for tag in re.findall(r"<script[^>]*>", source.read_text()):
        assert "src=" in tag or 'type="application/json"' in tag


@pytest.mark.parametrize(("name", "title"), [("403", "Not allowed"), ("404", "Not found"), ("500", "Something broke")])
def test_error_page_needs_no_request_and_shows_the_code(name, title):
    html = render_to_string(f"{name}.html", {"request_id": "0f3a9c"})
    assert f"<title>{title} · Gatehouse</title>" in html
    assert 'id="request-id" translate="no">0f3a9c</code>' in html


def test_browser_title_names_page_and_organization():
    html = render_to_string("404.html", {"org": SimpleNamespace(name="Acme", slug="acme", initials="AC")})
    assert "<title>Not found · Acme · Gatehouse</title>" in html


def test_settings_layout_marks_the_open_page():
    entry = SimpleNamespace(label="Members", icon="users", url="/m/", is_current=True)
    html = render_to_string("layouts/settings.html", {"settings_nav": [entry]})
    assert re.search(r'<a href="/m/" class="nav-link" aria-current="page">', html)


def test_package_lock_names_no_url():
    assert "http" not in (Path(settings.BASE_DIR) / "package-lock.json").read_text()


@pytest.mark.parametrize(
    ("is_signed", "tone"), [(True, "pill-bad"), (False, "pill-warn")], ids=["by the IdP", "by anybody"]
)
def test_outcome_of_a_refused_sign_in_is_red_only_when_the_idp_signed_the_response(is_signed: bool, tone: str) -> None:
    attempt = SimpleNamespace(
        is_failure=True, is_signed=is_signed, outcome="refused", get_outcome_display=lambda: "Refused"
    )
    assert tone in drawn('<c-sso.outcome :attempt="attempt" />', attempt=attempt)


@pytest.mark.parametrize(
    ("status", "tone"), [(200, "pill-ok"), (401, "pill-warn"), (429, "pill-warn"), (409, "pill-bad"), (500, "pill-bad")]
)
def test_status_of_a_scim_answer_is_red_only_when_a_live_token_caused_it(status: int, tone: str) -> None:
    assert tone in drawn('<c-scim.status :row="row" />', row=SimpleNamespace(status=status))
