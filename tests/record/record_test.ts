import { SessionSerializationError } from "@x/hono-session";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { copyMembers } from "../../src/record/deep_copy.ts";
import { hasSameMembers, isSameJson } from "../../src/record/deep_equal.ts";
import { JsonObject } from "../../src/record/json_object.ts";
import { merge } from "../../src/record/merge.ts";
import { changesRecord } from "../../src/record/pending_changes.ts";
import {
  isSessionRecord,
  joinMembers,
  type Members,
  parseMembers,
  parseObject,
} from "../../src/record/record.ts";
import { serializeValue } from "../../src/record/serialize.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

const json = fc.jsonValue({ maxDepth: 4 });
const object = fc.dictionary(
  fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.constantFrom("__proto__", "constructor", "toJSON", "a", "b"),
  ),
  json,
);

Deno.test("serializeValue() says what JSON.stringify says of what survives JSON", () => {
  fc.assert(fc.property(json, (value) => {
    assertEquals(serializeValue(value, "session"), JSON.stringify(value));
  }));
});

Deno.test("serializeValue() names the path of what would not survive JSON", () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const deep = JSON.parse("[".repeat(300) + "]".repeat(300));
  class Account {}
  class Stack extends Array<number> {}
  const cases: [unknown, string][] = [
    [NaN, "session is NaN"],
    [{ cart: [1, 2, { price: -Infinity }] }, "session.cart[2].price is -Infinity"],
    [{ "a b": () => 1 }, 'session["a b"] is a function'],
    [{ id: 1n }, "session.id is a bigint"],
    [{ id: Symbol("secret") }, "session.id is a symbol"],
    [{ list: [undefined] }, "session.list[0] is undefined"],
    // deno-lint-ignore no-sparse-arrays -- The hole is what is tested.
    [{ list: [1, , 3] }, "session.list[1] is undefined"],
    [{ found: "abc".match(/b/) }, 'session.found has the member "index" beside its items'],
    [{ list: [[1], Object.assign([], { total: 1 })] }, 'session.list[1] has the member "total"'],
    [{ list: Object.assign([1], { toJSON: () => [2] }) }, 'session.list has the member "toJSON"'],
    [{ list: Object.assign([1], { [Symbol("s")]: 2 }) }, "session.list has a symbol as key"],
    [{ stack: new Stack(1, 2) }, "session.stack is a Stack"],
    [[new Stack()], "session[0] is a Stack"],
    [{ at: new Date() }, "session.at is a Date"],
    [{ seen: new Set([1]) }, "session.seen is a Set"],
    [{ account: new Account() }, "session.account is a Account"],
    [{ [Symbol.iterator]: 1 }, "session has a symbol as key"],
    [cycle, "session.self is a cycle"],
    [deep, "levels deep"],
  ];
  for (const [value, message] of cases) {
    assertThrows(() => serializeValue(value, "session"), SessionSerializationError, message);
  }
});

Deno.test("serializeValue() takes the same object twice, undefined members and objects without prototype", () => {
  const shared = { a: 1 };
  assertEquals(
    serializeValue({ one: shared, other: shared }, "s"),
    '{"one":{"a":1},"other":{"a":1}}',
  );
  assertEquals(serializeValue({ a: undefined, b: 1 }, "s"), '{"b":1}');
  assertEquals(serializeValue(Object.assign(Object.create(null), { a: 1 }), "s"), '{"a":1}');
});

Deno.test("parseMembers() and joinMembers() keep every object", () => {
  fc.assert(fc.property(object, (value) => {
    const text = JSON.stringify(value);
    assertEquals(parseObject(joinMembers(parseMembers(text))), JSON.parse(text));
  }));
});

Deno.test("JsonObject equals what has the same members in whatever order, and nothing else", () => {
  fc.assert(fc.property(object, fc.string(), (value, more) => {
    const text = JSON.stringify(value);
    const members = parseMembers(text);
    const one = JsonObject.ofText(text);
    assert(one.equals(JsonObject.ofText(JSON.stringify(JSON.parse(text), null, 2))));
    assert(one.equals(JsonObject.ofMembers(new Map([...members].reverse()))));
    const key = [...members.keys()][0] ?? "key";
    const other = new Map(members).set(key, JSON.stringify([members.get(key), more]));
    assert(!one.equals(JsonObject.ofMembers(other)) && !JsonObject.ofMembers(other).equals(one));
    const longer = new Map(members).set(`${[...members.keys()].join()}.`, "1");
    assert(!one.equals(JsonObject.ofMembers(longer)) && !JsonObject.ofMembers(longer).equals(one));
  }));
});

Deno.test("copyMembers() gives what parsing the text once more gives, and shares nothing with it", () => {
  const parts = (value: unknown): object[] =>
    typeof value === "object" && value !== null
      ? [value, ...Object.values(value).flatMap(parts)]
      : [];
  fc.assert(fc.property(object, (value) => {
    const text = JSON.stringify(value);
    const parsed = parseObject(text);
    const copy = copyMembers(parsed);
    assertEquals(copy, parsed);
    assertEquals(JSON.stringify(copy), text);
    const known = new Set(parts(parsed));
    assert(!parts(copy).some((part) => known.has(part)));
  }));
});

/** What JSON stands for, with the keys of all objects in it in another order. */
function inOrder(json: unknown, compare: (one: string, other: string) => number): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map((each) => inOrder(each, compare));
  const entries = Object.entries(json).sort(([one], [other]) => compare(one, other));
  return Object.fromEntries(entries.map(([key, value]) => [key, inOrder(value, compare)]));
}

const ascending = (one: string, other: string) => one < other ? -1 : 1;
const descending = (one: string, other: string) => one < other ? 1 : -1;

Deno.test("hasSameMembers() agrees with the texts of what survives JSON", () => {
  fc.assert(fc.property(object, object, (one, other) => {
    const [text, another] = [JSON.stringify(one), JSON.stringify(other)];
    assert(hasSameMembers(parseObject(text), parseObject(text)));
    const reversed = inOrder(parseObject(text), descending) as object;
    assert(hasSameMembers(reversed, parseObject(text)), "in another order");
    assert(hasSameMembers({ value: [reversed] }, { value: [parseObject(text)] }), "further in");
    const more = { ...reversed, more: undefined };
    assertEquals(hasSameMembers(more, parseObject(text)), !Object.hasOwn(one, "more"));
    const [sorted, others] = [text, another].map((text) =>
      JSON.stringify(inOrder(JSON.parse(text), ascending))
    );
    assertEquals(hasSameMembers(parseObject(text), parseObject(another)), sorted === others);
    assertEquals(isSameJson(text, another), sorted === others);
    assert(isSameJson(text, JSON.stringify(reversed)));
  }));
});

Deno.test("isSameJson() compares what texts stand for", () => {
  const cases: [one: string | undefined, other: string | undefined, isSame: boolean][] = [
    [undefined, undefined, true],
    [undefined, "null", false],
    ['{"a":1,"b":[{"c":1,"d":2}]}', '{"b":[{"d":2,"c":1}],"a":1}', true],
    ['{"a":1,"b":2}', '{"a":2,"b":1}', false],
    ["[1,2]", "[2,1]", false],
    ['"ab"', '"ba"', false],
    ["1", "12", false],
  ];
  for (const [one, other, isSame] of cases) {
    assertEquals(isSameJson(one, other), isSame, `${one} ${other}`);
    assertEquals(isSameJson(other, one), isSame, `${other} ${one}`);
  }
});

Deno.test("hasSameMembers() tells what would not survive JSON from what its text stands for", () => {
  class Point {
    x = 1;
  }
  // deno-lint-ignore no-sparse-arrays -- The hole is what is tested.
  const holed = [, 1];
  const cases: [unknown, unknown][] = [
    [NaN, null],
    [undefined, null],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(0), {}],
    [new Point(), { x: 1 }],
    [{ x: 1, [Symbol("y")]: 2 }, { x: 1 }],
    [{ x: 1, toJSON: () => 1 }, { x: 1 }],
    [Object.defineProperty({ x: 1 }, "toJSON", { value: () => 1 }), { x: 1 }],
    [Object.assign([1], { toJSON: () => [2] }), [1]],
    [
      new (class extends Array {
        toJSON() {}
      })(1),
      [undefined],
    ],
    [holed, [null, 1]],
    ["abc".match(/b/), ["b"]],
    [Object.assign([1], { total: 1 }), [1]],
    [Object.assign([], { [Symbol("s")]: 1 }), []],
    [new (class Stack extends Array {})(), []],
    [[1], { 0: 1 }],
    [{ 0: 1 }, [1]],
    [[], {}],
    [() => 1, {}],
    [1n, 1],
    [new Map(), {}],
  ];
  for (const [value, json] of cases) {
    assert(!hasSameMembers({ value }, { value: json }), Deno.inspect(value));
    assert(!hasSameMembers({ value: [{ value }] }, { value: [{ value: json }] }));
  }
  assert(!hasSameMembers({ a: 1, [Symbol("b")]: 2 }, { a: 1 }));
  assert(!hasSameMembers({ constructor: Object }, { a: 1 }), "what every object inherits");
});

Deno.test("parseObject() refuses what is no object", () => {
  for (const text of ["null", "1", '"x"', "[]", "", "{", "undefined"]) {
    assertThrows(() => parseObject(text), SyntaxError);
  }
});

Deno.test("isSessionRecord() refuses torn, foreign and future records", () => {
  const record = makeRecord(new FakeClock());
  assert(isSessionRecord(record));
  for (const key of Object.keys(record)) {
    const { [key as keyof typeof record]: _, ...torn } = record;
    assert(!isSessionRecord(torn), `without ${key}`);
    for (const value of [null, {}, key === "data" || key === "sid" ? 1 : "1"]) {
      assert(!isSessionRecord({ ...record, [key]: value }), `${key}: ${JSON.stringify(value)}`);
    }
  }
  for (
    const value of [undefined, null, 1, "record", [], { ...record, format: 2 }, {
      ...record,
      flash: 1,
    }]
  ) {
    assert(!isSessionRecord(value));
  }
});

Deno.test("merge() keeps mine where I changed it and theirs elsewhere", () => {
  const members = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 2 }))
    .map((value): Members => parseMembers(JSON.stringify(value)));
  fc.assert(fc.property(members, members, members, (base, mine, theirs) => {
    const merged = merge(base, mine, theirs);
    for (const key of ["a", "b", "c", "d"]) {
      const changed = base.get(key) !== mine.get(key);
      assertEquals(merged.get(key), (changed ? mine : theirs).get(key));
    }
  }));
});

Deno.test("changesRecord() compares what is pending, whatever a store gives for members that are absent", () => {
  const record = { ...makeRecord(new FakeClock()), meta: '{"a":1}' };
  const loaded = { ...record };
  for (const absent of ["cookieName", "browser"]) Reflect.set(loaded, absent, undefined);
  for (const each of [record, loaded]) {
    assert(!changesRecord({ meta: '{"a":1}' }, each));
    assert(!changesRecord({ subject: null, provider: null, cookie: null }, each));
    assert(changesRecord({ meta: '{"a":2}' }, each));
    assert(changesRecord({ meta: null }, each));
  }
});
