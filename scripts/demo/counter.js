// Sends many requests at the same time, and shows what became of the counter.
const REQUESTS = 20;

const button = document.querySelector("#parallel");
const result = document.querySelector("#result");
const dots = document.querySelector("#dots");
const count = document.querySelector("#count");

if (button) {
  button.hidden = false;
  button.addEventListener("click", run);
}

async function run() {
  button.disabled = true;
  result.textContent = `Sending ${REQUESTS} requests`;
  dots.replaceChildren(
    ...Array.from({ length: REQUESTS }, () => document.createElement("i")),
  );
  try {
    const before = await ask("GET");
    await Promise.all([...dots.children].map(async (dot) => {
      await ask("POST");
      dot.className = "done";
    }));
    const after = await ask("GET");
    count.textContent = after;
    result.textContent = `${REQUESTS} requests at the same time: ` +
      `the counter went from ${before} to ${after}, up by ${after - before}.`;
  } catch (error) {
    dots.replaceChildren();
    result.textContent = error.message;
  }
  button.disabled = false;
}

async function ask(method) {
  const response = await fetch("/counter.json", { method }).catch(() => {
    throw new Error("The server does not answer. Is it running?");
  });
  if (response.status === 401) throw new Error("Your session has ended. Reload the page.");
  if (!response.ok) throw new Error(`The server could not count: it answered ${response.status}.`);
  return (await response.json()).count;
}
