const PRINTED = "[hono-session]";

/** What shows nothing of itself when it is printed, as part of a context for example: it leads to secrets and data. */
export abstract class Unprinted {
  [Symbol.for("Deno.customInspect")](): string {
    return PRINTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return PRINTED;
  }
}
