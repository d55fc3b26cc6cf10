/** From this status on an answer says that the request failed. */
const FAILED = 500;

/** Whether an answer with a status says that the request failed. */
export function isFailure(status: number): boolean {
  return status >= FAILED;
}

/**
 * The status with which Hono answers an error by default: the one of the response that comes with it, as that of an
 * `HTTPException` does, and 500 without one.
 */
export function statusOf(error: unknown): number {
  // Hono answers nothing else.
  if (!(error instanceof Error) || !("getResponse" in error)) return FAILED;
  if ("status" in error && typeof error.status === "number") return error.status;
  try {
    return (error.getResponse as () => Response)().status;
  } catch {
    return FAILED;
  }
}
