"use strict";
// The console sends the whole state after each change (server-sent events). This page keeps only the e-mail addresses
// that were sent from it, and the last data of each part: a part is drawn again only when its data changed.

const at = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=token]").content;
const people = new Map(); // submission id -> the e-mail address that was typed here
const drawn = {};
let api = "", proposed = "";

const STATES = {
  up: ["up", "answers normally"], down: ["down", "500 to every request"], slow: ["slow", "20 s for each answer"],
  limited: ["rate-limited", "429"], refuses: ["refusing the key", "401"], lossy: ["losing answers", "creates, but does not answer"] };
const MEANING = {
  created: ["good", "Created: Clemta has the contact."],
  updated: ["good", "Updated: the existing contact has the new details."],
  duplicate: ["good", "Duplicate: the contact exists, nothing was created."],
  queued: ["wait", "Queued: it is stored, and is retried automatically."],
  parked: ["bad", "Parked: it failed and needs you. See the dead letters."],
  ignored: ["good", "Ignored: the source does not accept this event."] };

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function draw(id, data, children) {
  const now = JSON.stringify(data);
  if (drawn[id] === now) return;
  drawn[id] = now;
  const place = at(id), key = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...children());
  if (key) (place.querySelector(`[data-key="${CSS.escape(key)}"]`) || place.querySelector("button") || place).focus();
}

const none = (text) => [element("li", { className: "none", textContent: text })];
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const count = (id, number) => { at(id).textContent = number ? `${number}` : ""; };

function historyOf(one) {
  const steps = one.steps.map((step) =>
    element("li", { className: step.state, textContent: step.note ? `${step.name}: ${step.note}` : step.name }));
  return element("li", {},
    element("div", { className: "who" },
      element("b", { textContent: people.get(one.id) || one.source }),
      element("span", { textContent: `${people.has(one.id) ? `${one.source}, ` : ""}${clock(one.at)}` })),
    element("ol", { className: "steps" }, ...steps));
}

function waiting(one) {
  const when = one.due > Date.now() / 1000 ? `next try at ${clock(one.due)}` : "trying now";
  return element("li", {},
    element("div", { className: "who" },
      element("b", { textContent: one.email || one.source }), element("span", { textContent: when })),
    element("p", { textContent: `${one.why}${one.attempt ? `, attempt ${one.attempt}` : ""}` }));
}

function letter(one) {
  const act = (name, path, question) => {
    const button = element("button", { className: "small", textContent: name, type: "button" });
    button.dataset.key = `${name} ${one.id}`;
    button.setAttribute("aria-label", `${name} the dead letter of ${one.email || one.source}`);
    button.addEventListener("click", () => {
      if (!question || window.confirm(question)) post(path, { id: one.id }, button);
    });
    return button;
  };
  return element("li", {},
    element("div", { className: "who" },
      element("b", { textContent: one.email || one.source }), element("span", { textContent: one.class })),
    element("p", { textContent: `${one.why}: ${one.advice}` }),
    act("Replay", "/replay"), act("Discard", "/discard", "Delete this submission permanently?"));
}

function contacts(list) {
  if (!list.length) return [element("p", { className: "none", textContent: "None yet: send a sign-up." })];
  const columns = [
    ["Name", (c) => c.full_name], ["E-mail", (c) => c.email],
    ["Phone", (c) => [c.billing.phone_code, c.billing.phone].filter(Boolean).join(" ")],
    ["Country", (c) => c.billing.country || ""], ["Created", (c) => clock(c.created_at)]];
  const head = element("tr", {}, ...columns.map(([title]) => element("th", { textContent: title, scope: "col" })));
  const rows = [...list].reverse().map((contact) =>
    element("tr", {}, ...columns.map(([, cell]) => element("td", { textContent: cell(contact) }))));
  return [element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))];
}

function stateButtons(current) {
  return Object.entries(STATES).map(([state, [name, meaning]]) => {
    const button = element("button", { type: "button" }, name, element("small", { textContent: meaning }));
    button.dataset.key = state;
    button.setAttribute("aria-pressed", String(state === current));
    button.addEventListener("click", () => post("/fault", { simulated_state: state }));
    return button;
  });
}

function show(state) {
  api = state.api_url;
  at("api").textContent = api;
  at("line").textContent = "live";
  draw("states", [state.stand_in, state.clemta], () => (state.stand_in ? stateButtons(state.clemta) : []));
  at("state-note").textContent = !state.stand_in
    ? `Clemta is ${state.clemta_url}, not the stand-in: this page cannot break it or list its contacts.`
    : state.clemta === "other" ? "Other faults are active, set from outside this page." : "";
  draw("submissions", [state.submissions, people.size], () =>
    (state.submissions.length ? state.submissions.map(historyOf) : none("No submissions yet: send a sign-up.")));
  draw("retry", state.retry, () => (state.retry.length ? state.retry.map(waiting) : none("The queue is empty.")));
  draw("dead", state.dead, () => (state.dead.length ? state.dead.map(letter) : none("Nothing needs you.")));
  draw("contacts", state.contacts, () => contacts(state.contacts));
  draw("senders", state.senders, () =>
    state.senders.map((name) => element("option", { value: name, textContent: name })));
  count("retry-count", state.retry.length);
  count("dead-count", state.dead.length);
  count("contacts-count", state.contacts.length);
}

async function post(path, body, button) {
  if (button) button.disabled = true;
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "X-Token": token, "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) at("line").textContent = said.error;
    return said;
  } catch {
    at("line").textContent = "the console does not answer";
    return {};
  } finally {
    if (button) button.disabled = false;
  }
}

function tell(id, status, body, seconds) {
  const [style, text] = MEANING[body.status] || ["bad", body.error
    || (status >= 500 ? "Not accepted: send it again later." : body.title || "It was refused.")];
  at(id).replaceChildren(
    element("b", { className: style, textContent: text }),
    ...(body.errors || []).map((one) => element("div", { className: "bad", textContent: `${one.field}: ${one.message}` })),
    element("code", { textContent: `${status} after ${seconds.toFixed(2)} s` }));
}

// A new address for each sign-up, so that the page's own values create a contact and not a duplicate.
function propose() {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  proposed = `ada.${number.toString(36).padStart(7, "0")}@example.com`;
  at("form").elements.email.value = proposed;
}
propose();

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, button = form.querySelector("button"), began = performance.now();
  const email = form.elements.email.value;
  button.disabled = true;
  try { // straight to the API, as a website of another origin does, so the browser applies CORS
    const answer = await fetch(`${api}/signups/website`, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
    const body = await answer.json();
    if (body.submission_id) people.set(body.submission_id, email);
    tell("form-answer", answer.status, body, (performance.now() - began) / 1000);
    if (answer.ok && email === proposed) propose(); // an address that the visitor typed stays, to be sent again
  } catch {
    at("form-answer").replaceChildren(element("b", { className: "bad", textContent: "No answer from the API." }));
  }
  button.disabled = false;
  button.focus();
});

at("sender").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, began = performance.now();
  const said = await post("/send",
    { source: form.elements.source.value, fresh: form.elements.fresh.checked }, form.querySelector("button"));
  if (said.answer) {
    if (said.answer.submission_id) people.set(said.answer.submission_id, said.email);
    tell("sender-answer", said.status, said.answer, (performance.now() - began) / 1000);
  }
  form.querySelector("button").focus();
});

const events = new EventSource(`/events?token=${encodeURIComponent(token)}`);
events.onmessage = (event) => show(JSON.parse(event.data));
events.addEventListener("trouble", (event) => { at("line").textContent = JSON.parse(event.data); });
events.onerror = () => { at("line").textContent = "The stack does not answer: make up brings it back."; };
