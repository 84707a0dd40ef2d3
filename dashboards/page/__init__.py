"""The exported page: every view of a study as one HTML file that needs no network.

- `study_page`: content of the page
- `document`: the file around that, with style and script
- `page.css`, `page.js`: style; drawing of pictures when they come into sight, and sorting
"""
