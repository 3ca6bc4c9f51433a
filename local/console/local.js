"use strict";
// What the local stack adds to the operator's page: switches for Clemta's faults, a form, signed samples, contacts.

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

listeners.push((state) => {
  api = state.api_url;
  draw("states", [state.stand_in, state.clemta], () => (state.stand_in ? stateButtons(state.clemta) : []));
  at("state-note").textContent = !state.stand_in
    ? `Clemta is ${state.clemta_url}, not the stand-in: this page cannot break it or list its contacts.`
    : state.clemta === "other" ? "Other faults are active, set from outside this page." : "";
  draw("contacts", state.contacts, () => contacts(state.contacts));
  draw("senders", state.senders, () =>
    state.senders.map((name) => element("option", { value: name, textContent: name })));
  count("contacts-count", state.contacts.length);
});
// The history of the newest ones right below the numbers: it is what a first try wants to see.
few = shown = 6;
document.querySelector(".wide").append(at("contacts-section"));
at("now-title").closest("section").after(at("signups-title").closest("section"));

function tell(id, status, body, seconds) {
  const [style, text] = MEANING[body.status] || ["bad", body.error
    || (status >= 500 ? "Not accepted: send it again later." : body.title || "It was refused.")];
  at(id).replaceChildren(
    element("b", { className: style, textContent: text }),
    ...(body.errors || []).map((one) => element("div", { className: "bad", textContent: `${one.field}: ${one.message}` })),
    element("code", { textContent: `${status} after ${seconds.toFixed(2)} s` }));
}

function know(id, email) {
  people.set(id, email);
  drawSignups();
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
    if (body.submission_id) know(body.submission_id, email);
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
    if (said.answer.submission_id) know(said.answer.submission_id, said.email);
    tell("sender-answer", said.status, said.answer, (performance.now() - began) / 1000);
  }
  form.querySelector("button").focus();
});
