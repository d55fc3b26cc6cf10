import { html } from "hono/html";
import type { Html } from "./layout.ts";

const DATE_FORMAT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});
const AGO_FORMAT = new Intl.RelativeTimeFormat("en-GB");

/** In seconds, the longest first. */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]] as const;

/** A time as a calendar and a clock show it. */
export function dateTime(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${DATE_FORMAT.format(date)}</time>`;
}

/** A time as somebody would say it. */
export function timeAgo(date: Date, now: number): Html {
  const seconds = (now - date.getTime()) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  const text = unit ? AGO_FORMAT.format(-Math.floor(seconds / length), unit) : "just now";
  return html`
    <time datetime="${date.toISOString()}" title="${DATE_FORMAT.format(date)}">${text}</time>
  `;
}
