// The way through the test: welcome, headphone check, trials, end; one page of it at a time.

const PARTICIPANT = /^[\p{L}\p{N}][\p{L}\p{N}_.@-]{0,63}$/u;
const TICK_S = 0.5;

function stepsOf() {
  const trials = ordered();
  const count = trials.length;
  return [
    welcomeStep,
    ...(TEST.headphones ? [headphoneStep] : []),
    ...trials.map((trial, index) => () => trialStep(trial, index + 1, count)),
    endStep,
  ];
}

function welcomeStep() {
  const asked = new URLSearchParams(location.search);
  const given = state.participant || asked.get("participant") || asked.get("PROLIFIC_PID") || "";
  const input = el("input", {
    type: "text", id: "participant", value: given, maxlength: 64, autocomplete: "off", spellcheck: "false",
    readonly: Boolean(state.started), "aria-describedby": "participant-help",
  });
  const sounds = { rating: "sounds", mushra: "comparisons", ab: "pairs of sounds" }[TEST.method];
  return {
    heading: "Welcome",
    content: [
      ...TEST.instructions.map((paragraph) => el("p", {}, paragraph)),
      el("p", {}, `There are ${TEST.trials.length} ${sounds}. You can go back, and you can close this page and come back: your answers are kept in this browser.`),
      el("p", {}, TEST.post_url
        ? `At the end you can send your answers to ${new URL(TEST.post_url).host}, or save them as a file. Nothing is sent before you do so.`
        : "At the end you save your answers as a file. This page sends nothing to anyone."),
      storeWorks ? null : el("p", { class: "error" }, "This browser keeps nothing for this page: do not reload it before the end."),
      el("div", { class: "card" },
        el("label", { for: "participant" }, "Your name or number as a participant"), input,
        el("p", { class: "soft", id: "participant-help" }, "Letters, digits, and _ . @ - ; leave it empty for a random one.")),
    ],
    nextWord: state.started ? "Go on" : "Begin",
    missing: () => begin(input),
  };
}

/** Fix who listens; the order of everything depends on it. */
function begin(input) {
  if (state.started) return [];
  const wanted = input.value.trim() || `anonymous-${state.session}`;
  if (!PARTICIPANT.test(wanted)) return [{ text: "Use letters, digits, and _ . @ - only.", field: "participant" }];
  state.participant = wanted;
  state.started = new Date().toISOString();
  steps = stepsOf();
  return [];
}

function endStep() {
  if (!state.finished) {
    state.finished = new Date().toISOString();
    save();
  }
  const again = () => {
    if (!confirm("Forget these answers on this device and begin anew? Save them first.")) return;
    forget();
    state = fresh();
    steps = stepsOf();
    show();
  };
  return {
    heading: "Thank you",
    content: [
      el("p", {}, TEST.post_url ? "Send your answers, or save them as a file." : "Save your answers as a file, and give that to whoever asked you."),
      el("div", { class: "actions" },
        TEST.post_url ? el("button", { type: "button", class: "primary", onclick: post }, "Send answers") : null,
        el("button", { type: "button", class: TEST.post_url ? "" : "primary", onclick: () => download("json") }, "Save answers (JSON)"),
        el("button", { type: "button", onclick: () => download("csv") }, "Save answers (CSV)")),
      el("p", {}, el("button", { type: "button", onclick: again }, "Begin anew for another listener")),
    ],
    isEnd: true,
  };
}

/** Say something, to screen readers too. */
function tell(text, isError = false) {
  const box = document.getElementById("told");
  if (box) {
    box.textContent = text;
    box.className = isError ? "error" : "";
  }
  document.getElementById("status").textContent = text;
}

/** A complaint goes as soon as the listener does something about it. */
function hush() {
  const box = document.getElementById("told");
  if (box && box.className === "error") tell("");
}
for (const kind of ["click", "input"]) document.getElementById("main").addEventListener(kind, hush, true);

function complain(problems) {
  document.querySelectorAll(".missing").forEach((field) => {
    field.classList.remove("missing");
    field.removeAttribute("aria-invalid");
  });
  tell(problems.map(({ text }) => text).join(" "), true);
  problems.filter(({ field }) => field).forEach(({ field }) => {
    const box = document.getElementById(`field-${field}`) || document.getElementById(field);
    box.classList.add("missing");
  });
  const first = problems[0].field;
  const box = first ? document.getElementById(`field-${first}`) || document.getElementById(first) : null;
  const target = box ? (box.matches("input") ? box : box.querySelector("input")) : document.querySelector(".player button");
  if (target) target.focus();
}

function go(change) {
  spend();
  const problems = change > 0 && current.missing ? current.missing() : [];
  if (problems.length > 0) {
    complain(problems);
    return;
  }
  state.step = Math.max(0, Math.min(steps.length - 1, state.step + change));
  save();
  show();
}

let steps = stepsOf();
let current = null;

function show() {
  silence();
  state.step = Math.min(state.step, steps.length - 1);
  current = steps[state.step]();
  const heading = el("h1", { tabindex: -1 }, current.heading);
  document.getElementById("main").replaceChildren(
    heading,
    ...current.content.filter((child) => child !== null),
    el("p", { id: "told" }),
    el("nav", { "aria-label": "Through the test" },
      state.step > 0 ? el("button", { type: "button", id: "back", onclick: () => go(-1) }, "Back") : el("span"),
      current.isEnd ? el("span") : el("button", { type: "button", id: "next", class: current.isQuiet ? "" : "primary", onclick: () => go(1) }, current.nextWord || "Next")),
  );
  document.getElementById("progress-box").hidden = state.step === 0;
  document.getElementById("progress").value = state.step / (steps.length - 1);
  document.getElementById("progress-text").textContent = `Step ${state.step + 1} of ${steps.length}`;
  document.getElementById("footer").replaceChildren(...(current.trial
    ? [el("button", { type: "button", onclick: () => download("json") }, "Stop here and save what I have answered")]
    : []));
  window.scrollTo(0, 0);
  heading.focus();
  since = performance.now();
}

let since = performance.now();

/** Count the time on a trial while the page is seen; what a sleeping computer slept is no time. */
function spend() {
  const now = performance.now();
  if (current && current.trial && !document.hidden) {
    kept(current.trial).seconds += Math.min(now - since, 4000 * TICK_S) / 1000;
  }
  since = now;
}

document.addEventListener("visibilitychange", () => { since = performance.now(); });
window.addEventListener("pagehide", () => {
  if (!current.trial) return;
  spend();
  save();
});
// Two windows would overwrite each other's answers: the one in which nothing happens gives way.
window.addEventListener("storage", (event) => {
  if (event.key !== STORE || isElsewhere) return;
  isElsewhere = true;
  silence();
  current = { content: [] };
  document.getElementById("main").replaceChildren(
    el("h1", {}, "This test is open in another window"),
    el("p", {}, "Go on there; or close that one and reload this page to go on here."),
  );
  document.getElementById("footer").replaceChildren();
});
setInterval(() => {
  if (!current || !current.trial) return;
  spend();
  save();
}, 1000 * TICK_S);

show();
