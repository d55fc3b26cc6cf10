/** What is read of an error of the AWS SDK. */
interface AwsErrorLike {
  readonly name?: unknown;
  readonly $metadata?: { readonly attempts?: unknown };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

/** Why a write failed, as far as this store can do something about it. */
export interface Failure {
  /**
   * - `refused`: its condition did not hold.
   * - `busy`: another request was writing the same item in that moment.
   * - `unknown operation`: the server does not know it.
   */
  readonly reason: "refused" | "busy" | "unknown operation" | "other";
  /** Whether the client may have sent the request more than once. */
  readonly isRepeated: boolean;
}

/** What an error of the AWS SDK says. */
export function failureOf(error: unknown): Failure {
  const { name, $metadata, CancellationReasons } = (error ?? {}) as AwsErrorLike;
  return { reason: reasonOf(name, CancellationReasons), isRepeated: $metadata?.attempts !== 1 };
}

function reasonOf(
  name: unknown,
  reasons: AwsErrorLike["CancellationReasons"] = [],
): Failure["reason"] {
  switch (name) {
    case "ConditionalCheckFailedException":
      return "refused";
    case "TransactionConflictException":
      return "busy";
    case "UnknownOperationException":
      return "unknown operation";
    case "TransactionCanceledException": {
      const codes = new Set(reasons.map(({ Code }) => Code));
      codes.delete("None");
      const isRefused = codes.delete("ConditionalCheckFailed");
      const isBusy = codes.delete("TransactionConflict");
      // Whatever is left, such as throttling, is a failure of the backend.
      if (codes.size === 0 && isBusy) return "busy";
      if (codes.size === 0 && isRefused) return "refused";
    }
  }
  return "other";
}
