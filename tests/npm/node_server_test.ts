import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../../scripts/paths.ts";
import { Client } from "../_support/client.ts";
import { HONO_VERSIONS } from "../consumer/_consumer.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";
import { Server } from "./_server.ts";

const SERVERS = fromFileUrl(new URL("runtimes", import.meta.url));
const FILES = ["kept_server.js", "ready.js"];

const LATE =
  "Cannot send session cookie: the handler has sent the response by itself; change the session before that, in another request";

/** A visitor of a server on this machine. */
function visitorOf(url: string): Client {
  return new Client({
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(new Request(url + pathname + search, request), { redirect: "manual" });
    },
  });
}

async function check(url: string): Promise<void> {
  const [ada, visitor] = [visitorOf(url), visitorOf(url)];
  const constant = [["x-hono-already-sent", "true"]];
  assertEquals(await visitor.json("/constant"), constant);

  // A change that can't be told to the client is reported, a page that only reads its session is not.
  assertEquals(await ada.text("/kept/sent?name=Eve"), "sent by the handler");
  assertEquals([await ada.value(), await ada.json("/warnings")], [undefined, [LATE]]);
  await ada.text("/login/Ada");
  assertEquals(await ada.text("/kept/sent"), "sent by the handler");
  assertEquals([await ada.text("/me"), await ada.json("/warnings")], ["Ada", []]);
  assertEquals(await visitor.json("/constant"), constant);

  for (const what of ["empty", "redirect", "headers", "page"]) {
    const user = visitorOf(url);
    const login = await user.fetch(`/kept/${what}?name=${what}`);
    const body = await login.text();
    assertEquals(login.headers.getSetCookie().length, 1, what);
    assertEquals(await user.text("/me"), what);
    const other = await visitor.fetch(`/kept/${what}`);
    assertEquals(await other.text(), body);
    const { headers } = other;
    const said = [headers.getSetCookie(), headers.get("vary"), headers.get("cache-control")];
    assertEquals(said, [[], null, null], what);
    assertEquals(headers.get("x-page"), what === "headers" ? "1" : null);
    assertEquals(await visitor.text("/me"), "nobody");
    // A body can be sent once.
    if (what === "page") continue;
    const own = await user.fetch(`/kept/${what}`);
    assertEquals([await own.text(), own.headers.get("vary")], [body, "Cookie"]);
  }
}

if (!skipNpm()) {
  const [, hono] = HONO_VERSIONS;
  Deno.test("npm: what an application keeps stays its own under @hono/node-server, and what it has sent by itself is left alone", async () => {
    const cwd = await installed([await packageTarball(), `hono@${hono}`, "@hono/node-server@2"]);
    for (const name of FILES) await Deno.copyFile(`${SERVERS}/${name}`, `${cwd}/${name}`);
    await Deno.writeTextFile(`${cwd}/every_entry_point.js`, "");
    await using server = new Server(["node", "kept_server.js"], { cwd });
    await check(await server.url());
  });
}
