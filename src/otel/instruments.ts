import { type Counter, type Histogram, metrics } from "@opentelemetry/api";

const METER = "@x/hono-session";

const END_REASON = "hono_session.end.reason";
const REJECTION_REASON = "hono_session.rejection.reason";
const OPERATION = "hono_session.store.operation";
/** The attribute of the semantic conventions. */
const ERROR_TYPE = "error.type";

/** The boundaries of the semantic conventions for the durations of database calls, in seconds. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

type All = ReturnType<typeof createAll>;

/**
 * The instruments of one configuration. They are created at the first use, when the SDK is set up. A failure of
 * an instrument must not fail what it measures.
 */
export class Instruments {
  #all: All | undefined;

  created(): void {
    this.#use(({ created }) => created.add(1));
  }

  ended(reason: string): void {
    this.#use(({ ended }) => ended.add(1, { [END_REASON]: reason }));
  }

  rejected(reason: string): void {
    this.#use(({ rejected }) => rejected.add(1, { [REJECTION_REASON]: reason }));
  }

  conflict(): void {
    this.#use(({ conflicts }) => conflicts.add(1));
  }

  storeError(operation: string): void {
    this.#use(({ storeErrors }) => storeErrors.add(1, { [OPERATION]: operation }));
  }

  /** Records an operation of the store, and the error with which it failed, if it did. */
  operation(name: string, seconds: number, failure?: { readonly error: unknown }): void {
    this.#use(({ duration }) => {
      if (!failure) return duration.record(seconds, { [OPERATION]: name });
      const { error } = failure;
      const type = error instanceof Error ? error.name : "_OTHER";
      duration.record(seconds, { [OPERATION]: name, [ERROR_TYPE]: type });
    });
  }

  #use(measure: (all: All) => void): void {
    try {
      measure(this.#all ??= createAll());
    } catch {
      // The SDK reports its own failures.
    }
  }
}

function createAll() {
  const meter = metrics.getMeter(METER);
  const count = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(`hono_session.${name}`, { unit, description });
  const duration: Histogram = meter.createHistogram("hono_session.store.operation.duration", {
    unit: "s",
    description: "The duration of store operations",
    advice: { explicitBucketBoundaries: BOUNDARIES },
  });
  return {
    created: count("created", "{session}", "Sessions that were stored for the first time"),
    ended: count("ended", "{session}", "Sessions that were ended before they expired"),
    rejected: count("rejected", "{token}", "Tokens that were not accepted"),
    conflicts: count("conflicts", "{conflict}", "Commits that conflicted with another request"),
    storeErrors: count("store.errors", "{error}", "Operations that failed or took too long"),
    duration,
  };
}
