const { process } = globalThis as {
  process?: { getBuiltinModule?(name: string): unknown };
};

/** The part of a module of Node that is used, on the runtimes that have it. */
export function nodeBuiltin<Module>(name: `node:${string}`): Module | undefined {
  return process?.getBuiltinModule?.(name) as Module | undefined;
}
