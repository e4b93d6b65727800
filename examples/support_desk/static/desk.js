// What each role sees of the desk. All of it comes over the sockets, and is drawn anew as it
// changes; the HTTP API is for what needs no connection that stays.

const $ = (id) => document.getElementById(id);
const token = `token-of-${new URLSearchParams(location.search).get("as")}`;
const manager = new io.Manager({ autoConnect: false });

const tickets = new Map(); // by their numbers
const team = new Map(); // the agents who are here -> their status
let me = null;
let office = null; // the socket of the agents
let talk = null; // the socket of the ticket that is open
let open = null; // its number
let here = new Set(); // who is in the talk
let answer = null; // called with whether the customer is content

// Connections: one for the page, which the namespaces share.

function connect(path) {
  const socket = manager.socket(`/desk/${path}`, { auth: { token } });
  socket.off();
  socket.on("connect", () => ($("lost").hidden = true));
  socket.on("disconnect", (reason) => ($("lost").hidden = reason === "io client disconnect"));
  socket.on("connect_error", (error) => {
    if (socket.active) $("lost").hidden = false;
    else complain(error);
  });
  return socket.connect();
}

/** Keeps a map of who is present as the server tells it. */
function follow(socket, changed) {
  const present = new Map();
  socket.on("presence", (_, users) => {
    present.clear();
    for (const [user, meta] of Object.entries(users)) present.set(user, meta);
    changed(present);
  });
  socket.on("presence_diff", (_, { joins, leaves }) => {
    for (const user of Object.keys(leaves)) present.delete(user);
    for (const [user, meta] of Object.entries(joins)) present.set(user, meta);
    changed(present);
  });
}

/** What the server answers; what it refuses is shown to the user. */
async function ask(socket, event, ...args) {
  $("error").textContent = "";
  const reply = await socket.timeout(30000).emitWithAck(event, ...args).catch(() => ({
    error: { message: "There was no answer." },
  }));
  return reply?.error ? complain(reply.error) : { reply };
}

async function api(path, body) {
  const response = await fetch(`/desk/api/${path}`, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  }).catch(() => null);
  if (!response) return complain({ message: "The server cannot be reached. Try again later." });
  const reply = await response.json();
  return response.ok ? reply : complain(reply.error);
}

function complain({ message, data }) {
  const wait = data?.retry_after && ` Try again in ${Math.ceil(data.retry_after)} s.`;
  $("error").textContent = wait ? `You are too fast.${wait}` : message;
}

// Tickets.

function show(ticket) {
  tickets.set(ticket.id, ticket);
  drawTickets();
  if (ticket.id === open) drawHead();
}

function showAll(all) {
  tickets.clear();
  for (const ticket of all) tickets.set(ticket.id, ticket);
  drawTickets();
}

function state({ agent, solved }) {
  if (solved) return "Solved";
  if (!agent) return "Waiting for an agent";
  return agent === me.name ? "You see to it" : `${agent} sees to it`;
}

function drawTickets() {
  const shown = [...tickets.values()].filter((t) => !t.solved || me.role === "customer" || t.id === open);
  $("none").hidden = shown.length > 0;
  $("tickets").replaceChildren(...shown.map(item));
}

function item(ticket) {
  const name = make("button", { type: "button", className: "ticket" }, make("b", {}, ticket.subject));
  name.append(make("span", { className: "quiet" }, `${from(ticket)}${state(ticket)}`));
  name.disabled = me.role === "agent" && ticket.agent !== me.name;
  name.addEventListener("click", () => enter(ticket.id));
  const row = make("li", {}, name);
  if (ticket.id === open) row.setAttribute("aria-current", "true");
  if (!ticket.agent && !ticket.solved && me.role === "agent") row.append(takeButton(ticket));
  if (!ticket.agent && !ticket.solved && me.role === "supervisor") row.append(assignment(ticket));
  return row;
}

const from = ({ customer }) => (me.role === "customer" ? "" : `From ${customer} \u00b7 `);

function takeButton({ id, subject }) {
  const button = make("button", { type: "button", className: "primary", title: `Take ${subject}` }, "Take");
  button.addEventListener("click", async () => {
    if (await ask(office, "take", id)) enter(id);
  });
  return button;
}

function assignment({ id, subject }) {
  const agents = [...team.keys()].filter((name) => name !== me.name);
  const choice = make("select", { ariaLabel: `Assign ${subject} to` }, make("option", {}, "Assign to"));
  choice.append(...agents.map((name) => make("option", { value: name }, name)));
  choice.addEventListener("change", () => ask(office, "assign", id, choice.value));
  return choice;
}

// The talk about one of them.

function enter(id) {
  const before = talk;
  open = id;
  talk = connect(`tickets/${id}`);
  if (before && before !== talk) before.disconnect();
  settle(false);
  talk.on("ticket", show);
  talk.on("talk", (messages) => {
    $("said").replaceChildren();
    messages.forEach(hear);
  });
  talk.on("said", hear);
  talk.on("solved", (reply) => {
    settle(false);
    answer = reply;
    $("question").hidden = false;
    $("yes").focus();
  });
  talk.on("disconnect", () => settle(false));
  follow(talk, (present) => {
    here = new Set(present.keys());
    drawHead();
  });
  $("said").replaceChildren();
  $("nothing").hidden = true;
  $("talking").hidden = false;
  drawTickets();
  drawHead();
  $("text").focus();
}

function drawHead() {
  const ticket = tickets.get(open);
  const others = [...here].filter((name) => name !== me.name).sort();
  $("about").textContent = ticket.subject;
  const who = others.join(" and ") || "Nobody else";
  $("who").textContent = `${from(ticket)}${state(ticket)} \u00b7 ${who} ${others.length > 1 ? "are" : "is"} here`;
  $("solve").hidden = me.role === "customer" || ticket.solved || !ticket.agent;
}

function hear({ number, name, at, text }) {
  if ($("said").querySelector(`[data-number="${number}"]`)) return; // said while we came in
  const time = new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const line = make("li", { className: name === me.name ? "mine" : "" }, make("p", {}, text));
  line.append(make("span", { className: "quiet" }, name === me.name ? time : `${name}, ${time}`));
  line.dataset.number = number;
  $("said").append(line);
  $("said").scrollTop = $("said").scrollHeight;
}

/** The customer's answer to whether all is well, if there is a question. */
function settle(content) {
  answer?.(content);
  answer = null;
  $("question").hidden = true;
}

$("yes").addEventListener("click", () => settle(true));
$("no").addEventListener("click", () => settle(false));

$("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const said = await ask(talk, "say", text);
  if (!said) return;
  $("text").value = "";
  hear(said.reply);
});

$("solve").addEventListener("click", async () => {
  $("solve").disabled = true;
  const asked = await ask(talk, "solve");
  $("solve").disabled = false;
  if (asked && !asked.reply) complain({ message: `${tickets.get(open).customer} did not say yes.` });
});

// What each role begins with.

async function customer() {
  $("counter").hidden = false;
  showAll((await api("tickets")) ?? []);
  $("open").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("error").textContent = "";
    const ticket = await api("tickets", { subject: $("subject").value });
    if (!ticket) return;
    $("subject").value = "";
    show(ticket);
    enter(ticket.id);
  });
}

function agent() {
  $("office").hidden = false;
  office = connect("agents");
  office.on("tickets", showAll);
  office.on("ticket", show);
  office.on("assigned", ({ id }) => enter(id));
  follow(office, (present) => {
    team.clear();
    for (const [name, status] of present) team.set(name, status);
    $("team").replaceChildren(...[...team].sort().map(([name, status]) =>
      make("li", { className: status }, name, make("span", { className: "quiet" }, ` ${status}`))));
    drawTickets();
  });
  $("away").addEventListener("change", () => ask(office, "status", $("away").checked ? "away" : "online"));
}

function supervisor() {
  agent();
  $("figures").hidden = false;
  connect("dashboard").on("figures", ({ waiting, solved, agents }) => {
    $("waiting").textContent = waiting;
    $("working").textContent = Object.values(agents).reduce((sum, count) => sum + count, 0);
    $("solved").textContent = solved;
  });
}

/** A new element. Text goes in as text, never as HTML. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

if (!location.search) {
  $("door").hidden = false;
} else if ((me = await api("me"))) {
  document.title = `${me.name} - Support desk`;
  $("me").textContent = `${me.name}, ${me.role}`;
  $("desk").hidden = false;
  ({ customer, agent, supervisor })[me.role]();
}
