import * as HapiIron from "@hapi/iron";
import * as Hattip from "@hattip/session";
import { type Clock, type SessionRecord, SessionTooLargeError } from "@x/hono-session";
import {
  type CookieStore,
  EncryptedCookieStore,
  Revocations,
  SealedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { storeConformance } from "@x/hono-session/testing";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { packRecord, unpackRecord } from "../../stores/cookie/compact.ts";
import { fromReadable, toReadable } from "../../stores/cookie/readable.ts";
import { Marks } from "../../stores/cookie/revocation/marks.ts";
import { Server } from "../../stores/cookie/revocation/marks_store.ts";
import { type Remembered, SessionMarks } from "../../stores/cookie/revocation/session_marks.ts";
import { FakeClock } from "../_support/clock.ts";
import {
  AUTHENTICATED_STORES,
  COOKIE_STORES,
  OLDER_SECRET,
  SECRET,
} from "../_support/cookie_stores.ts";
import { counting, withoutNodeCrypto } from "../_support/crypto.ts";
import { makeRecord } from "../_support/record.ts";

const clock = new FakeClock();
const options = { clock: clock.now };
const record = makeRecord(clock, { data: '{"name":"Ada Lovelace","admin":false}' });

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  storeConformance({
    name,
    capabilities: make().capabilities,
    test: Deno.test,
    open: (clock) => ({ store: make({ clock }) }),
    onSkip: () => {},
  });
}

for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
  const revoking = (clock?: Clock) => {
    const map = new MapStore({ maxEntries: Infinity, ...(clock ? { clock } : {}) });
    return make({ revocations: new Revocations(map), ...(clock ? { clock } : {}) });
  };
  storeConformance({
    name: `${name} with revocations`,
    capabilities: revoking().capabilities,
    test: Deno.test,
    open: (clock) => ({ store: revoking(clock) }),
    onSkip: () => {},
  });
}

for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
  Deno.test(`${name} rejects what is changed by one character or cut short`, async () => {
    const store = make({ ...options, memo: 0 });
    const token = await store.create("", record);
    assertEquals(await store.read(token), record);
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === "A" ? "B" : "A";
      const flipped = token.slice(0, index) + other + token.slice(index + 1);
      assertEquals(await store.read(flipped), undefined, `character ${index} of ${token}`);
      assertEquals(await store.read(token.slice(0, index)), undefined, `cut at ${index}`);
    }
    assertEquals(
      await store.read(token.slice(0, -22) + "A".repeat(22)),
      undefined,
      "a tag of zeros",
    );
    // The four texts whose last character stands for the same bits.
    for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
      if (last === token.at(-1)) continue;
      assertEquals(await store.read(token.slice(0, -1) + last), undefined, `last ${last}`);
    }
  });

  Deno.test(`${name} rejects what was not made for it`, async () => {
    const store = make(options);
    const foreign = make({ ...options, secret: OLDER_SECRET });
    const values = [
      "",
      "null",
      JSON.stringify(record),
      btoa(JSON.stringify(record)),
      "Fe26.2********",
      "Fe26.2*1*2*3*4*5*6*7",
      "eyJhbGciOiJub25lIn0.eyJzaWQiOiIxIn0.",
      "eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOiIxIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
      "A".repeat(43),
      "é💥\u0000",
      "1.00.e30.".padEnd(52, "A"),
      await foreign.create("", record),
      await store.forCookie("other").create("", record),
      await new UnsignedCookieStore({ parse: JSON.parse }).create("", record),
    ];
    for (const [other, makeOther] of Object.entries(AUTHENTICATED_STORES)) {
      if (other !== name) values.push(await makeOther(options).create("", record));
    }
    for (const value of values) assertEquals(await store.read(value), undefined, value);
  });

  Deno.test(`${name} reads with every secret and writes with the first (CVE-2025-47278)`, async () => {
    const before = make({ ...options, secret: OLDER_SECRET });
    const during = make({ ...options, secret: [SECRET, OLDER_SECRET] });
    const after = make({ ...options, secret: SECRET });
    const old = await before.create("", record);
    const opened = (await during.read(old))!;
    assertEquals(opened, record);
    assert(during.outdated(opened));
    assert(during.outdated((await during.read(old))!), "when it comes again");
    assertEquals(await after.read(old), undefined);

    const renewed = await during.create("", record);
    assert(!during.outdated((await during.read(renewed))!));
    assertEquals(await after.read(renewed), record);
    assertEquals(await before.read(renewed), undefined);
  });

  Deno.test(`${name} opens the same value once, and none twice without a memo`, async () => {
    const token = await make(options).create("", record);
    const [remembering, forgetting] = [make(options), make({ ...options, memo: 0 })];
    Object.assign((await remembering.read(token))!, { data: '{"admin":true}' });
    assert(
      Object.isFrozen(await remembering.read(token)),
      "what is handed out again can't be changed",
    );
    await forgetting.read(token);
    const calls = await counting(async () => {
      for (let times = 0; times < 10; times++) assertEquals(await remembering.read(token), record);
    });
    assertEquals(calls, {});
    const again = await counting(async () => void await forgetting.read(token));
    assertEquals(again.decrypt ?? again.sign, 1);
  });

  Deno.test(`${name} keeps whose session it is`, async () => {
    const bound = { ...record, subject: "user:42", subjectAt: record.createdAt };
    assertEquals(await make(options).read(await make(options).create("", bound) as string), bound);
  });

  Deno.test(`${name} forgets what was opened longest ago`, async () => {
    const store = make({ ...options, memo: 2 });
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((version) => make(options).create("", { ...record, version })),
    ) as [string, string, string];
    for (const token of [one, two, one, three]) await store.read(token);
    assertEquals(await counting(async () => void await store.read(one)), {});
    assert(Object.keys(await counting(async () => void await store.read(two))).length > 0);
  });

  Deno.test(`${name} finds its secrets with the request`, async () => {
    const make = { SealedCookieStore, EncryptedCookieStore, SignedCookieStore }[name]!;
    const store = new make({
      secret: (c) => c.env.SECRET,
      ...options,
    });
    const [c, other] = [{ env: { SECRET } }, { env: { SECRET: OLDER_SECRET } }];
    const token = await store.create("", record, c);
    assertEquals(await store.read(token, c), record);
    assertEquals(
      await store.read(token, other),
      undefined,
      "what is remembered is so under its secret",
    );
    await assertRejects(
      async () => await store.read(token, { env: { SECRET: "short" } }),
      RangeError,
      "5 characters",
    );
  });

  Deno.test(`${name} refuses weak and missing secrets when it is made`, () => {
    const refuses = (secret: unknown, kind: typeof TypeError | typeof RangeError, text: string) => {
      const error = assertThrows(() => make({ secret: secret as string }), kind, text);
      assert(!error.message.includes("hunter2"));
    };
    refuses("hunter2", RangeError, "7 characters, at least 32 are required");
    refuses([SECRET, "hunter2"], RangeError, "7 characters");
    refuses("x".repeat(64), RangeError, "repeats one character");
    refuses([], TypeError, "empty");
    refuses(42, TypeError, "neither a string");
    refuses(null, TypeError, "neither a string");
  });
}

Deno.test("UnsignedCookieStore believes nobody to be its subject, in the process that wrote it neither", async () => {
  const store = new UnsignedCookieStore({ parse: JSON.parse, ...options });
  const token = await store.create("", { ...record, subject: "user:42", subjectAt: 1 });
  assertEquals(await store.read(token), record);
});

Deno.test("EncryptedCookieStore never uses a nonce twice", async () => {
  const store = new EncryptedCookieStore({ secret: SECRET, memo: 0, ...options });
  const nonces = new Set<string>();
  for (let times = 0; times < 10_000; times++) {
    // Version and key take 2 bytes, the nonce the next 12: 16 characters begin in the middle of the third.
    nonces.add((await store.create("", record)).slice(3, 18));
  }
  assertEquals(nonces.size, 10_000);
});

Deno.test("EncryptedCookieStore does not try to decrypt under a key that it does not know", async () => {
  const keys = await Promise.all([1, 2, 3, 4].map(() => EncryptedCookieStore.generateKey()));
  const tokens = await Promise.all(
    keys.map((key) => new EncryptedCookieStore({ keys: [key], ...options }).create("", record)),
  );
  const ids = tokens.map((token) =>
    atob(token.slice(0, 4).replaceAll("-", "+").replaceAll("_", "/"))[1]
  );
  const unknown = tokens.find((_, index) => index > 0 && ids[index] !== ids[0])!;
  const store = new EncryptedCookieStore({ keys: [keys[0]!], ...options });
  await store.read(tokens[0]!);
  const calls = await counting(async () => assertEquals(await store.read(unknown), undefined));
  assertEquals(calls, {});
});

Deno.test("EncryptedCookieStore and SignedCookieStore derive and import keys once", async () => {
  for (const make of [EncryptedCookieStore, SignedCookieStore]) {
    const store = new make({ secret: [SECRET, OLDER_SECRET], memo: 0, ...options });
    await store.read(await store.create("", record));
    const calls = await counting(async () => {
      for (let times = 0; times < 20; times++) await store.read(await store.create("", record));
    });
    assertEquals(calls, make === SignedCookieStore ? { sign: 40 } : { encrypt: 20, decrypt: 20 });
  }
});

Deno.test("EncryptedCookieStore and SignedCookieStore give the same values with Web Crypto alone", async () => {
  for (const make of [EncryptedCookieStore, SignedCookieStore]) {
    const makeStore = () => new make({ secret: [SECRET, OLDER_SECRET], memo: 0, ...options });
    const other = new make({ secret: "another secret of thirty-two characters", ...options });
    const damage = (token: string) =>
      token.slice(0, 40) + (token[40] === "A" ? "B" : "A") + token.slice(41);
    const atOnce = makeStore();
    const token = await atOnce.create("", record);
    await withoutNodeCrypto(async () => {
      const later = makeStore();
      const creating = later.create("", record);
      assert(creating instanceof Promise);
      const made = await creating;
      assertEquals([await later.read(made), await later.read(token)], [record, record]);
      assertEquals(await later.read(damage(token)), undefined);
      assertEquals(await other.read(token), undefined);
      await later.update("", { ...record, version: 2 }, record);
      if (make === SignedCookieStore) assertEquals(made, token);
    });
    assert(typeof atOnce.create("", record) === "string", "nothing is waited for");
    assertEquals(atOnce.read(token), record);
    assertEquals(atOnce.read(damage(token)), undefined);
  }
});

Deno.test("keys survive export and import, as base64 too", async () => {
  for (const make of [EncryptedCookieStore, SignedCookieStore]) {
    const key = await make.generateKey();
    const text = await make.exportKey(key);
    assertEquals(text.length, 43);
    const base64 = `${text.replaceAll("-", "+").replaceAll("_", "/")}=`;
    const token = await new make({ keys: [key], ...options }).create("", record);
    for (const imported of await make.generateKeysFromBase64([text, base64])) {
      assertEquals(await new make({ keys: [imported], ...options }).read(token), record);
    }
    const derived = new make({ keys: await make.generateKeysFromSecrets([SECRET]), ...options });
    const same = new make({ secret: SECRET, ...options });
    assertEquals(await same.read(await derived.create("", record)), record);

    const bytes = (length: number) => btoa("k".repeat(length));
    const [most, needed] = make === SignedCookieStore ? [64, "32 to 64"] : [32, "32"];
    await make.generateKeysFromBase64([bytes(32), bytes(most)]);
    for (
      const bad of ["", "short", "é".repeat(43), text.slice(1), bytes(31), bytes(most + 1)]
    ) {
      const message = `: ${needed} bytes of base64`;
      await assertRejects(() => make.generateKeysFromBase64([bad]), RangeError, message);
    }
    await assertRejects(() => make.generateKeysFromSecrets(["short"]), RangeError, "5 characters");
    assertThrows(() => new make({ keys: [], ...options }), TypeError, "empty");
    assertThrows(
      () => new make({ keys: [key], secret: SECRET }),
      TypeError,
      "either secret or keys",
    );
    assertThrows(() => new make({}), TypeError, "either secret or keys");
  }
  const [encrypting] = await EncryptedCookieStore.generateKeysFromSecrets([SECRET]);
  const [signing] = await SignedCookieStore.generateKeysFromSecrets([SECRET]);
  assertNotEquals(
    await EncryptedCookieStore.exportKey(encrypting!),
    await SignedCookieStore.exportKey(signing!),
    "one secret gives each purpose a key of its own",
  );
  const wrong = await SignedCookieStore.generateKey();
  assertThrows(() => new EncryptedCookieStore({ keys: [wrong] }), TypeError, "AES-GCM");
});

Deno.test("keys that @hattip/session exported are accepted", async () => {
  const pairs = [
    [SignedCookieStore, Hattip.SignedCookieStore],
    [EncryptedCookieStore, Hattip.EncryptedCookieStore],
  ] as const;
  for (const [make, theirs] of pairs) {
    const text = await theirs.exportKey(await theirs.generateKey());
    const keys = await make.generateKeysFromBase64([text]);
    const token = await new make({ keys, ...options }).create("", record);
    const again = await make.generateKeysFromBase64([await make.exportKey(keys[0]!)]);
    assertEquals(await new make({ keys: again, ...options }).read(token), record);
  }
});

Deno.test("SealedCookieStore and @hapi/iron open each other's values", async () => {
  const store = new SealedCookieStore({ secret: SECRET, ...options });
  const token = await store.create("", record);
  const { data, ...rest } = record;
  const kept = { for: "sid", ...rest };
  const contents = { ...JSON.parse(data), "hono-session": kept };
  assertEquals(await HapiIron.unseal(token, SECRET, HapiIron.defaults), contents);
  for (const theirs of [contents, { "hono-session": kept, ...JSON.parse(data) }]) {
    const value = await HapiIron.seal(theirs, SECRET, HapiIron.defaults);
    assertEquals(await store.read(value), record);
  }
  for (
    const foreign of [
      JSON.parse(data),
      { nested: contents },
      { aaaaaaaaaa: kept },
      { ...contents, "hono-session": { ...kept, for: "x" } },
      { ...contents, "hono-session": rest },
      { ...contents, "hono-session": { ...kept, format: 2 } },
      { ...contents, "hono-session": null },
      record,
      null,
      1,
    ]
  ) {
    assertEquals(
      await store.read(await HapiIron.seal(foreign, SECRET, HapiIron.defaults)),
      undefined,
    );
  }
});

Deno.test("SealedCookieStore takes an encoder in the place of iron, and whatever it does wrong", async () => {
  const encoder = {
    encode: (data: object, secret: string) => btoa(JSON.stringify([secret, data])),
    decode(value: string, secret: string) {
      const [under, data] = JSON.parse(atob(value));
      if (under !== secret) throw new Error("another secret");
      return data;
    },
  };
  const old = await new SealedCookieStore({ secret: OLDER_SECRET, encoder, ...options }).create(
    "",
    record,
  );
  const store = new SealedCookieStore({ secret: [SECRET, OLDER_SECRET], encoder, ...options });
  const opened = (await store.read(old))!;
  assertEquals(opened, record);
  assert(store.outdated(opened));
  for (
    const value of [
      "",
      "x",
      btoa("null"),
      btoa(`["${SECRET}",5]`),
      btoa(`["${SECRET}",{"hono-session":{}}]`),
    ]
  ) {
    assertEquals(await store.read(value), undefined);
  }
});

Deno.test("SignedCookieStore can be read by the client", async () => {
  const token = await new SignedCookieStore({ secret: SECRET, ...options }).create("", record);
  const payload = JSON.parse(atob(token.split(".")[2]!.replaceAll("-", "+").replaceAll("_", "/")));
  assertEquals(payload.data, { name: "Ada Lovelace", admin: false });
});

Deno.test("UnsignedCookieStore believes nothing that parse does not let pass", async () => {
  const parse = (text: string) => {
    const { theme } = JSON.parse(text);
    if (theme !== "light" && theme !== "dark") throw new TypeError("no such theme");
    return { theme };
  };
  const anybody = new UnsignedCookieStore({ parse: JSON.parse, ...options });
  const forge = (data: string) => anybody.create("", { ...record, data });
  const store = new UnsignedCookieStore({ parse, ...options });
  assertEquals(
    (await store.read(await forge('{"theme":"dark","admin":true}')))?.data,
    '{"theme":"dark"}',
  );
  for (const data of ['{"theme":"pink"}', "{}"]) {
    assertEquals(await store.read(await forge(data)), undefined);
  }
  const flashed = await anybody.create("", {
    ...record,
    data: '{"theme":"dark"}',
    flash: '{"theme":"<script>","admin":true}',
    subject: "user:1",
    subjectAt: clock.now(),
  });
  assertEquals(await store.read(flashed), undefined, "parse sees what would be shown");
  const lenient = new UnsignedCookieStore({ parse: JSON.parse, ...options });
  const believed = (await lenient.read(flashed))!;
  assertEquals([believed.data, believed.flash], ["{}", '{"theme":"<script>","admin":true}']);
  assertEquals(believed.subject, undefined, "nobody says whose session it is");
  const far = { ...record, renewedAt: 1e300, expiresAt: 1e300 };
  assertEquals(await lenient.read(await anybody.create("", far)), undefined);
  for (const result of [null, 5, "x", [], { at: new Date() }, undefined]) {
    const odd = new UnsignedCookieStore({ parse: () => result as object, ...options });
    assertEquals(await odd.read(await forge("{}")), undefined);
  }
  assertThrows(
    () => new UnsignedCookieStore({} as never),
    TypeError,
    "parse is not valid: it is required",
  );
});

Deno.test("a cookie of 4096 bytes is the largest, whatever its text", async () => {
  for (const [name, make] of Object.entries(COOKIE_STORES)) {
    const reached = new Set<number>();
    const sized = (length: number) => ({
      ...record,
      data: JSON.stringify({ small: 1, notes: "ż".repeat(length / 2) + "x".repeat(length % 2) }),
    });
    let length = 1000;
    while (await sizeOf(make({ ...options, memo: 0 }), sized(length)) < 4040) length += 5;
    // Blocks and base64 leave out sizes, which names of other lengths bring back.
    for (let letters = 1; letters < 60 && reached.size < 3; letters++) {
      for (let more = 0; more < 60; more++) {
        const store = make({ ...options, memo: 0 }).forCookie("s".repeat(letters));
        const size = await sizeOf(store, sized(length + more), letters);
        if (size < 4095 || size > 4097 || reached.has(size)) continue;
        reached.add(size);
        const seal = () => store.create("", sized(length + more));
        if (size <= 4096) {
          await seal();
          continue;
        }
        const error = await assertRejects(
          async () => await seal(),
          SessionTooLargeError,
          "the cookie is 4097 bytes",
        );
        assertEquals([error.size, error.limit], [4097, 4096]);
        assertStringIncludes(error.message, 'the largest key is "notes"');
        assert(!error.message.includes("ż"));
      }
    }
    assertEquals([...reached].toSorted(), [4095, 4096, 4097], name);
  }
});

Deno.test("cookie stores name what is largest where it isn't a key of the data", async () => {
  const clock = new FakeClock();
  const text = JSON.stringify({ device: "x".repeat(5000) });
  for (const make of Object.values(COOKIE_STORES)) {
    for (const [name, what] of [["meta", "session.meta"], ["flash", 'flashed key is "device"']]) {
      const record = makeRecord(clock, { data: '{"theme":"dark"}', [name!]: text });
      const store = make({ clock: clock.now });
      const seal = async () => await store.create("", record);
      await assertRejects(seal, SessionTooLargeError, `${what} with 50`);
    }
  }
});

/** The bytes of a cookie, whether it is kept or not. */
async function sizeOf(store: CookieStore, given: SessionRecord, letters = 3): Promise<number> {
  try {
    return letters + 1 + (await store.create("", given)).length;
  } catch (error) {
    if (error instanceof SessionTooLargeError) return error.size;
    throw error;
  }
}

Deno.test("cookie stores refuse options that are out of range", () => {
  for (const make of Object.values(COOKIE_STORES)) {
    for (const chunks of [0, 5, 1.5, NaN]) {
      assertThrows(() => make({ chunks }), RangeError, "chunks");
    }
    for (const memo of [-1, 1.5, NaN]) assertThrows(() => make({ memo }), RangeError, "memo");
  }
});

const anyRecord = fc.record({
  format: fc.constant(1 as const),
  sid: fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) =>
      btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22)
    ),
    fc.string(),
  ),
  version: fc.nat(),
  data: fc.object({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
  flash: fc.option(fc.dictionary(fc.string(), fc.string()).map((value) => JSON.stringify(value)), {
    nil: undefined,
  }),
  createdAt: fc.oneof(
    fc.integer({ min: 1.5e12, max: 3e12 }),
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
  ),
  lastSeenAt: fc.integer({ min: 1.5e12, max: 3e12 }),
  renewedAt: fc.integer({ min: 1.5e12, max: 3e12 }),
  expiresAt: fc.integer({ min: 1.5e12, max: 3e12 }),
  maxAge: fc.option(
    fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0.1, max: 1e9 })),
    { nil: undefined },
  ),
  browser: fc.option(fc.boolean(), { nil: undefined }),
  scope: fc.option(fc.string(), { nil: undefined }),
  cookie: fc.option(fc.string(), { nil: undefined }),
  meta: fc.option(fc.string(), { nil: undefined }),
  device: fc.option(fc.string(), { nil: undefined }),
  epoch: fc.option(fc.nat(), { nil: undefined }),
  generation: fc.option(fc.oneof(fc.nat(), fc.integer({ min: -1, max: 3e12 })), { nil: undefined }),
}).chain((value) =>
  fc.oneof(
    fc.constant({}),
    fc.record({
      subject: fc.option(fc.string(), { nil: undefined }),
      subjectAt: fc.option(
        fc.oneof(
          fc.integer({ min: -10_000, max: 10_000 }).map((since) => value.createdAt + since),
          fc.integer({ min: -2e6, max: 2e6 }).map((since) => value.createdAt + since / 1000),
          fc.integer({ min: 1.5e12, max: 3e12 }),
        ).filter((time) => Math.abs(time) <= 8.64e15),
        { nil: undefined },
      ),
    }),
  ).map((bound) => ({ ...value, ...bound }))
).map((value) => JSON.parse(JSON.stringify(value)) as typeof record);

Deno.test("packRecord() and toReadable() keep every record", () => {
  fc.assert(fc.property(anyRecord, (value) => {
    assertEquals(unpackRecord(packRecord(value)), value);
    assertEquals(fromReadable(toReadable(value)), value);
  }));
});

Deno.test("packRecord() keeps times that its bytes can't hold", () => {
  const far = Date.UTC(2020, 0) + 2 ** 40;
  const times = { createdAt: far, lastSeenAt: far, renewedAt: far, expiresAt: far + 1000 };
  for (const value of [{ ...record, ...times }, { ...record, createdAt: 1, renewedAt: 0 }]) {
    assertEquals(unpackRecord(packRecord(value)), value);
  }
});

Deno.test("marks never take an end back", async () => {
  const server = new Server(new MapStore({ ...options, maxEntries: Infinity }));
  const call = { c: undefined };
  const marks = new SessionMarks(new Marks(server, clock.now), "sid");
  const recall = (epoch: number) => marks.recall({ ...record, epoch }, call);
  const fateOf = async (epoch: number) => (await recall(epoch)).fate;
  const advance = async (epoch: number, remembered: Remembered) =>
    await marks.advance({ ...record, epoch }, remembered, call);
  const before = await recall(0);
  assertEquals(before.fate, "live");
  assertEquals(await advance(1, before), true);
  assertEquals(await advance(1, before), false, "of two at the same time one is too late");
  assertEquals(await advance(2, await recall(1)), true);
  assertEquals([await fateOf(0), await fateOf(1), await fateOf(2)], [
    "replaced",
    "replaced",
    "live",
  ]);
  const underWay = await recall(2);
  await marks.end(record, call);
  assertEquals(await advance(3, underWay), false, "a login that was under way");
  assertEquals([await fateOf(0), await fateOf(1e9)], ["ended", "ended"]);
  assertEquals((await marks.recall({ ...record, sid: "another" }, call)).fate, "live");
  const other = new SessionMarks(new Marks(server, clock.now), "other");
  assertEquals((await other.recall(record, call)).fate, "live", "in a cookie of another name");
});

Deno.test("unpackRecord() and fromReadable() bear any bytes and any text", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.string(), (bytes, text) => {
    unpackRecord(bytes);
    assertEquals(fromReadable(text), undefined);
  }));
});

Deno.test("packRecord() takes 23 bytes beside the data of a new session", () => {
  const data = JSON.stringify({ text: "x".repeat(189) });
  assertEquals(packRecord({ ...record, data }).length, data.length + 23);
});

Deno.test("packRecord() takes few bytes for a subject since just before, its meta, a scope and a cookie", () => {
  const texts = { subject: "user:42", meta: '{"device":"phone"}', scope: "a.test", cookie: "{}" };
  const bound = { ...record, ...texts, subjectAt: record.createdAt - 3 };
  const characters = Object.values(texts).join("").length;
  assertEquals(packRecord(bound).length, record.data.length + 23 + characters + 4 + 3);
  assertEquals(unpackRecord(packRecord(bound)), bound);
});

Deno.test("packRecord() takes 2 bytes for an epoch, and none for the first", () => {
  const written = { ...record, version: 2 };
  assertEquals(packRecord(written).length, record.data.length + 24);
  const replaced = { ...written, epoch: 1 };
  assertEquals(packRecord(replaced).length, record.data.length + 26);
  assertEquals(unpackRecord(packRecord(replaced)), replaced);
});

Deno.test("unpackRecord() reads what earlier versions packed", () => {
  const at = Date.parse("2030-01-01T00:00:00Z");
  const plain: SessionRecord = {
    format: 1,
    sid: "pXo9tUjcNKQGL1lXUmT0Nw",
    version: 1,
    data: '{"name":"Ada"}',
    createdAt: at,
    lastSeenAt: at,
    renewedAt: at,
    expiresAt: at + 3_600_000,
  };
  const full: SessionRecord = {
    ...plain,
    version: 300,
    flash: '{"notice":"żółć"}',
    lastSeenAt: at + 5000,
    renewedAt: at + 4000,
    expiresAt: at + 64_001,
    maxAge: 60,
    subject: "user:42",
    subjectAt: at + 3000,
    browser: true,
  };
  const packed: [string, SessionRecord][] = [
    ["AKV6PbVI3DSkBi9ZV1Jk9DdJfF7MAAR7Im5hbWUiOiJBZGEifQ==", plain],
    [
      "f6V6PbVI3DSkBi9ZV1Jk9DdJfF7MAIfTDqwCiCegHzy4Fwd1c2VyOjQyFXsibm90aWNlIjoixbzDs8WCxIcifXsibmFtZSI6IkFkYSJ9",
      full,
    ],
    [btoa(`\x80${JSON.stringify({ ...plain, meta: "{}" })}`), { ...plain, meta: "{}" }],
  ];
  for (const [text, expected] of packed) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    assertEquals(unpackRecord(bytes), expected);
  }
});

Deno.test("packRecord() keeps lifetimes in hours, minutes, seconds and milliseconds", () => {
  for (
    const life of [0, 1, 999, 1000, 59_000, 60_000, 61_000, 3_599_999, 86_400_000, 7 * 86_400_000]
  ) {
    const lived = { ...record, expiresAt: record.renewedAt + life };
    assertEquals(unpackRecord(packRecord(lived)), lived);
  }
});
