"""Buttons of every picture."""

PLOTLY_CONFIG: dict[str, object] = {
    "responsive": True,
    "displaylogo": False,
    "showSendToCloud": False,  # Plotly 7 offers to upload every picture to its maker's server
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
"""Configuration in Plotly's words: nothing leaves the page."""
