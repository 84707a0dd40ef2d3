"""The live page: Dash components around the pictures.

- `studies`: studies kept up to date in the background
- `address`: state of the page, as the query of its URL
- `page`, `page_layout`: parts of every page
- `content`: content of a view
- `all_studies`: start page
- `selectors`: choices of a reader
- `trial_panel`: one trial
- `drawing`: all of it together, where the browser does not show it already
- `access`, `well_formed`: names under which it answers, and requests that it accepts
- `server`: callbacks and downloads
- `assets/moves.js`: way from a choice, a click or a brush to an address
- `blocks`, `aria`: pieces that stand in many places
"""
