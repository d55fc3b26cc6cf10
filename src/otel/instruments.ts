import { type Counter, type Histogram, metrics } from "@opentelemetry/api";

const METER = "@x/hono-session";

const END_REASON = "hono_session.end.reason";
const REJECTION_REASON = "hono_session.rejection.reason";
const OPERATION = "hono_session.store.operation";
/** The attribute of the semantic conventions. */
const ERROR_TYPE = "error.type";

/** The boundaries of the semantic conventions for the durations of database calls, in seconds. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** The instruments of one configuration. They are created at the first use, when the SDK is set up. */
export class Instruments {
  #all: ReturnType<typeof createAll> | undefined;

  get #instruments(): ReturnType<typeof createAll> {
    return this.#all ??= createAll();
  }

  created(): void {
    this.#instruments.created.add(1);
  }

  ended(reason: string): void {
    this.#instruments.ended.add(1, { [END_REASON]: reason });
  }

  rejected(reason: string): void {
    this.#instruments.rejected.add(1, { [REJECTION_REASON]: reason });
  }

  conflict(): void {
    this.#instruments.conflicts.add(1);
  }

  storeError(operation: string): void {
    this.#instruments.storeErrors.add(1, { [OPERATION]: operation });
  }

  /** Records an operation of the store, and the error with which it failed, if it did. */
  operation(name: string, seconds: number, failure?: { readonly error: unknown }): void {
    const { duration } = this.#instruments;
    if (!failure) return duration.record(seconds, { [OPERATION]: name });
    const { error } = failure;
    const type = error instanceof Error ? error.name : "_OTHER";
    duration.record(seconds, { [OPERATION]: name, [ERROR_TYPE]: type });
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
    conflicts: count("conflicts", "{conflict}", "Commits that another request was faster than"),
    storeErrors: count("store.errors", "{error}", "Operations that failed or took too long"),
    duration,
  };
}
