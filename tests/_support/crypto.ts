import { nodeCrypto } from "../../src/crypto/node.ts";

type Operation = "encrypt" | "decrypt" | "sign" | "verify";
type Calls = Partial<Record<keyof SubtleCrypto, number>>;
type Method = (...args: unknown[]) => unknown;

/** What stands for an operation of Web Crypto. Who verifies an HMAC signs as well, and compares. */
const OF_NODE: Record<string, (calls: Calls) => void> = {
  createCipheriv: (calls) => add(calls, "encrypt", 1),
  createDecipheriv: (calls) => add(calls, "decrypt", 1),
  createHmac: (calls) => add(calls, "sign", 1),
};

function add(calls: Calls, operation: Operation, count: number): void {
  calls[operation] = (calls[operation] ?? 0) + count;
  if (calls[operation] === 0) delete calls[operation];
}

/** Puts something before the methods of an object while something runs. */
async function around(
  methods: object,
  before: Record<string, () => void>,
  run: () => Promise<void>,
): Promise<void> {
  const real: Record<string, PropertyDescriptor | undefined> = {};
  for (const [name, tell] of Object.entries(before)) {
    const method: Method = Reflect.get(methods, name);
    real[name] = Object.getOwnPropertyDescriptor(methods, name);
    const value = (...args: unknown[]) => {
      tell();
      return method.apply(methods, args);
    };
    Object.defineProperty(methods, name, { value, configurable: true, writable: true });
  }
  try {
    await run();
  } finally {
    for (const [name, descriptor] of Object.entries(real)) {
      if (descriptor) Object.defineProperty(methods, name, descriptor);
      else Reflect.deleteProperty(methods, name);
    }
  }
}

/** Counts the operations of cryptography while something runs, by their names in Web Crypto. */
export async function counting(run: () => Promise<void>): Promise<Calls> {
  const calls: Calls = {};
  const { subtle } = crypto;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(subtle)) as (keyof SubtleCrypto)[];
  const ofWeb = names.filter((name) => typeof subtle[name] === "function")
    .map((name) => [name, () => void (calls[name] = (calls[name] ?? 0) + 1)]);
  const ofNode = Object.entries(OF_NODE).map(([name, count]) => [name, () => count(calls)]);
  await around(
    subtle,
    Object.fromEntries(ofWeb),
    () => around(nodeCrypto!, Object.fromEntries(ofNode), run),
  );
  return calls;
}

/** Runs something as on a runtime that has no more of `node:crypto` than its name. */
export async function withoutNodeCrypto(run: () => Promise<void>): Promise<void> {
  const refuse = () => {
    throw new Error("Not implemented");
  };
  const names = Object.keys(OF_NODE).map((name) => [name, refuse]);
  await around(nodeCrypto!, Object.fromEntries(names), run);
}
