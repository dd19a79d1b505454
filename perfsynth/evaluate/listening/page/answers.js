// What leaves the page, and only when the listener asks for it: one row a rating or choice.

const COLUMNS = [
  "test_id", "method", "participant", "session", "started", "finished", "complete", "headphones_correct",
  "headphones_of", "trial", "order", "piece", "question", "minimum", "maximum", "system", "role", "other", "value",
  "seconds", "audio_s", "heard_s", "comment",
];
const PREFERENCE = { a: 1, tie: 0.5, b: 0 };

/** Names of the systems, which the page shows to nobody. */
function names() {
  const bytes = Uint8Array.from(atob(TEST.names), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

const rounded = (seconds) => Math.round(10 * seconds) / 10;

function answerRows() {
  const known = names();
  return ordered().flatMap((trial, index) => {
    const given = kept(trial);
    const sounds = trial.reference ? [trial.reference, ...trial.stimuli] : trial.stimuli;
    const sum = (of) => rounded(sounds.reduce((total, stimulus) => total + of(stimulus), 0));
    const shared = {
      trial: trial.id,
      order: index + 1,
      piece: known[trial.stimuli[0]].piece,
      seconds: rounded(given.seconds),
      audio_s: sum((stimulus) => TEST.durations[stimulus]),
      heard_s: sum((stimulus) => heardSeconds(trial, stimulus)),
      comment: given.comment,
    };
    return TEST.questions.flatMap((question) => judged(trial, question, known).map((row) => ({ ...shared, ...row })));
  });
}

function judged(trial, question, known) {
  if (TEST.method === "ab") {
    const value = PREFERENCE[kept(trial).choices[question.id]];
    const [first, second] = trial.stimuli.map((stimulus) => known[stimulus].system);
    const row = { question: question.id, system: first, role: "system", other: second, value };
    return value === undefined ? [] : [row];
  }
  return trial.stimuli
    .map((stimulus) => ({ ...known[stimulus], value: ratingOf(trial, stimulus, question.id) }))
    .filter(({ value }) => value !== undefined)
    .map(({ system, role, value }) => ({ question: question.id, system, role, other: "", value }));
}

function answers() {
  return {
    format: "perfsynth-listening-answers",
    version: 1,
    test_id: TEST.test_id,
    title: TEST.title,
    method: TEST.method,
    seed: TEST.seed,
    questions: TEST.questions,
    participant: state.participant,
    session: state.session,
    started: state.started,
    finished: state.finished,
    complete: state.finished !== "",
    headphones: headphoneResult(),
    answers: answerRows(),
  };
}

function asCsv(document) {
  const { questions, answers: rows, headphones, ...whole } = document;
  const tested = headphones || { correct: "", of: "" };
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const lines = rows.map((row) => {
    const { minimum, maximum } = questions.find((question) => question.id === row.question);
    const full = { ...whole, headphones_correct: tested.correct, headphones_of: tested.of, minimum, maximum, ...row };
    return COLUMNS.map((column) => cell(full[column])).join(",");
  });
  return `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

function download(kind) {
  const given = answers();
  const text = kind === "json" ? `${JSON.stringify(given, null, 1)}\n` : asCsv(given);
  const type = kind === "json" ? "application/json" : "text/csv";
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: `answers-${TEST.test_id}-${state.participant}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  tell(`Your answers were saved as a ${kind.toUpperCase()} file.`);
}

/** Send the answers to the address that the test was made with. */
async function post() {
  tell("Sending your answers.");
  try {
    const response = await fetch(TEST.post_url, {
      method: "POST", body: JSON.stringify(answers()), headers: { "Content-Type": "application/json" },
      credentials: "omit", referrerPolicy: "no-referrer",
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    tell("Your answers were sent. Thank you!");
  } catch (error) {
    tell(`Your answers were not sent (${error.message}). Try again, or save them as a file.`, true);
  }
}
