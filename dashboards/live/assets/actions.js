"use strict";
// What a reader asks of a study, or notes of it. The token comes with the address that the server
// printed, behind its #, which no browser sends; it stays in this browser alone.
(() => {
  const KEPT = "pnn-token";
  const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (given) {
    window.localStorage.setItem(KEPT, given);
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }
  const token = () => window.localStorage.getItem(KEPT) || "";
  document.documentElement.classList.toggle("may-act", Boolean(token()));

  // What is typed and not sent yet stays, although a form is drawn anew, as when the study pauses.
  const drafts = new Map();
  const draftOf = (field) => {
    const { study, trial } = field.closest(".act").dataset;
    return [study, trial, field.dataset.field].join("\n");
  };
  document.addEventListener("input", ({ target }) => {
    if (target.dataset?.field) drafts.set(draftOf(target), target.value);
  });

  const say = (form, said) => { form.querySelector(".said").textContent = said; };

  const answerOf = async (response) => {
    const text = await response.text();
    if (response.headers.get("Content-Type")?.includes("json")) return JSON.parse(text);
    // An error is a page of its own, whose last paragraph is the sentence.
    const page = new DOMParser().parseFromString(text, "text/html");
    return { said: page.querySelector("p")?.textContent || `Not done: ${response.status}` };
  };

  const fieldOf = (form, name) => form.querySelector(`[data-field=${name}]`);

  const fieldsOf = (form) => Object.fromEntries(
    [...form.querySelectorAll("[data-field]")].map((field) => [field.dataset.field, field.value]),
  );

  const asTags = (text) => Object.fromEntries(
    text.split("\n").filter((line) => line.trim()).map((line) => {
      const [name, ...value] = line.split("=");
      return [name.trim(), value.join("=").trim()];
    }),
  );

  const act = async (button) => {
    const form = button.closest(".act");
    const { act: action, confirm } = button.dataset;
    if (confirm && !window.confirm(`${button.textContent}? ${confirm}`)) return;
    const { point, note, tags } = fieldsOf(form);
    const { study, trial } = form.dataset;
    const asked = { action, study };
    if (action === "annotate") Object.assign(asked, { trial, note, tags: asTags(tags) });
    if (action === "enqueue") asked.point = point;
    if (action === "stop-trial") asked.trial = trial;
    button.disabled = true;
    try {
      const response = await fetch("act", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Study-Token": token() },
        body: JSON.stringify(asked),
      });
      const { said } = await answerOf(response);
      say(form, said);
      const sent = { annotate: ["note", "tags"], enqueue: ["point"] }[action] || [];
      if (response.ok) sent.forEach((name) => drafts.delete(draftOf(fieldOf(form, name))));
      if (response.ok && action === "enqueue") fieldOf(form, "point").value = "";
    } catch {
      say(form, "Not done: the server does not answer.");
    } finally {
      button.disabled = false;
    }
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-act]");
    if (button) act(button);
  });

  // A form that appears is filled by what MLflow has, which others may have changed meanwhile.
  const fill = async (form) => {
    const { study, trial } = form.dataset;
    form.dataset.filled = `${study} ${trial}`;
    form.querySelectorAll("[data-field]").forEach((field) => {
      field.value = drafts.get(draftOf(field)) ?? "";
    });
    const response = await fetch(`annotation?${new URLSearchParams({ study, trial: trial || "" })}`);
    if (!response.ok) return;
    const { note, tags } = await response.json();
    const lines = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
    Object.entries({ note, tags: lines.join("\n") }).forEach(([name, text]) => {
      const field = fieldOf(form, name);
      if (!drafts.has(draftOf(field))) field.value = text;
    });
  };
  new MutationObserver(() => {
    document.querySelectorAll(".act").forEach((form) => {
      const { study, trial, filled } = form.dataset;
      if (filled !== `${study} ${trial}`) fill(form);
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
