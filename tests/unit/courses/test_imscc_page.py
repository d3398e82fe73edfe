from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.courses.imscc_links import address
from adapters.courses.imscc_page import read_page


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>Hi <b>there</b></h2><p>A<br>b</p>", "## Hi **there**\n\nA  \nb"),
        ("<p>Some <strong>bold </strong>text, <i> </i>snake_case</p>", "Some **bold** text, snake_case"),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", "- a\n  - b\n- c"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<table><tr><th>A<th>B</tr><tr><td>1<td>2|3</tr></table>", "| A | B |\n| --- | --- |\n| 1 | 2\\|3 |"),
        ("<table><tr><td><h2>Layout</h2><p>x</p></td></tr></table>", "## Layout\n\nx"),
        ("<pre>a<br>  b</pre>", "```\na\n  b\n```"),
        ("<pre><code>a\n  b</code></pre>", "```\na\n  b\n```"),
        ("<blockquote><p>q</p><p>r</p></blockquote>", "> q\n>\n> r"),
        (r"<p>Let \(a_1 \times b\) be.</p><p>$$x \\ y$$</p>", "Let $a_1 \\times b$ be.\n\n$$x \\\\ y$$"),
        ('<p><img class="equation_image" data-equation-content="x^2" alt="LaTeX: x^2"></p>', "$x^2$"),
        (
            '<p><img src="a.png" alt="A dog [sic] runs"> <img src="b.png" alt="b.png"></p>',
            "*(Picture: A dog [sic] runs)*",
        ),
        (
            '<p><a href="$WIKI_REFERENCE$/pages/x">in</a> <a href="https://e.org/a b">out</a></p>',
            "in [out](https://e.org/a%20b)",
        ),
        ('<p><a href="javascript:alert(1)">bad</a> <a href="#top">up</a></p>', "bad up"),
        (
            '<iframe src="https://e.org/film" title="A film"></iframe><script>bad()</script>',
            "[A film](https://e.org/film)",
        ),
        ('<p>Seen</p><p style="display: none">hidden</p><p hidden>too</p>', "Seen"),
        ("<p>&nbsp;</p><div><span></span></div>", ""),
    ],
)
def test_what_html_becomes(html: str, markdown: str) -> None:
    assert read_page(html, address).body == markdown


def test_a_page_says_its_title_and_what_its_head_says() -> None:
    page = read_page(
        b'<html><head><meta charset="utf-8"><title> The\n Moon </title><meta name="workflow_state" content="active">'
        b'</head><body><a href="x.pdf">x</a><img src="y.png"></body></html>',
        address,
    )
    assert (page.title, page.meta["workflow_state"], page.links, page.pictures) == (
        "The Moon",
        "active",
        ("x.pdf", "y.png"),
        1,
    )


_WORDS = st.text(alphabet="ab1.)*_`[]()#>-+|~<&\\= \n", max_size=40)


@given(_WORDS)
def test_text_stays_text_whatever_marks_it_has(words: str) -> None:
    """Markdown that is made of a page's plain text reads as that text, and as nothing else."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    body = read_page(f"<p>{escaped}</p>", address).body
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(body)
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "text_special", "softbreak", "hardbreak"}
    assert "".join(child.content for child in inline).split() == words.split()
