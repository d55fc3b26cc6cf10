/** The properties of AWS SDK errors that are used. */
interface AwsErrorLike {
  readonly name?: unknown;
  readonly $metadata?: { readonly attempts?: unknown };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

const REFUSED = "ConditionalCheckFailed";

/** The reason of a failed write, as far as this store can handle it. */
export interface Failure {
  /**
   * - `refused`: its condition did not hold.
   * - `busy`: another request was writing the same item in that moment.
   * - `unknown operation`: the server does not know it.
   */
  readonly reason: "refused" | "busy" | "unknown operation" | "other";
  /** Whether the client may have sent the request more than once. */
  readonly isRepeated: boolean;
  /** The positions of the items in a transaction whose conditions failed. */
  readonly refused: readonly number[];
}

/** Classifies an error of the AWS SDK. */
export function failureOf(error: unknown): Failure {
  const { name, $metadata, CancellationReasons = [] } = (error ?? {}) as AwsErrorLike;
  const codes = CancellationReasons.map(({ Code }) => Code);
  return {
    reason: reasonOf(name, new Set(codes)),
    isRepeated: $metadata?.attempts !== 1,
    refused: codes.flatMap((code, place) => code === REFUSED ? [place] : []),
  };
}

function reasonOf(name: unknown, codes: Set<string | undefined>): Failure["reason"] {
  switch (name) {
    case "ConditionalCheckFailedException":
      return "refused";
    case "TransactionConflictException":
      return "busy";
    case "UnknownOperationException":
      return "unknown operation";
    case "TransactionCanceledException": {
      codes.delete("None");
      const isRefused = codes.delete(REFUSED);
      const isBusy = codes.delete("TransactionConflict");
      // Everything else, such as throttling, is a failure of the backend.
      if (codes.size === 0 && isBusy) return "busy";
      if (codes.size === 0 && isRefused) return "refused";
    }
  }
  return "other";
}
