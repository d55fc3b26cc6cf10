import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import { toBase64Url } from "../../src/crypto/base64url.ts";
import { UNDER_WAY } from "../../src/device/device_proofs.ts";
import { importHmacKey } from "../../src/crypto/hmac.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { FakeClock } from "../_support/clock.ts";
import { Browser, challengeOf, DeviceKey, encode, registrationOf } from "../_support/device.ts";

const RUNS = Number(Deno.env.get("HONO_SESSION_RUNS") ?? 300);

function setup() {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const logged: string[] = [];
  const logger = { error: (...line: unknown[]) => logged.push(line.join()), warn() {} };
  const app = new Hono()
    .use(session<{ user?: string }>({
      store,
      clock: clock.now,
      secret: SECRET,
      device: true,
      logger,
    }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.user = "Ada";
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(c.var.session.user ?? "nobody"));
  return { app, clock, store, logged };
}

/** Signs with HMAC where the public key is the secret, as in a confusion of algorithms. */
async function signedWithPublicKey(key: DeviceKey, challenge: string): Promise<string> {
  const header = encode({ alg: "HS256", typ: "dbsc+jwt", jwk: key.jwk });
  const text = `${header}.${encode({ jti: challenge })}`;
  const hmac = importHmacKey(new TextEncoder().encode(JSON.stringify(key.jwk)));
  return `${text}.${await hmac(text)}`;
}

type Forge = (key: DeviceKey, challenge: string, other: DeviceKey) => Promise<string>;

/** What is no proof, although most of it is right. */
const FORGERIES: Record<string, Forge> = {
  "alg: none, without signature": async (key, challenge) =>
    (await key.register(challenge, { alg: "none" })).replace(/[^.]+$/, ""),
  "alg: none, with a signature": (key, challenge) => key.register(challenge, { alg: "none" }),
  "alg of another kind of key": (key, challenge) => key.register(challenge, { alg: "RS256" }),
  "an unknown alg": (key, challenge) => key.register(challenge, { alg: "ES512" }),
  "a member of every object as alg": (key, challenge) =>
    key.register(challenge, { alg: "constructor" }),
  "HMAC with the public key": signedWithPublicKey,
  "another type": (key, challenge) => key.register(challenge, { typ: "JWT" }),
  "no type": (key, challenge) => key.register(challenge, { typ: undefined }),
  "a critical extension": (key, challenge) => key.register(challenge, { crit: ["exp"] }),
  "no key": (key, challenge) => key.register(challenge, { jwk: undefined }),
  "another key in it": (key, challenge, other) => key.register(challenge, { jwk: other.jwk }),
  "a private key of another kind": (key, challenge) =>
    key.register(challenge, { jwk: { kty: "oct", k: "AAAA" } }),
  "a key that is no point of the curve": (key, challenge) =>
    key.register(challenge, { jwk: { ...key.jwk, x: "A".repeat(43) } }),
  "a key of another curve": (key, challenge) =>
    key.register(challenge, { jwk: { ...key.jwk, crv: "P-384" } }),
  "a key with numbers as numbers": (key, challenge) =>
    key.register(challenge, { jwk: { ...key.jwk, x: 1, y: 2 } }),
  "no challenge": (key) => key.register("", {}, { jti: undefined }),
  "a challenge that is no text": (key) => key.register("", {}, { jti: 1 }),
  "a challenge of its own": (key) => key.register(`${Date.now().toString(36)}.${"A".repeat(43)}`),
  "a challenge with another time": (key, challenge) =>
    key.register(challenge.replace(/^.*\./, `${Date.now().toString(36)}.`)),
  "a cut signature": async (key, challenge) => (await key.register(challenge)).slice(0, -1),
  "another payload": async (key, challenge) => {
    const [header, , signature] = (await key.register("other")).split(".");
    return `${header}.${encode({ jti: challenge })}.${signature}`;
  },
  "four parts": async (key, challenge) => `${await key.register(challenge)}.AAAA`,
  "a header that is an array": (key, challenge) => key.sign([], { jti: challenge }),
  "a header that is null": (key, challenge) => key.sign(null, { jti: challenge }),
};

for (const [what, forge] of Object.entries(FORGERIES)) {
  Deno.test(`a proof is refused with ${what}, at a registration and at a refresh`, async () => {
    const { app } = setup();
    const browser = await Browser.open(app);
    const other = await DeviceKey.make();
    const asked = registrationOf(await browser.fetch("/login"))!;
    const proof = await forge(browser.key, asked.challenge, other);
    const refused = await browser.post(asked.path, { "secure-session-response": proof });
    assertEquals([refused.status, refused.headers.getSetCookie()], [400, []]);
    assertEquals(await browser.text("/me"), "Ada", "it is not bound");
    assertEquals((await browser.register(asked)).status, 200);

    const { refresh_url, session_identifier } = browser.instructions!;
    // The key in a refresh counts for nothing, so one that is signed by the right key is right.
    if (/key/.test(what) && !/HMAC/.test(what)) return;
    const answer = await browser.post(refresh_url, {
      "sec-secure-session-id": session_identifier,
      "secure-session-response": await forge(browser.key, browser.challenge!, other),
    });
    assertEquals([answer.status, answer.headers.getSetCookie()], [403, []]);
    challengeOf(answer);
    assertEquals((await browser.refresh()).status, 200);
  });
}

Deno.test("a key of 1024 bits is refused, one of 4096 bits is not", async () => {
  for (const [bits, status] of [[1024, 400], [4096, 200]] as const) {
    const { app } = setup();
    const browser = await Browser.open(app);
    const pair = await crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        hash: "SHA-256",
        modulusLength: bits,
        publicExponent: new Uint8Array([1, 0, 1]),
      },
      true,
      ["sign", "verify"],
    );
    const { kty, n, e } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const asked = registrationOf(await browser.fetch("/login"))!;
    const text = `${encode({ alg: "RS256", typ: "dbsc+jwt", jwk: { kty, n, e } })}.${
      encode({ jti: asked.challenge })
    }`;
    const signature = await crypto.subtle.sign(
      "RSASSA-PKCS1-v1_5",
      pair.privateKey,
      new TextEncoder().encode(text),
    );
    const proof = `${text}.${toBase64Url(new Uint8Array(signature))}`;
    const answer = await browser.post(asked.path, { "secure-session-response": proof });
    assertEquals(answer.status, status);
  }
});

Deno.test("a proof and a session may come in quotes, as the draft has them", async () => {
  const { app } = setup();
  const browser = await Browser.open(app);
  const { path, challenge } = registrationOf(await browser.fetch("/login"))!;
  const registered = await browser.post(path, {
    "secure-session-response": `"${await browser.key.register(challenge)}"`,
  });
  assertEquals(registered.status, 200);
  const { refresh_url, session_identifier } = await registered.json();
  const refreshed = await browser.post(refresh_url, {
    "sec-secure-session-id": `"${session_identifier}"`,
    "secure-session-response": `"${await browser.key.refresh(
      challengeOf(registered).challenge,
      {},
      { aud: "https://app.test" },
    )}"`,
  });
  assertEquals(refreshed.status, 200);
});

Deno.test("a registration is refused when its challenge is five minutes old, and that of another session", async () => {
  const { app, clock } = setup();
  const browser = await Browser.open(app);
  const first = registrationOf(await browser.fetch("/login"))!;
  const other = registrationOf(await (await Browser.open(app)).fetch("/login"))!;
  assertEquals((await browser.register({ ...first, challenge: other.challenge })).status, 400);
  clock.advance(301);
  assertEquals((await browser.register(first)).status, 400);
  assertEquals(await browser.text("/me"), "Ada");
});

Deno.test("a reference for one use is none for the other, and no cookie is a challenge", async () => {
  const { app, clock } = setup();
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  const [, reference] = asked.path.split("?r=");
  await browser.register(asked);
  const { refresh_url, session_identifier } = browser.instructions!;
  const proof = await browser.key.refresh(browser.challenge!);
  const asRefresh = await browser.post(refresh_url, {
    "sec-secure-session-id": reference!,
    "secure-session-response": proof,
  });
  assertEquals(asRefresh.status, 404);
  const path = asked.path.replace(reference!, session_identifier);
  const asRegistration = await browser.post(path, { "secure-session-response": proof });
  assertEquals(asRegistration.status, 404);
  assertEquals((await browser.prove(await browser.value("sid-device"))).status, 403);
  clock.advance(UNDER_WAY / 1000);
  const cookie = `sid=${await browser.value()}; sid-device=${browser.challenge}`;
  assertEquals(await browser.text("/me", { headers: { cookie } }), "nobody");
});

Deno.test("what is too large is not parsed, and costs no store operation without a reference", async () => {
  const { app, store } = setup();
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  const large = await browser.key.register(asked.challenge, {}, { more: "x".repeat(4096) });
  const headers = { "secure-session-response": large };
  assertEquals((await browser.post(asked.path, headers)).status, 400);
  store.calls();
  for (const r of ["x".repeat(98), "x".repeat(5000), "", "%00", "ä"]) {
    assertEquals((await browser.post(`/_session/device/register?r=${r}`, headers)).status, 404);
    const id = { "sec-secure-session-id": encodeURIComponent(r), ...headers };
    assertEquals((await browser.post("/_session/device/refresh", id)).status, 404);
  }
  assertEquals(store.calls(), []);
});

Deno.test("nothing that a client sends is answered with 500 or changes anything stored", async () => {
  const { app, store } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const { refresh_url, session_identifier } = browser.instructions!;
  const proof = await browser.key.refresh(browser.challenge!);
  const [head, body, signature] = proof.split(".");
  const text = fc.oneof(
    fc.string({ unit: "grapheme-ascii" }),
    fc.constantFrom(head!, body!, signature!, "", ".", "..", "e30", "W10"),
    fc.json().map((json) => toBase64Url(new TextEncoder().encode(json))),
  );
  const jwt = fc.oneof(text, fc.array(text, { maxLength: 4 }).map((parts) => parts.join(".")));
  const id = fc.oneof(fc.constant(session_identifier), text);
  const cookie = fc.oneof(fc.constant(await browser.cookie()), text);
  await fc.assert(
    fc.asyncProperty(jwt, id, cookie, async (jwt, id, cookie) => {
      if (jwt === proof) return;
      const headers = new Headers();
      try {
        headers.set("secure-session-response", jwt);
        headers.set("sec-secure-session-id", id);
        headers.set("cookie", cookie);
      } catch {
        // No client can send it.
        return;
      }
      store.calls();
      for (const path of [refresh_url, `/_session/device/register?r=${encodeURIComponent(id)}`]) {
        const response = await app.request(path, { method: "POST", headers });
        assert([400, 403, 404].includes(response.status), `${response.status}`);
        assertEquals(response.headers.getSetCookie(), []);
      }
      assert(store.calls().every((call) => call === "read"));
    }),
    { numRuns: RUNS },
  );
  assertEquals((await browser.prove(browser.challenge)).status, 200);
});

Deno.test("no header, body or log line of an answer shows a token, a key of the store or a secret", async () => {
  const { app, store, logged } = setup();
  const browser = await Browser.open(app);
  const page = await browser.fetch("/login");
  const token = (await browser.value())!.split(".")[0]!;
  const answers = [page, await browser.register(registrationOf(page)!), await browser.refresh()];
  store.inject("read", "tear");
  answers.push(await browser.refresh());
  const shown: string[] = [...logged];
  for (const answer of answers) {
    const lines = [...answer.headers].filter(([name, value]) =>
      name !== "set-cookie" || !value.startsWith("sid=")
    );
    shown.push(lines.join("\n"), await answer.clone().text());
  }
  assertEquals(logged.length, 1);
  const { hashToken } = await import("../../src/crypto/store_key.ts");
  for (const hidden of [token, await hashToken(token), SECRET]) {
    assert(shown.every((text) => !text.includes(hidden)));
  }
});
