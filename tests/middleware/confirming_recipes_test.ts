import { assert } from "@std/assert";
import { readDocument, runProgram } from "../_support/documents.ts";

const PAGE = ".github/CONFIRMING.md";

/** The application on the page of recipes. */
async function recipes(): Promise<string> {
  const [, code] = /^```ts\n([\s\S]*?)^```$/m.exec(await readDocument(PAGE)) ?? [];
  assert(code, `${PAGE} has no example`);
  return code;
}

/** Runs the application, and visits it. `old` is a client with a full session, `client` has the same cookie. */
function recipeTest(title: string, visit: string): void {
  Deno.test(`recipes: ${title}`, async () => {
    await runProgram(`${await recipes()}
import { Client } from "../_support/client.ts";
import { withSameCookie } from "../_support/same_cookie.ts";

const client = new Client(app);
const post = async (path: string) => (await client.fetch(path, { method: "POST" })).headers.get("location");
async function login(): Promise<Client> {
  await post("/password");
  await post("/otp");
  assertEquals(await client.text("/settings"), "settings of user:42");
  return await withSameCookie(client, app);
}
${visit}`);
  });
}

recipeTest(
  "while a second factor is pending there is no session of the user, not even the one until now",
  `
const old = await login();
assertEquals(await post("/password"), "/otp");
for (const visitor of [old, client]) assertEquals((await visitor.fetch("/settings")).status, 401);
assertEquals(await sessions.count("user:42"), 1, "the one that the page has made");
const pending = await withSameCookie(client, app);
assertEquals(await post("/otp"), "/");
assertEquals(await client.text("/settings"), "settings of user:42");
assertEquals((await pending.fetch("/settings")).status, 401, "the token until the second step is invalid");
const stranger = new Client(app);
assertEquals((await stranger.fetch("/otp", { method: "POST" })).headers.get("location"), "/password");
`,
);

recipeTest(
  "sudo mode asks again, and gives a new token",
  `
const confirm = await app.request("/confirm", { method: "POST", headers: { cookie } });
const [fresh] = confirm.headers.getSetCookie()[0]!.split(";");
const ask = async (cookie: string) => (await app.request("/settings", { headers: { cookie } })).status;
assertEquals([await ask(cookie), await ask(fresh!)], [401, 200]);
`,
);

recipeTest(
  "impersonation is a short session of its own, which names its actor and is not confirmed",
  `
const admin = await login();
assertEquals(await post("/support/user:43"), "/");
assertEquals((await admin.fetch("/settings")).status, 401, "the session of the admin has ended");
const challenge = (await client.fetch("/settings")).headers.get("www-authenticate");
assertEquals(challenge, 'Bearer error="insufficient_user_authentication", max_age="300"');
assertEquals((await client.fetch("/support/user:44", { method: "POST" })).status, 401, "no chain of actors");
const [listed] = await Array.fromAsync(sessions.list("user:43"));
assertEquals(listed!.meta, { device: "Support", actor: "user:42" });
assertEquals({ ...listed!.confirmations }, {});
assertEquals(Math.round((listed!.expiresAt.getTime() - Date.now()) / 1000), 900);
const held = await sessions.open(new Request("https://app.test", { headers: { cookie: await client.cookie() } }));
assertEquals([held!.subject, held!.actor], ["user:43", "user:42"]);
`,
);
