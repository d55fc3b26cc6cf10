import { html } from "hono/html";
import type { DemoSession } from "./context.ts";

/** A piece of HTML. */
export type Html = ReturnType<typeof html>;

/** Where a link leads, and what it says. */
export type Link = readonly [href: string, label: string];

/** What every page says of itself. */
export interface PageOptions {
  title: string;
  /** The place in the navigation. */
  path?: string;
  /** Absent where nobody knows whose it is. */
  session?: DemoSession;
}

/** A whole page. */
export function layout({ title, path, session }: PageOptions, content: Html): Html {
  const places: Link[] = [["/", "Home"], ["/counter", "Counter"]];
  if (session) {
    if (session.subject === undefined) places.push(["/login", "Log in"]);
    else places.push(["/profile", "Profile"], ["/devices", "Devices"]);
  }
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title} – hono-session</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/style.css">
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <a class="brand" href="/">
            <img src="/icon.svg" alt="" width="28" height="28">
            <span>hono-session</span>
          </a>
          <nav aria-label="Pages">${places.map((place) => link(place, path))}</nav>
        </header>
        <main id="main">
          ${session?.notice === undefined ? "" : notice(session.notice)} ${content}
        </main>
        <footer>
          <p>
            A demo of <strong>@x/hono-session</strong>. Sessions are kept in Deno KV, under hashes of
            their tokens.
          </p>
        </footer>
        ${session?.subject === undefined
          ? ""
          : html`<script type="module" src="/ended.js"></script>`}
      </body>
    </html>
  `;
}

function link([href, label]: Link, path: string | undefined): Html {
  return html`<a href="${href}" ${href === path ? html`aria-current="page"` : ""}>${label}</a>`;
}

function notice(text: string): Html {
  return html`<p class="notice" role="status">${text}</p>`;
}
