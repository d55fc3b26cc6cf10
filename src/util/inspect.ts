const PRINTED = "[hono-session]";

/** A class whose instances print as nothing, for example as part of a context: they hold secrets and data. */
export abstract class Unprinted {
  [Symbol.for("Deno.customInspect")](): string {
    return PRINTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return PRINTED;
  }
}
