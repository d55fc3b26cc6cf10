import type { DynamoDbDocumentLike } from "@x/hono-session/stores/dynamodb";

/** What is thrown at whoever goes on after its process has died. */
export class DiedError extends Error {}

/** A document that calls something before each request, counted from 0. */
export function watched(
  document: DynamoDbDocumentLike,
  before: (step: number) => unknown,
): DynamoDbDocumentLike {
  let step = 0;
  return new Proxy(document, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        await before(step++);
        return await method.apply(target, args);
      };
    },
  });
}

/** A document whose process dies after so many requests, those under way included. */
export function mortal(document: DynamoDbDocumentLike, requests: number): DynamoDbDocumentLike {
  const running = new Set<Promise<unknown>>();
  let step = 0;
  return new Proxy(document, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        if (step++ >= requests) {
          await Promise.allSettled(running);
          throw new DiedError(`After ${requests} requests`);
        }
        const answer = method.apply(target, args);
        running.add(answer);
        return await answer;
      };
    },
  });
}

/** A document some of whose methods are others. */
export function altered(
  document: DynamoDbDocumentLike,
  methods: Partial<DynamoDbDocumentLike>,
): DynamoDbDocumentLike {
  return new Proxy(document, {
    get(target, name) {
      const method = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}
