import { isPeer, type Measured, type Results, resultsOf } from "./results.ts";

const PANELS: [title: string, storage: string, scenario: string][] = [
  ["Map: read", "map", "read"],
  ["Map: no cookie, untouched", "map", "no cookie"],
  ["Encrypted cookie: read", "encrypted", "read"],
  ["Encrypted cookie: read again", "encrypted", "read again"],
  ["Encrypted cookie: write", "encrypted", "write"],
  ["Sealed cookie: read", "sealed", "read"],
  ["Deno KV: read", "deno-kv", "read"],
  ["Redis: read", "redis", "read"],
];

const WIDTH = 880;
const COLUMNS = 2;
const COLUMN = WIDTH / COLUMNS;
const LABEL = 130;
/** What is left for the figure behind a bar. */
const FIGURE = 60;
const ROW = 20;
const TITLE = 26;
const TOP = 52;
const LINE = 16;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px }
.head { font-weight: 600; font-size: 16px }
.note { fill: #59636e; font-size: 11px }
.ours { fill: #0969da } .floor { fill: #8c959f } .peer { fill: #d0a12b }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1 }
  .ours { fill: #4493f8 } .floor { fill: #656c76 } .peer { fill: #bb8009 }
}`;

/** A chart of what a session costs on Deno, for the README. */
export function chartOf({ about, runtimes }: Results): string {
  const measured = runtimes.Deno!;
  const panels = PANELS.map(([title, storage, scenario]) => ({
    title,
    bars: barsOf(measured, storage, scenario),
  })).filter(({ bars }) => bars.length > 0);
  const parts: string[] = [];
  let y = TOP;
  for (let at = 0; at < panels.length; at += COLUMNS) {
    const row = panels.slice(at, at + COLUMNS);
    row.forEach((panel, column) => parts.push(...panelOf(panel, { x: column * COLUMN + 12, y })));
    y += TITLE + ROW * Math.max(...row.map(({ bars }) => bars.length)) + LINE;
  }
  const { machine, command, versions, date } = about;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const notes = [
    `Medians, sessions of 200 bytes, one request at a time, in process. ${machine}, ${date}. ${command}`,
    used.slice(0, 4).join(" · "),
    used.slice(4).join(" · "),
  ];
  notes.forEach((note, line) => parts.push(text(note, { x: 12, y: y + line * LINE, of: "note" })));
  const height = y + notes.length * LINE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>Cost of a session per request</title>
<style>${STYLE}
</style>
${
    text("Cost of a session per request, in microseconds over bare Hono", {
      x: 12,
      y: 26,
      of: "head",
    })
  }
${parts.join("\n")}
</svg>
`;
}

interface ChartBar {
  readonly name: string;
  readonly kind: "ours" | "floor" | "peer";
  readonly value: number;
}

function barsOf(measured: Measured, storage: string, scenario: string): ChartBar[] {
  return resultsOf(measured, { storage, scenario }).flatMap((result) => {
    const { name, extra } = result;
    const kind = name === "@x/hono-session"
      ? "ours"
      : isPeer(result)
      ? "peer"
      : name === "floor" || name === "does nothing" && scenario === "no cookie"
      ? "floor"
      : undefined;
    return kind ? [{ name, kind, value: Math.max(extra.median, 0) }] : [];
  });
}

function panelOf(
  { title, bars }: { title: string; bars: ChartBar[] },
  { x, y }: { x: number; y: number },
): string[] {
  const longest = Math.max(...bars.map(({ value }) => value));
  const room = COLUMN - LABEL - FIGURE - 24;
  return [
    text(title, { x, y: y + 12, of: "title" }),
    ...bars.flatMap(({ name, kind, value }, at) => {
      const top = y + TITLE + at * ROW;
      const width = Math.max(room * value / longest, 1).toFixed(1);
      const end = x + LABEL + Number(width) + 6;
      const figure = value < 100 ? value.toFixed(1) : value.toFixed(0);
      return [
        text(name, { x, y: top + 11 }),
        `<rect class="${kind}" x="${x + LABEL}" y="${top}" width="${width}" height="14" rx="2"/>`,
        text(figure, { x: end, y: top + 11 }),
      ];
    }),
  ];
}

function text(content: string, { x, y, of }: { x: number; y: number; of?: string }): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text${of ? ` class="${of}"` : ""} x="${x.toFixed(1)}" y="${y}">${escaped}</text>`;
}
