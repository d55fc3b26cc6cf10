/** From this status on a response means that the request failed. */
const FAILED = 500;

/** Checks whether a status means that the request failed. */
export function isFailure(status: number): boolean {
  return status >= FAILED;
}

/** Checks whether a request commits its changes. One that failed drops them, unless `commitOnError` keeps them. */
export function keepsChanges(
  { commitOnError }: { readonly commitOnError: boolean },
  status: number,
): boolean {
  return commitOnError || !isFailure(status);
}

/**
 * Returns the status of Hono's default response to an error: that of the response in the error, as in an
 * `HTTPException`, else 500.
 */
export function statusOf(error: unknown): number {
  // Hono uses nothing else as a response.
  if (!(error instanceof Error) || !("getResponse" in error)) return FAILED;
  if ("status" in error && typeof error.status === "number") return error.status;
  try {
    return (error.getResponse as () => Response)().status;
  } catch {
    return FAILED;
  }
}
