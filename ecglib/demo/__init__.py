"""The classifier demo of notebook 5, which is also the web app.

What it knows (``session``, with ``state``, ``recording``, ``reading``, ``uploads``, ``results``)
has no widgets; what it looks like (``view``, with ``own``, ``about``, ``traces``, ``strip``,
``controls``, ``html``, ``files``) knows no classifier; ``page`` joins the two, with ``jobs`` and
``guard`` between them, as `ecglib.demo.page.ClassifierDemo`.
"""
