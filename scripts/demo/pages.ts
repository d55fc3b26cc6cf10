import { html } from "hono/html";
import type { DemoSession } from "./context.ts";
import { type Html, layout } from "./layout.ts";
import { buttons, nameField, sessionCard } from "./parts.ts";

/** A form that is shown again, with what was typed and what is wrong with it. */
export interface Rejected {
  typed: string;
  error: string;
}

const FAILURES: Record<number, [title: string, text: string]> = {
  401: ["There is no session", "It has ended, or it never began."],
  403: ["That form came from another site", "It was refused, and nothing has changed."],
  409: ["Too many changes at once", "Nothing was lost. Please try again."],
  413: ["That was too much", "The form is larger than this demo accepts."],
  503: ["Sessions can't be reached", "The store does not answer. Please try again in a moment."],
};
const FAILURE: [title: string, text: string] = [
  "Something went wrong",
  "The server could not answer. Please try again.",
];

export function home(session: DemoSession): Html {
  return layout(
    { title: "Home", path: "/", session },
    html`
      <div class="split">
        <div class="lead">${session.name === undefined
          ? invitation()
          : greeting(session.name)}</div>
        ${sessionCard(session)}
      </div>
      <section class="promises" aria-labelledby="promises-title">
        <h2 id="promises-title">What to look for</h2>
        <ul>
          <li>
            <h3>Nothing before it is needed</h3>
            <p>Visitors who only look around get no cookie, and nothing is stored.</p>
          </li>
          <li>
            <h3>A new token at login</h3>
            <p>The old one becomes invalid. What you have counted is kept.</p>
          </li>
          <li>
            <h3>No lost writes</h3>
            <p>Twenty requests at the same time raise the counter by twenty.</p>
          </li>
          <li>
            <h3>A logout is final</h3>
            <p>Log out here, on another device or everywhere: the old cookies are rejected.</p>
          </li>
        </ul>
      </section>
    `,
  );
}

function invitation(): Html {
  return html`
    <h1>Sessions for Hono, to try out</h1>
    <p>
      Log in with any name, count from many requests at once, restart the server. Your session stays
      what it should be.
    </p>
    ${buttons(["/login", "Log in"], ["/counter", "Try the counter"])}
  `;
}

function greeting(name: string): Html {
  return html`
    <h1>Hello, ${name}</h1>
    <p>You are logged in. Stop the server with Ctrl+C and start it again: you still will be.</p>
    ${buttons(["/counter", "Try the counter"], ["/devices", "Your devices"])}
  `;
}

export function login(
  session: DemoSession,
  form: Partial<Rejected> & { remember?: boolean } = {},
): Html {
  return layout(
    { title: titleOf("Log in", form.error), path: "/login", session },
    html`
      <div class="narrow">
        <h1>Log in</h1>
        <p>Any name will do. There is no password: this demo is about what comes after.</p>
        <form class="card" method="post" action="/login" novalidate>
          ${nameField(form.typed ?? "", form.error)}
          <div class="check">
            <input
              id="remember"
              name="remember"
              type="checkbox"
              aria-describedby="remember-hint"
              ${form.remember ? "checked" : ""}
            >
            <label for="remember">Remember me</label>
            <p class="hint" id="remember-hint">
              Until 30 days after the last use. Otherwise 24 hours.
            </p>
          </div>
          <button>Log in</button>
        </form>
      </div>
    `,
  );
}

export function profile(session: DemoSession, form: Partial<Rejected> = {}): Html {
  return layout(
    { title: titleOf("Profile", form.error), path: "/profile", session },
    html`
      <h1>Profile</h1>
      <div class="split">
        <form class="card" method="post" action="/profile" novalidate>
          <h2>Change your name</h2>
          ${nameField(form.typed ?? session.name ?? "", form.error)}
          <button>Save</button>
        </form>
        <div>
          ${sessionCard(session)}
          <form method="post" action="/logout"><button class="quiet">Log out</button></form>
        </div>
      </div>
    `,
  );
}

export function counter(session: DemoSession): Html {
  const { count = 0, isNew } = session;
  return layout(
    { title: "Counter", path: "/counter", session },
    html`
      <div class="narrow">
        <h1>Counter</h1>
        <p>It lives in your session. However many requests raise it at once, each one counts.</p>
        <div class="card counter">
          <p class="count" id="count">${count}</p>
          <div class="actions">
            <form method="post" action="/counter"><button>Add one</button></form>
            ${isNew ? "" : parallelButton()}
          </div>
          <div id="dots" aria-hidden="true"></div>
          <p id="result" role="status">${isNew ? "The first click begins your session." : ""}</p>
          <noscript>
            <p class="hint">Adding 20 at once needs a script. Adding one doesn't.</p>
          </noscript>
        </div>
      </div>
      <script type="module" src="/counter.js"></script>
    `,
  );
}

function parallelButton(): Html {
  return html`
    <button class="quiet" id="parallel" type="button" hidden>Add 20 at once</button>
  `;
}

export function goodbye(session: DemoSession, { everywhere }: { everywhere: boolean }): Html {
  return layout(
    { title: "Logged out", session },
    html`
      <div class="narrow">
        <h1>You are logged out${everywhere ? " everywhere" : ""}</h1>
        <p>
          Your session is deleted on the server, and its cookie in your browser. A copy of that
          cookie is rejected, and the back button shows no page of yours.
        </p>
        ${buttons(["/login", "Log in again"], ["/", "Home"])}
      </div>
    `,
  );
}

export function notFound(session: DemoSession): Html {
  return layout(
    { title: "Not found", session },
    message("There is no such page", "The address may be mistyped, or the page is gone."),
  );
}

/** The page of an error, which can't rely on a session. */
export function failure(status: number): Html {
  const [title, text] = FAILURES[status] ?? FAILURE;
  return layout({ title }, message(title, text));
}

function message(title: string, text: string): Html {
  return html`
    <div class="narrow">
      <h1>${title}</h1>
      <p>${text}</p>
      ${buttons(["/", "Home"])}
    </div>
  `;
}

/** The title of a page with a form, which says first that something is wrong. */
function titleOf(title: string, error: string | undefined): string {
  return error === undefined ? title : `Error: ${title}`;
}
