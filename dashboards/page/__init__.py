"""The exported page: every view of a study as one HTML file that needs no network.

- `study_page`: what stands on it
- `document`: the file around that, with style and script
- `page.css`, `page.js`: what makes it legible, draws pictures when they come into sight, and sorts
"""
