"use strict";
// The console sends its state after each change (server-sent events), read with fetch: an EventSource cannot send the
// token. A part of the page is drawn again only when its data changed.

const at = (id) => document.getElementById(id);
const token = takeToken();
const people = new Map(); // submission id -> the e-mail address that was typed in this page
const opened = new Map(); // submission id -> its whole history, while its row is open
const drawn = {}, listeners = [];
let lists = 0, filter = {}, few = 20, shown = few, listed = -1, rows = [], complete = false;

// The token stands after the # of the address, which a browser never sends; a reload finds it in this tab's storage.
function takeToken() {
  const given = location.hash.slice(1);
  if (given.length > 20) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return document.querySelector("meta[name=token]").content || sessionStorage.getItem("token") || "";
}

function element(tag, properties = {}, ...children) {
  const { data = {}, aria = {}, ...plain } = properties;
  const made = Object.assign(document.createElement(tag), plain);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function draw(id, data, children) {
  const now = JSON.stringify(data);
  if (drawn[id] === now) return;
  drawn[id] = now;
  const place = at(id), key = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const unfolded = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  place.replaceChildren(...children());
  for (const one of place.querySelectorAll("details")) one.open = unfolded.has(one.dataset.key);
  if (key) (place.querySelector(`[data-key="${CSS.escape(key)}"]`) || place.querySelector("button") || place).focus();
}

const none = (text, tag = "p") => element(tag, { className: "none", textContent: text });
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const count = (id, number) => { at(id).textContent = number ? `${number}` : ""; };

function when(seconds) {
  const time = new Date(seconds * 1000);
  return time.toDateString() === new Date().toDateString() ? time.toLocaleTimeString() : time.toLocaleString();
}

function duration(seconds) {
  for (const [size, unit] of [[86400, "days"], [3600, "h"], [60, "min"]])
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  return `${Math.max(0, Math.round(seconds))} s`;
}

function button(text, key, action, label = text) {
  const made = element("button", { type: "button", className: "small", textContent: text, data: { key }, aria: { label } });
  made.addEventListener("click", () => action(made));
  return made;
}

function table(titles, lines) {
  const head = element("tr", {}, ...titles.map((title) => element("th", { textContent: title, scope: "col" })));
  const body = lines.map((cells) => element("tr", {}, ...cells.map((cell) =>
    (cell instanceof Node ? element("td", {}, cell) : element("td", { textContent: cell })))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

async function post(path, body, pressed) {
  if (pressed) pressed.disabled = true;
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "X-Token": token, "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) at("line").textContent = said.error;
    return answer.ok ? said : { error: said.error };
  } catch {
    at("line").textContent = "the console does not answer";
    return { error: "the console does not answer" };
  } finally {
    if (pressed) pressed.disabled = false;
  }
}

// Now

function tiles(state) {
  const oldest = state.oldest || {}, budget = state.budget || {}, ms = state.clemta_ms || {};
  const waits = (name, number) => (number && oldest[name] != null ? `oldest ${duration(oldest[name])}` : "");
  return [
    ["Waiting for a retry", state.counts.retry, waits("retry", state.counts.retry), ""],
    ["Dead letters", state.counts.dead, waits("dead letters", state.counts.dead), state.counts.dead ? "bad" : ""],
    ["Held as spam", state.counts.held, waits("held", state.counts.held), ""],
    ["Calls left this minute", budget.left ?? "–", budget.of ? `of ${budget.of}` : "", budget.left === 0 ? "wait" : ""],
    ["Clemta answers in", ms.p50 == null ? "–" : `${Math.round(ms.p50)} ms`, ms.p95 == null ? "no call today" : `p95 ${Math.round(ms.p95)} ms`, ""],
  ].map(([name, value, note, style]) => element("div", {},
    element("dt", { textContent: name }), element("dd", { className: style, textContent: value }),
    element("dd", { className: "soft", textContent: note })));
}

function chart(svg) {
  const image = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return [document.importNode(image, true)];
}

// Dead letters and held ones

const WORDS = { dead: ["Replay", "replay"], held: ["Release", "release"] };

async function settle(store, deed, choice, pressed, question) {
  let reason = "";
  if (deed === "discard") {
    reason = window.prompt(`${question} The reason goes into the log:`, "in the console");
    if (reason === null) return;
  } else if (question && !window.confirm(question)) return;
  at("review-answer").textContent = "working …";
  const said = await post("/settle", { store, deed, reason, ...choice }, pressed);
  const ends = Object.entries(said.ends || {}).map(([end, number]) => `${number} ${end}`).join(", ");
  at("review-answer").textContent = said.error || `${ends || "nothing"}${said.kept?.length ? `: ${said.kept.join("; ")}` : ""}`;
}

function review(store, groups, unread) {
  const [word] = WORDS[store];
  const made = groups.map((group) => {
    const ids = group.items.map((one) => one.id), many = ids.length > 1;
    const cause = `${group.code}${group.status ? ` (${group.status})` : ""}`;
    const items = group.items.map((one) => element("li", {},
      element("span", { className: "grow" }, element("b", { textContent: people.get(one.id) || one.who || one.id.slice(0, 8) }),
        ` ${when(one.at)}${one.attempts ? `, attempt ${one.attempts}` : ""}`),
      button("History", `history ${one.id}`, () => reveal(one.id), `History of ${one.id.slice(0, 8)}`),
      button(word, `${word} ${one.id}`, (pressed) => settle(store, "deliver", { ids: [one.id] }, pressed), `${word} ${one.id.slice(0, 8)}`),
      button("Discard", `Discard ${one.id}`, (pressed) => settle(store, "discard", { ids: [one.id] }, pressed,
        "Delete this submission permanently?"), `Discard ${one.id.slice(0, 8)}`)));
    const all = many ? [
      button(`${word} all ${ids.length}`, `${word} ${cause}`, (pressed) => settle(store, "deliver", { ids }, pressed), `${word} all ${ids.length} with ${cause}`),
      button(`Discard all ${ids.length}`, `Discard ${cause}`, (pressed) => settle(store, "discard", { ids }, pressed,
        `Delete these ${ids.length} submissions permanently?`), `Discard all ${ids.length} with ${cause}`)] : [];
    const list = element("ul", { className: "letters" }, ...items);
    return element("article", {},
      element("div", { className: "who" }, element("b", { textContent: cause }),
        element("span", { textContent: `${group.source}, ${group.class}` })),
      element("p", { className: "advice", textContent: `${group.meaning}: ${group.advice.replaceAll("`", "")}` }),
      element("p", { className: "buttons" }, ...all),
      many && ids.length > 3
        ? element("details", { data: { key: `${store} ${group.source} ${cause}` } }, element("summary", { textContent: `${ids.length} submissions` }), list) : list);
  });
  if (unread) made.push(none(`${unread} more could not be read: another command is working on them.`));
  if (!groups.length) return [...made, none(store === "dead" ? "Nothing needs you." : "Nothing is held.")];
  const since = element("input", { type: "datetime-local", data: { key: `since ${store}` } });
  const act = (deed, question) => (pressed) => {
    if (!since.value) { at("review-answer").textContent = "Choose a time first."; since.focus(); return; }
    settle(store, deed, { since: new Date(since.value).getTime() / 1000 }, pressed, question);
  };
  made.push(element("div", { className: "since" }, element("label", {}, "All since ", since),
    button(word, `${word} since ${store}`, act("deliver", `${word} all that came here since then?`), `${word} all since that time`),
    button("Discard", `Discard since ${store}`, act("discard", "Delete all that came here since then permanently?"), "Discard all since that time")));
  return made;
}

// Sign-ups

const label = (step) => (step.note ? `${step.name}: ${step.note}` : step.name);
const stepList = (steps) => element("ol", { className: "steps" }, ...steps.map((step) =>
  element("li", { className: step.state, textContent: label(step) })));

function historyOf(one) {
  const open = opened.get(one.id), toggle = element("button", {
    type: "button", className: "row", data: { key: `row ${one.id}` }, aria: { expanded: String(Boolean(open)) } },
  element("b", { textContent: people.get(one.id) || one.source }),
  element("span", { textContent: `${people.has(one.id) ? `${one.source}, ` : ""}${when(one.at)}` }));
  toggle.addEventListener("click", () => (opened.has(one.id) ? close(one.id) : reveal(one.id)));
  return element("li", {}, toggle, stepList(one.steps), open ? whole(open) : null);
}

function whole(one) {
  const parts = [];
  const facts = [["submission", one.id]];
  if (one.contact_id) facts.push(["contact in Clemta", one.contact_id]);
  if (one.where) facts.push(["waits in", one.where === "dead" ? "the dead-letter queue" : "the held queue"]);
  parts.push(element("dl", { className: "facts" }, ...facts.flatMap(([name, value]) =>
    [element("dt", { textContent: name }), element("dd", {}, element("code", { textContent: value }))])));
  if (one.attempts.length) parts.push(region("Attempts", table(["Time", "Outcome", "Cause", "Clemta answered", "Took"],
    one.attempts.map((line) => [when(line.at), element("span", { className: line.state, textContent: line.outcome }),
      [line.code, line.reason].filter(Boolean).join(", "), line.clemta_status ?? "", line.ms == null ? "" : `${line.ms} ms`]))));
  if (one.message?.message) parts.push(element("p", {}, "Clemta said: ", element("q", { textContent: one.message.message })));
  if (one.mapping) parts.push(element("h3", { textContent: "Mapped now, with the current sources file" }), ...mapping(one.mapping));
  if (one.message?.payload != null) parts.push(element("h3", { textContent: "Payload" }), region("Payload",
    element("pre", { textContent: typeof one.message.payload === "string" ? one.message.payload : JSON.stringify(one.message.payload, null, 2) })));
  if (one.contact) parts.push(element("h3", { textContent: "The contact in Clemta" }), region("The contact in Clemta", contact(one.contact)));
  if (!one.revealed && (one.where || one.contact_id)) parts.push(button(
    one.where ? "Show personal data" : "Show the contact in Clemta", `reveal ${one.id}`, (pressed) => reveal(one.id, true, pressed)),
  element("small", { className: "soft", textContent: " This is logged." }));
  else if (!one.where && !one.contact_id) parts.push(none("No payload is kept of it, and no contact is known."));
  return element("div", { className: "whole", id: `whole-${one.id}` }, ...parts);
}

const region = (name, child) => element("div", { className: "scroll", tabIndex: 0, role: "region", aria: { label: name } }, child);

function flat(data, before = "") {
  return Object.entries(data).flatMap(([name, value]) => (value && typeof value === "object" && !Array.isArray(value)
    ? flat(value, `${before}${name}.`) : [[before + name, Array.isArray(value) ? value.map((one) =>
      (typeof one === "object" ? JSON.stringify(one) : one)).join(", ") : String(value ?? "")]]));
}
const contact = (found) => table(["Field", "Value"], flat(found).filter(([, value]) => value !== ""));

function mapping(found) {
  const parts = found.problems.map(([field, problem]) => element("p", { className: "bad", textContent: `${field}: ${problem}` }));
  if (found.status === "ignored") parts.push(element("p", { className: "wait", textContent: "Ignored: the source does not accept this event." }));
  if (found.spam) parts.push(element("p", { className: "wait", textContent: `Would be held as spam: ${found.spam}` }));
  if (found.fields.length) parts.push(region("Fields of the contact", table(["Clemta's field", "Value", "From", "Was"],
    found.fields.map((one) => [one.field, one.value, one.origin, one.was]))));
  if (found.masked) parts.push(element("p", { className: "soft", textContent: "The evidence is shown with the personal data, as it quotes the form." }));
  if (found.answers.length) parts.push(region("Answers", table(["Answer", "Goes to", "Evidence"],
    found.answers.map((one) => [one.answer, one.goes_to || "nowhere", one.evidence]))));
  if (found.left_out.length) parts.push(element("p", { className: "soft", textContent: `Left out, as secrets are never sent or stored: ${found.left_out.join(", ")}` }));
  return parts;
}

async function reveal(id, personal = false, pressed = null) {
  const found = await post("/signup", { id, reveal: personal }, pressed);
  if (found.error) return;
  if (!rows.some((one) => one.id === id)) { // the row is not listed: it is searched for
    at("filter").reset();
    at("filter").elements.text.value = id;
    filter = { text: id };
    await list(true);
  }
  opened.set(id, found);
  drawSignups();
  const row = at("submissions").querySelector(`[data-key="${CSS.escape(`row ${id}`)}"]`);
  if (row && !pressed && document.activeElement !== row) { row.focus(); row.scrollIntoView({ block: "center" }); }
}
function close(id) { opened.delete(id); drawSignups(); }

function drawSignups() {
  const nothing = !complete ? "None in the days that are read so far." : Object.keys(filter).length ? "No sign-up matches." : "No sign-ups in the last 14 days.";
  draw("submissions", [rows, people.size, [...opened], nothing], () => (rows.length ? rows.map(historyOf) : [none(nothing, "li")]));
}

async function list(asked = false) {
  if (!asked && (filter.text || "").includes("@")) return; // looking an address up reads the queues: only when asked
  const mine = ++lists, found = await post("/signups", { ...filter, shown });
  if (found.error || mine !== lists) return; // an earlier answer must not replace a later one
  rows = found.rows;
  complete = found.complete;
  at("more").hidden = rows.length >= found.total;
  at("signups-count").textContent = [found.total || "", found.complete ? "" : "older ones follow …"].filter(Boolean).join(", ");
  for (const one of rows) if (opened.has(one.id) && !opened.get(one.id).revealed && opened.get(one.id).last !== label(one.steps.at(-1)))
    post("/signup", { id: one.id }).then((now) => { if (!now.error && opened.has(one.id)) { opened.set(one.id, { ...now, last: label(one.steps.at(-1)) }); drawSignups(); } });
  drawSignups();
}

at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  for (const name of ["since", "until"]) given[name] = given[name] ? new Date(given[name]).getTime() / 1000 : "";
  filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
  shown = few;
  list(true);
});
at("filter").addEventListener("reset", () => { filter = {}; shown = few; opened.clear(); list(true); });
at("more").addEventListener("click", () => { shown += 50; list(true); });

// Sources and health

async function sources() {
  const found = await post("/sources", {});
  if (found.error) return;
  at("sources-version").textContent = found.version ? `version ${found.version}, pushed ${when(found.pushed_at)}` : "as deployed";
  const week = sources.week || {}, filled = (name, fill) => at(name).elements.source.replaceChildren(...fill);
  const lines = found.rows.map((one) => {
    const counts = week[one.source] || {}, sum = (...names) => names.reduce((total, name) => total + (counts[name] || 0), 0) || "";
    const secret = !one.secret ? "" : element("span", { className: one.secret_is_there ? "good" : "bad", textContent: one.secret_is_there ? one.secret : `${one.secret} is missing` });
    return [one.source, one.kind, secret, sum("created", "updated", "duplicate"), sum("parked", "held"), sum("refused")];
  });
  draw("sources", [found, week], () => [table(["Source", "Kind", "Secret", "Delivered in 7 days", "Parked or held", "Refused"], lines)]);
  const names = found.rows.map((one) => one.source);
  if (drawn.names === JSON.stringify(names)) return;
  drawn.names = JSON.stringify(names);
  filled("filter", [element("option", { value: "", textContent: "all" }), ...names.map((name) => element("option", { value: name, textContent: name }))]);
  filled("try", names.map((name) => element("option", { value: name, textContent: name })));
}

at("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = await post("/try", Object.fromEntries(new FormData(event.target)), event.target.querySelector("button"));
  at("try-answer").replaceChildren(...(said.error ? [element("b", { className: "bad", textContent: said.error })]
    : said.found.flatMap((one) => [element("b", {
      className: { true: "good", false: "bad", null: "wait" }[one.authentic],
      textContent: `${{ true: "Authentic", false: "Not authentic", null: "Nothing to check" }[one.authentic]}: ${one.authentication}` }), ...mapping(one)])));
});

const MARKS = { ok: "good", note: "wait", fail: "bad" };
at("doctor").addEventListener("click", async (event) => {
  at("checks").replaceChildren(none("checking …"));
  const said = await post("/doctor", {}, event.target);
  at("checks").replaceChildren(said.error ? none(said.error) : element("ul", { className: "checks" }, ...said.checks.map((check) =>
    element("li", { className: MARKS[check.state] }, element("b", { textContent: check.name }), element("span", {},
      check.says, check.do && check.state !== "ok" ? element("small", { textContent: check.do }) : null)))));
});

// The state

function show(state) {
  draw("outcome", state.outcomes, () => ["", ...state.outcomes].map((name) => element("option", { value: name, textContent: name || "all" })));
  at("api").textContent = state.api_url;
  at("line").textContent = `live · ${state.stack}, ${state.region}`;
  draw("tiles", [state.counts, state.oldest, state.budget, state.clemta_ms], () => tiles(state));
  const before = drawn.chart;
  draw("chart", state.chart, () => chart(state.chart));
  if (!before) at("chart").scrollLeft = at("chart").scrollWidth; // on a narrow screen: the newest day
  draw("legend", state.columns, () => state.columns.map((name) => element("li", { className: name, textContent: name })));
  draw("days", state.days, () => [table(["Day", ...state.columns], state.days.map((day) => [day.day, ...state.columns.map((name) => day[name] || "")]))]);
  for (const store of ["dead", "held"]) {
    draw(store, [state.review[store], state.unread[store], people.size], () => review(store, state.review[store], state.unread[store]));
    count(`${store}-count`, state.counts[store]);
  }
  if (listed !== state.signups_version) { listed = state.signups_version; list(); }
  const known = JSON.stringify([state.week, state.api_url]);
  if (sources.known !== known) { sources.known = known; sources.week = state.week; sources(); }
  listeners.forEach((listener) => listener(state));
}

async function listen() {
  for (;;) {
    try {
      const answer = await fetch("/events", { headers: { "X-Token": token } });
      if (answer.status === 403) { at("line").textContent = "Open the address that the command printed: it holds the key to this page."; return; }
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events) {
          const data = event.split("\ndata: ")[1];
          if (event.startsWith("event: state")) show(JSON.parse(data));
          else if (data) at("line").textContent = JSON.parse(data);
        }
      }
    } catch { /* the console ended; tried again */ }
    at("line").textContent = "The console does not answer.";
    await new Promise((ready) => setTimeout(ready, 1000));
  }
}
addEventListener("DOMContentLoaded", listen);
