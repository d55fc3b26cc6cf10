const PATIENCE = 10_000;

/**
 * Whether Deno can resolve a `jsr:` specifier, from its cache or from the registry. It is asked once per
 * task, with a short time-out, because a network without JSR may not even refuse.
 */
export async function canResolve(specifier: string): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["info", "--no-config", specifier],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
}
