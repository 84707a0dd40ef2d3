"use strict";
// What a reader chooses, clicks or brushes, and the address that it leads to. Here and not on the
// server: an answer that comes late, or is overtaken by a page drawn anew, would lose a click.
(() => {
  // One thing that changed: {kind, name, event, value, axes}, value null where there is none.
  const asMove = ({ prop_id, value }) => {
    const end = prop_id.lastIndexOf(".");
    const { axes = "", ...target } = JSON.parse(prop_id.slice(0, end));
    const [[kind, name]] = Object.entries(target);
    return { kind, name, event: prop_id.slice(end + 1), value, axes: axes.split(" ") };
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
      setStudies(query, [value, ...beside]);
    }
  };

  const open = (query, { value }) => {
    const carried = value.points?.[0]?.customdata;
    const number = Array.isArray(carried) ? carried[0] : carried;
    if (Number.isInteger(number)) query.set("trial", number);
  };

  const brush = (query, { value, axes }) => {
    const spans = ["x", "y"].flatMap((side, place) => {
      const ends = value.range?.[side];
      if (!axes[place] || !ends?.every((end) => typeof end === "number")) return [];
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
      else if (move.kind === "action") query.delete(move.name === "clear" ? "within" : "trial");
      else if (move.event === "clickData") open(query, move);
      else brush(query, move);
    }
    return `?${query}`;
  };

  const follow = (...values) => {
    const search = values[values.length - 1] || "";
    const { triggered } = window.dash_clientside.callback_context;
    const found = next(search, triggered.map(asMove));
    const unchanged = found === `?${new URLSearchParams(search)}`;
    return unchanged ? window.dash_clientside.no_update : found;
  };

  window.dash_clientside = { ...window.dash_clientside, moves: { next, follow } };
})();
