"""The demo's controls, all of one kind: with a label, and as wide as what is in them."""

import ipywidgets as widgets

from ecglib.apps.demo.widgets.html import span_html


def dropdown(name: str, options: list[tuple[str, object]]) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=options, description=name, style={"description_width": "initial"},
        layout=widgets.Layout(width="auto", max_width="100%", margin="2px 12px 2px 2px"),
    )  # fmt: skip


def checkbox(text: str) -> widgets.Checkbox:
    layout = widgets.Layout(width="auto", margin="2px 12px 2px 2px")
    return widgets.Checkbox(description=text, indent=False, layout=layout)


def button(text: str, tooltip: str) -> widgets.Button:
    layout = widgets.Layout(width="auto")
    return widgets.Button(description=text, tooltip=tooltip, layout=layout)


def row(*children: widgets.Widget) -> widgets.Box:
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", width="100%")
    return widgets.Box(children, layout=layout)


def text(text: str) -> widgets.HTML:
    return widgets.HTML(span_html(text))
