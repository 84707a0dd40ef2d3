"""Sphinx's configuration of the documentation site: `make docs`.

The repository's root is the source folder, so that one relative link works in the repository and in
the site, where files that are no pages are downloads.
"""

project = "pnn-study"
root_doc = "docs/site"
include_patterns = ["docs/**", "CONTRIBUTING.md", "benchmarks/**.md"]
exclude_patterns = ["docs/index.md"]  # part of `site.rst`

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.mermaid",
]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]

default_role = "code"
maximum_signature_line_length = 80
autodoc_member_order = "bysource"
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the class has them in its signature

html_theme = "furo"
html_title = "pnn-study"
