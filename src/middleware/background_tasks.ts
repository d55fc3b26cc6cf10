/** Called with every task that is passed to `waitUntil`. */
type WatchTask = (task: unknown) => void;

/** Wraps an execution context so that its tasks are reported. Its methods are called on the original. */
export function watchTasks<Tasks extends object>(tasks: Tasks, watch: WatchTask): Tasks {
  // Its own properties may be frozen, and a proxy must return frozen properties unchanged. Therefore the target
  // is an object that inherits from it.
  return new Proxy<Tasks>(Object.create(tasks), {
    get(_, name) {
      const value: unknown = Reflect.get(tasks, name);
      if (typeof value !== "function") return value;
      if (name !== "waitUntil") return value.bind(tasks);
      return (task: unknown, ...rest: unknown[]) => {
        watch(task);
        return value.call(tasks, task, ...rest);
      };
    },
    set: (_, name, value) => Reflect.set(tasks, name, value),
  });
}
