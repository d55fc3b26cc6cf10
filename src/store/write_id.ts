/**
 * Makes the identifier of a write: seven letters and digits. It needs to differ only between writers of one version of
 * a session.
 */
export function makeWriteId(): string {
  return Math.floor(Math.random() * 36 ** 7).toString(36).padStart(7, "0");
}
