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

  const span = (name, ends) => {
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    return `${name}:${+low.toPrecision(6)}..${+high.toPrecision(6)}`;
  };

  // A box over the axes of parallel coordinates, which stand at 0, 1, 2 and so on; each tells how a
  // share of its height becomes a value (`SettingAxis.scale`), and one of names tells nothing.
  const spansOverAxes = ({ x, y }, scales) => scales.flatMap((scale, place) => {
    if (!scale || place < Math.min(...x) || place > Math.max(...x)) return [];
    const value = (share) => {
      if (scale.zero !== null && share < scale.zero) return 0;
      const at = scale.low + share * (scale.high - scale.low);
      return scale.log ? 10 ** at : at;
    };
    return [span(scale.name, y.map(value))];
  });

  const brush = (query, { value, axes, zero, scales }) => {
    const spans = scales && value.range ? spansOverAxes(value.range, scales) : ["x", "y"].flatMap((side, place) => {
      let ends = value.range?.[side];
      if (!axes[place] || !ends?.every((end) => typeof end === "number")) return [];
      // Zero stands apart from a logarithmic scale, at a place that is no value of its own.
      if (zero && side === "x") ends = ends.map((end) => (end < Number(zero) ? 0 : end));
      return [span(axes[place], ends)];
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
      const scales = plot.layout.meta?.scales;
      const move = { kind: "picture", event: "selected", value, axes: axes.split(" "), zero, scales };
      if (value) go([move]);
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
  // Layout of a picture on a phone, where it has one: a box in space would be cut off.
  const NARROW = 600; // pixels
  const fitted = new WeakSet();
  const fitNarrow = () => document.querySelectorAll(".js-plotly-plot").forEach((plot) => {
    const narrow = plot.layout?.meta?.narrow;
    if (!narrow || fitted.has(plot.layout) || plot.clientWidth >= NARROW) return;
    fitted.add(plot.layout);
    window.Plotly.relayout(plot, narrow);
  });

  new MutationObserver((changes) => {
    fitNarrow();
    // Dash's choices hide an element from readers of screens that the tabulator key still reaches.
    document.querySelectorAll(".dash-dropdown-focus-target[tabindex='0']")
      .forEach((one) => one.setAttribute("tabindex", "-1"));
    if (changes.some(({ target }) => target.closest?.("#pictures, #below, #state"))) {
      document.documentElement.classList.remove("coming");
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // Rows of a table that hold a text, while it is typed.
  document.addEventListener("input", ({ target }) => {
    if (!target.id?.startsWith('{"quick"')) return;
    const table = JSON.parse(target.id).quick;
    window.dash_ag_grid.getApi({ table })?.setGridOption("quickFilterText", target.value);
  });

  // The browser has drawn the picture: its own image comes at once, with title and caption. The
  // server, which would start a browser of its own, is asked where a picture is not on the page.
  const WIDTH = 1000, LETTERS = 130; // pixels, and letters of a caption that fit them
  const wrapped = (text) => text.split(/\s+/).reduce((lines, word) => {
    const last = lines[lines.length - 1];
    if (!last || last.length + word.length >= LETTERS) return [...lines, word];
    return [...lines.slice(0, -1), `${last} ${word}`];
  }, []);
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const words = (elements) => [...elements].map((one) => one.textContent).join(" ");

  const withWords = (plot, figure) => {
    const caption = `${words(document.querySelectorAll(".common"))} ${words(figure.querySelectorAll("figcaption p"))}`;
    const lines = wrapped(caption.trim());
    const height = (plot.layout.height || plot.clientHeight) + 16 * lines.length;
    const title = {
      text: escaped(figure.querySelector("h2").textContent), yref: "container", y: 0.98, yanchor: "top",
      subtitle: { text: lines.map(escaped).join("<br>") },
    };
    const margin = { ...plot.layout.margin, t: 90 + 16 * lines.length };
    return { ...plot.layout, title, margin, height, width: WIDTH, autosize: false, selections: [] };
  };

  const saveImage = async (link, plot, format) => {
    const layout = withWords(plot, link.closest("figure"));
    const { width, height } = layout;
    const drawn = { data: plot.data, layout, config: { plotlyServerURL: "" } };
    const image = document.createElement("a");
    image.href = await window.Plotly.toImage(drawn, { format, width, height, scale: 2 });
    image.download = link.download;
    image.click();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[download]");
    const [, format] = link?.download.match(/\.(png|svg)$/) || [];
    const plot = format && link.closest("figure")?.querySelector(".js-plotly-plot");
    if (!plot || !window.Plotly?.toImage) return;
    event.preventDefault();
    saveImage(link, plot, format);
  });

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
