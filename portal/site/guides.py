"""The identity providers' guides as pages, from the same Markdown as docs/providers."""

import re
from functools import cache

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from sso.admission import errors as admission
from sso.guides import guide
from sso.guides.troubleshooting import refusals_in
from sso.signin import errors as signin

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
TO_ANOTHER = re.compile(r"\]\(([\w-]+)\.md(#[\w-]+)?\)")
BREAKS = {"softbreak": escape(" "), "hardbreak": format_html("<{}>", "br")}
START = "README"


@cache
def pages() -> dict[str, tuple[str, SafeString]]:
    """Return the title and the content of each page by its name; they change with the program only."""
    refusals = [*guide.REFUSALS, *refusals_in(admission), *refusals_in(signin)]
    return {file.removesuffix(".md"): _page(text) for file, text in guide.pages(refusals).items()}


def _page(text: str) -> tuple[str, SafeString]:
    """Return the title of a file and the rest as HTML, in which a link to another file leads to its page."""
    title, _, content = text.removeprefix("# ").partition("\n")
    linked = TO_ANOTHER.sub(lambda found: f"](../{found[1]}/{found[2] or ''})", content)
    return title, _html(SyntaxTreeNode(MARKDOWN.parse(linked)))


def _html(node: SyntaxTreeNode) -> SafeString:
    """Return a node of Markdown as HTML; every text in it is escaped."""
    if node.type == "text":
        return escape(node.content)
    if node.type in BREAKS:
        return BREAKS[node.type]
    if node.type == "code_inline":
        return format_html("<code>{}</code>", node.content)
    inner = format_html_join("", "{}", ((_html(child),) for child in node.children))
    if node.type in {"root", "inline"}:
        return inner
    if node.type == "link":
        return format_html('<a href="{}">{}</a>', node.attrs["href"], inner)
    if node.type == "heading":
        return format_html('<{} id="{}">{}</{}>', node.tag, slugify(node.children[0].content), inner, node.tag)
    return format_html("<{}>{}</{}>", node.tag, inner, node.tag)
