import { html } from "hono/html";
import type { SessionSummary } from "../../mod.ts";
import type { DemoSession } from "./context.ts";
import { type Html, layout } from "./layout.ts";
import { dateTime, timeAgo } from "./times.ts";

/** What the page of devices shows. */
export interface DevicesShown {
  devices: SessionSummary[];
  /** How many can be logged in at once. */
  limit: number;
  /** In epoch milliseconds. */
  now: number;
}

export function devicesPage(session: DemoSession, { devices, limit, now }: DevicesShown): Html {
  const currentFirst = devices.toSorted((a, b) => Number(b.current) - Number(a.current));
  return layout(
    { title: "Devices", path: "/devices", session },
    html`
      <div class="medium">
        <h1>Devices</h1>
        <p>
          Everywhere that <strong>${session.subject}</strong> is logged in.
          Up to ${limit} devices at once: one more login ends the oldest.
        </p>
        <ul class="card devices">
          ${currentFirst.map((device) => row(device, now))}
        </ul>
        ${devices.length > 1 ? endMany() : hint(session.subject)}
      </div>
    `,
  );
}

function row(session: SessionSummary, now: number): Html {
  const { sid, current, createdAt, lastSeenAt, meta, device } = session;
  const { name = "Unknown device", address } = meta ?? {};
  const its = current ? "this" : "its";
  return html`
    <li>
      <div>
        <h2>${name} ${current ? html`<span class="badge">This device</span>` : ""}</h2>
        <p id="about-${sid}">
          ${current ? "Active now" : html`Active ${timeAgo(lastSeenAt, now)}`}<br>
          Since ${dateTime(createdAt)}${address ? ` from ${address}` : ""}
          ${device ? html`<br>Bound to ${its} device since ${dateTime(device.boundAt)}` : ""}
        </p>
      </div>
      <form method="post" action="${current ? "/logout" : `/devices/${sid}/end`}">
        <button class="quiet" aria-label="Log out ${name}" aria-describedby="about-${sid}">
          Log out
        </button>
      </form>
    </li>
  `;
}

function endMany(): Html {
  return html`
    <div class="actions">
      <form method="post" action="/devices/end-others"><button>Log out all others</button></form>
      <form method="post" action="/devices/end-all">
        <button class="quiet">Log out everywhere</button>
      </form>
    </div>
  `;
}

function hint(subject: string | undefined): Html {
  return html`
    <p class="hint">
      Log in as ${subject} in another browser or a private window, and it shows up here.
    </p>
  `;
}
