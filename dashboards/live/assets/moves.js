"use strict";
// What a reader chooses, clicks or brushes, and the address that it leads to. Here and not on the
// server: an answer that comes late, or is overtaken by a page drawn anew, would lose a click.
(() => {
  // One thing that changed: {kind, name, event, value, axes, zero}, value null where there is none.
  const asMove = ({ prop_id, value }) => {
    const end = prop_id.lastIndexOf(".");
    const { axes = "", zero = "", ...target } = JSON.parse(prop_id.slice(0, end));
    const [[kind, name]] = Object.entries(target);
    return { kind, name, event: prop_id.slice(end + 1), value, axes: axes.split(" "), zero };
  };

  const setStudies = (query, names) => {
    const wanted = [...new Set(names)];
    const before = query.getAll("study");
    if (wanted.length === before.length && wanted.every((name, i) => name === before[i])) return;
    query.delete("study");
    wanted.forEach((name) => query.append("study", name));
  };

  const choose = (query, { name, value }) => {
    const [first, ...beside] = query.getAll("study");
    if (name === "beside") {
      if (first) setStudies(query, [first, ...(value || [])]);
    } else if (value && value !== first) {
      if (first) {
        // Another study has other trials, and perhaps other settings.
        [...query.keys()].filter((key) => key !== "view").forEach((key) => query.delete(key));
      }
      if (query.get("view") === "studies") query.delete("view");
      setStudies(query, [value, ...beside]);
    }
  };

  const open = (query, { value }) => {
    const carried = value.points?.[0]?.customdata;
    const number = Array.isArray(carried) ? carried[0] : carried;
    if (Number.isInteger(number)) query.set("trial", number);
  };

  // A row of a table that was selected, by a click or by the space bar.
  const openRow = (query, { value }) => {
    const number = value[0]?.trial;
    if (Number.isInteger(number)) query.set("trial", number);
  };

  const brush = (query, { value, axes, zero }) => {
    const spans = ["x", "y"].flatMap((side, place) => {
      let ends = value.range?.[side];
      if (!axes[place] || !ends?.every((end) => typeof end === "number")) return [];
      // Zero stands apart from a logarithmic scale, at a place that is no value of its own.
      if (zero && side === "x") ends = ends.map((end) => (end < Number(zero) ? 0 : end));
      const [low, high] = [Math.min(...ends), Math.max(...ends)];
      return [`${axes[place]}:${+low.toPrecision(6)}..${+high.toPrecision(6)}`];
    });
    if (spans.length) query.set("within", spans.join(","));
  };

  const next = (search, moves) => {
    const query = new URLSearchParams(search);
    for (const move of moves) {
      if (move.kind === "control") {
        if (move.value) query.set(move.name, move.value);
        else query.delete(move.name);
      } else if (move.kind === "choice") choose(query, move);
      else if (!move.value) continue; // it has just been drawn
      else if (move.kind === "table") openRow(query, move);
      else if (move.kind === "action" && move.name === "clear") {
        ["within", "where"].forEach((name) => query.delete(name));
      } else if (move.kind === "action") query.delete("trial");
      else if (move.event === "clickData") open(query, move);
      else brush(query, move);
    }
    return `?${query}`;
  };

  // Plotly fades the points outside a brush by itself; so it takes back, too.
  const showAll = () =>
    document.querySelectorAll("#pictures .js-plotly-plot").forEach((plot) => {
      window.Plotly.update(plot, { selectedpoints: null }, { selections: [] });
    });

  // The address that moves lead to, and the brush that the picture then shows by itself, which the
  // server need not draw: each null where it stays.
  const lead = (search, moves) => {
    const found = next(search, moves);
    if (found === `?${new URLSearchParams(search)}`) return [null, null];
    const before = new URLSearchParams(search).get("within") || "";
    const within = new URLSearchParams(found).get("within") || "";
    if (before !== within && !within) showAll();
    return [found, before === within ? null : within];
  };

  const follow = (...values) => {
    const { triggered } = window.dash_clientside.callback_context;
    const led = lead(values[values.length - 1] || "", triggered.map(asMove));
    return led.map((value) => value ?? window.dash_clientside.no_update);
  };

  const go = (moves) => {
    const [search, within] = lead(window.location.search, moves);
    if (within !== null) window.dash_clientside.set_props("brushed", { data: within });
    if (search !== null) window.dash_clientside.set_props("url", { search });
  };

  // Dash would copy every point within a brush, and then, as it does whenever a layout moves, draw
  // the whole picture again: for ten thousand points that takes seconds. Plotly has drawn it already,
  // and all that is asked for is where the box lies.
  document.addEventListener("pointerdown", ({ target }) => {
    const plot = target.closest?.(".js-plotly-plot");
    if (!plot?.removeAllListeners) return;
    ["relayout", "selected", "deselect"].forEach((event) => plot.removeAllListeners(`plotly_${event}`));
    // A double click.
    plot.on("plotly_deselect", () => go([{ kind: "action", name: "clear", value: 1 }]));
    plot.on("plotly_selected", (value) => {
      const { axes, zero } = JSON.parse(plot.closest(".dash-graph").id);
      if (value) go([{ kind: "picture", event: "selected", value, axes: axes.split(" "), zero }]);
    });
  }, true);

  // The page answers a click on a view at once, although its pictures take a moment.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("nav a");
    if (!link || link.classList.contains("current")) return;
    document.querySelectorAll("nav a").forEach((one) => one.classList.remove("current", "coming"));
    link.classList.add("current", "coming");
    document.documentElement.classList.add("coming");
  });
  new MutationObserver((changes) => {
    // Dash's choices hide an element from readers of screens that the tabulator key still reaches.
    document.querySelectorAll(".dash-dropdown-focus-target[tabindex='0']")
      .forEach((one) => one.setAttribute("tabindex", "-1"));
    if (changes.some(({ target }) => target.closest?.("#pictures, #below, #state"))) {
      document.documentElement.classList.remove("coming");
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // A picture that was not drawn anew links to files with an older brush.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[download]");
    if (!link) return;
    const query = new URLSearchParams(link.search);
    const within = new URLSearchParams(window.location.search).get("within");
    if (within) query.set("within", within);
    else query.delete("within");
    link.search = query;
  }, true);

  window.dash_clientside = { ...window.dash_clientside, moves: { next, follow } };
})();
