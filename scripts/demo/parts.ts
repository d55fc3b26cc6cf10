import { html } from "hono/html";
import type { DemoSession } from "./context.ts";
import type { Html, Link } from "./layout.ts";
import { dateTime } from "./times.ts";

/** Links to other pages that look like buttons, the first one most. */
export function buttons(...links: Link[]): Html {
  return html`
    <p class="actions">
      ${links.map(button)}
    </p>
  `;
}

function button([href, label]: Link, index: number): Html {
  return html`<a class="${index === 0 ? "button" : "button quiet"}" href="${href}">${label}</a>`;
}

/** The field for a name, with what is wrong with it beside it. */
export function nameField(value: string, error: string | undefined): Html {
  const isBad = error !== undefined;
  return html`
    <div class="field">
      <label for="name">Name</label>
      <input
        id="name"
        name="name"
        value="${value}"
        autocomplete="nickname"
        required
        aria-describedby="${isBad ? "name-error name-hint" : "name-hint"}"
        ${isBad ? html`aria-invalid="true" autofocus` : ""}
      >
      ${isBad ? html`<p class="error" id="name-error">${error}</p>` : ""}
      <p class="hint" id="name-hint">1 to 40 characters</p>
    </div>
  `;
}

/** What there is to know about a session. */
export function sessionCard(session: DemoSession): Html {
  return html`
    <section class="card session" aria-labelledby="session-title">
      <h2 id="session-title">Your session</h2>
      ${session.isNew ? noSession() : facts(session)}
    </section>
  `;
}

function noSession(): Html {
  return html`
    <p class="state">None yet</p>
    <p>Nothing is stored about you and no cookie is set, until you log in or count.</p>
  `;
}

function facts(session: DemoSession): Html {
  const { name, sid, expiresAt, remembered = false } = session;
  return html`
    <dl>
      <div>
        <dt>Name</dt>
        <dd>${name ?? "Not logged in"}</dd>
      </div>
      <div>
        <dt>Handle</dt>
        <dd><code>${sid}</code></dd>
      </div>
      <div>
        <dt>Ends</dt>
        <dd>${dateTime(expiresAt)}</dd>
      </div>
      <div>
        <dt>Lasts</dt>
        <dd>${remembered ? "30 days" : "24 hours"} after the last use</dd>
      </div>
    </dl>
  `;
}
