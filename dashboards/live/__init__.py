"""The live page: Dash components around the pictures.

- `studies`: studies kept up to date in the background
- `address`: what the page shows, as the query of its URL
- `page`: what stands on every page
- `content`: what a view shows of its studies
- `controls`: what a reader may choose
- `trial_panel`: one trial
- `drawing`: all of it together, where the browser does not show it already
- `server`: callbacks and downloads
- `assets/moves.js`: where a choice, a click or a brush leads
- `blocks`, `aria`: pieces that stand in many places
"""
