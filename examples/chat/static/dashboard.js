import { $, ask, keepConnected, make, reason } from "./page.js";

const ANSWERS = {
  yes: "said yes",
  no: "said no",
  late: "did not answer in time",
  gone: "left before answering",
};

const socket = io("/dashboard", { autoConnect: false, reconnection: false });
keepConnected(socket, (error) => ($("ask-error").textContent = reason(error)));
socket.connect();

socket.on("figures", (people, messages) => {
  const names = Object.keys(people);
  const rooms = new Map();
  for (const room of Object.values(people).sort()) rooms.set(room, (rooms.get(room) ?? 0) + 1);
  const sum = messages.reduce((total, count) => total + count, 0);
  $("online").textContent = names.length;
  $("room-count").textContent = rooms.size;
  $("message-count").textContent = sum;
  drawChart(messages, sum);
  showRooms(rooms, names.length);
  showPeople(names);
});

socket.on("connect", () => $("dashboard").classList.remove("stale"));
socket.on("disconnect", () => $("dashboard").classList.add("stale"));

/** A bar for each second. It is drawn in a box of 60 by 100 that is stretched to the page. */
function drawChart(messages, sum) {
  const most = Math.max(4, ...messages);
  const chart = $("chart");
  chart.setAttribute("viewBox", `0 0 ${messages.length} 100`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("aria-label", `${sum} messages in the last minute, at most ${
    Math.max(...messages)} in a second`);
  const lines = [0.5, 100 / 2, 99.5].map((y) => shape("path", { d: `M0 ${y}H${messages.length}` }));
  const bars = messages.map((count, second) => {
    const height = (count / most) * 97;
    return shape("rect", { x: second + 0.15, y: 100 - height, width: 0.7, height });
  });
  chart.replaceChildren(...lines, ...bars);
  $("most").textContent = `${most} / s`;
}

function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function showRooms(rooms, online) {
  $("no-rooms").hidden = online > 0;
  $("rooms").replaceChildren(...[...rooms].map(([room, count]) => {
    const item = make("li", {}, make("span", { className: "name" }, room), make("b", {}, `${count}`));
    item.style.setProperty("--share", count / online);
    return item;
  }));
}

/** Renews the choice only when it is another one, so that it can be used meanwhile. */
function showPeople(names) {
  const select = $("person");
  names.sort((a, b) => a.localeCompare(b));
  const before = [...select.options].map(({ value }) => value);
  if (names.length && names.join("\n") === before.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  if (names.includes(chosen)) select.value = chosen;
  if (!names.length) select.append(make("option", { value: "" }, "Nobody is here"));
  select.disabled = !names.length;
  $("ask").querySelector("button").disabled = !names.length;
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = $("person").value;
  const question = $("question").value;
  $("ask-error").textContent = "";
  if (!socket.connected) return;
  const state = make("span", { className: "state waiting" }, "is being asked ...");
  const item = make("li", {}, make("q", {}, question), make("p", {}, make("b", {}, name), " ", state));
  try {
    $("answers").prepend(item);
    const answer = await ask(socket.timeout(30000), "ask", name, question);
    state.textContent = ANSWERS[answer];
    state.className = `state ${answer}`;
  } catch (error) {
    item.remove();
    $("ask-error").textContent = socket.connected ? error.message : "The connection was lost.";
  }
});
