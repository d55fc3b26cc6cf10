/** The top of the project. */
export const ROOT = new URL("../", import.meta.url);

/** The path of a file on this machine. */
export function fromFileUrl(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
