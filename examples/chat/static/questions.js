// What the operator asks, in a dialog, one question after the other.

import { $ } from "./page.js";

const questions = []; // the one that is shown, and those that wait for it

/** Shows a question for some seconds; `answer` is called with true or false, or never. */
export function askPerson(text, seconds, answer) {
  questions.push({ text, answer, until: Date.now() + seconds * 1000 });
  if (questions.length === 1) showNext();
}

export function forgetQuestions() {
  questions.length = 0;
  $("question").close("gone");
}

function showNext() {
  const [question] = questions;
  if (!question) return;
  const dialog = $("question");
  const show = () => {
    const left = Math.ceil((question.until - Date.now()) / 1000);
    dialog.querySelector("[data-left]").textContent = `You have ${left} s to answer.`;
    if (left <= 0) dialog.close("late");
  };
  const timer = setInterval(show, 1000);
  dialog.addEventListener("close", () => {
    clearInterval(timer);
    questions.shift();
    if (["yes", "no"].includes(dialog.returnValue)) question.answer(dialog.returnValue === "yes");
    showNext();
  }, { once: true });
  $("question-text").textContent = question.text;
  dialog.returnValue = "no"; // what Escape means
  dialog.showModal();
  show();
}
