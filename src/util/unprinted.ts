/** A class whose instances print as nothing, for example as part of a context: they hold secrets and data. */
export abstract class Unprinted {
  // The symbol of Node, which Deno and Bun use as well.
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[hono-session]";
  }
}
