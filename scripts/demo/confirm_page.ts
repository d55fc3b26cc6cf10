import { html } from "hono/html";
import type { DemoSession } from "./context.ts";
import { type Html, layout } from "./layout.ts";
import { nameField } from "./parts.ts";

/** The page that asks again who the user is. */
export function confirmPage(session: DemoSession, { error }: { error?: string } = {}): Html {
  const title = "Is it you?";
  return layout(
    { title: error === undefined ? title : `Error: ${title}`, session },
    html`
      <div class="narrow">
        <h1>${title}</h1>
        <p>
          To log out everywhere, type the name that you logged in with. With passwords, this page
          would ask for yours.
        </p>
        <form class="card" method="post" action="/devices/confirm" novalidate>
          ${nameField("", error)}
          <button>Confirm</button>
        </form>
      </div>
    `,
  );
}
