import { fromFileUrl, ROOT } from "../paths.ts";
import type { Finding } from "./finding.ts";
import { median } from "./statistics.ts";

const ROUTES = 50;
const TIMES = 3;

const IMPORT = `
await import("hono");
const start = performance.now();
await import("@x/hono-session");
console.log(performance.now() - start);
`;

/** How long it takes to import the library, and to check the types of an application with it. */
export async function starting(): Promise<Finding[]> {
  // In the project, so that its configuration holds.
  const dir = fromFileUrl(new URL(".bench", ROOT));
  await Deno.mkdir(dir, { recursive: true });
  const folder = await Deno.makeTempDir({ dir });
  try {
    const imports: number[] = [];
    const [bare, ours]: number[][] = [[], []];
    await Deno.writeTextFile(`${folder}/import.ts`, IMPORT);
    for (let time = 0; time < TIMES; time++) {
      imports.push(Number(await deno(["run", "-A"], `${folder}/import.ts`)));
      for (const [figures, text] of [[bare!, appOf("")], [ours!, appOf(MIDDLEWARE)]] as const) {
        // What was checked once is not checked again.
        const file = `${folder}/${crypto.randomUUID()}.ts`;
        await Deno.writeTextFile(file, `${text}// ${file}\n`);
        const start = performance.now();
        await deno(["check", "--quiet"], file);
        figures.push(performance.now() - start);
      }
    }
    const check = `type-check of an app of ${ROUTES} routes`;
    return [
      { name: "import of mod.ts, after Hono", value: median(imports), unit: "ms" },
      { name: `${check}, bare Hono`, value: median(bare!), unit: "ms" },
      { name: check, value: median(ours!), unit: "ms" },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const MIDDLEWARE = `.use(session<{ visits?: number }>({ store: new MapStore() }))`;

function appOf(middleware: string): string {
  const handler = middleware
    ? "(c) => c.json({ visits: c.var.session.visits })"
    : "(c) => c.json({ visits: 1 })";
  const routes = Array.from({ length: ROUTES }, (_, at) => `  .get("/route/${at}", ${handler})\n`);
  return `import { Hono } from "hono";
import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
export const made = [session, MapStore].length;
export const app = new Hono()${middleware}
${routes.join("")};
`;
}

async function deno(args: string[], file: string): Promise<string> {
  const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, ...importMap ? [`--import-map=${importMap}`] : [], file],
    cwd: fromFileUrl(ROOT),
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`Cannot measure start: ${decoder.decode(stderr)}`);
}
