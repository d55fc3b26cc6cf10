// The Worker that stores/README.md shows, in workerd.
import { assert, assertEquals } from "@std/assert";
import { ignoredExample } from "../_support/documents.ts";
import { bundleText, openWorkers } from "../_support/workers.ts";

const STORES = "stores/README.md";

const program = await ignoredExample(STORES, "export { SessionObject }");
const text = await Deno.readTextFile(new URL(`../../${STORES}`, import.meta.url));
const [, toml] = /```toml\n(# wrangler\.toml[^`]*)```/.exec(text)!;

const [, name] = /\[\[durable_objects\.bindings\]\]\nname = "(\w+)"\n/.exec(toml!)!;
const [, className] = /\nclass_name = "(\w+)"\n/.exec(toml!)!;

const workers = await openWorkers(await bundleText(program), { objects: { [name!]: className! } });
if (workers) {
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());
  const { url } = workers;

  Deno.test("the Worker of the documents counts 50 visits at the same time", async () => {
    assert(toml!.includes(`new_sqlite_classes = ["${className}"]`));
    const first = await fetch(url);
    assertEquals(await first.text(), "visit 1");
    const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
    const visit = async () => {
      const response = await fetch(url, { headers: { cookie } });
      return { status: response.status, text: await response.text() };
    };
    const visits = await Promise.all(Array.from({ length: 50 }, visit));
    assertEquals(visits.filter(({ status }) => status !== 200), []);
    const counts = visits.map(({ text }) => Number(text.slice("visit ".length)));
    const sorted = counts.toSorted((one, other) => one - other);
    assertEquals(sorted, Array.from({ length: 50 }, (_, at) => at + 2));
    assertEquals((await visit()).text, "visit 52");
  });
}
