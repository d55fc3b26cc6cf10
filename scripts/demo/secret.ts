/** Reads the secret of the demo, which it makes when it is started for the first time. */
export async function readSecret(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  await Deno.writeTextFile(path, secret, { createNew: true, mode: 0o600 });
  return secret;
}
