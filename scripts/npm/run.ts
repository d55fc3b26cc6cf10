export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
}

/**
 * Runs a program to its end.
 *
 * @returns What it wrote to its standard output.
 * @throws {Error} With all that it wrote, when it fails.
 */
export async function run(
  [command, ...args]: [string, ...string[]],
  options: RunOptions,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, ...options })
    .output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  if (success) return output;
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${decoder.decode(stderr)}${output}`);
}
