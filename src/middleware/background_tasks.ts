/** Called with every task that an execution context is told to wait for. */
type WatchTask = (task: unknown) => void;

/** The same execution context, with somebody who is told of its tasks. Its own methods are called on it. */
export function watchTasks<Tasks extends object>(tasks: Tasks, watch: WatchTask): Tasks {
  // What it has of its own may be frozen, so that a proxy of itself could give nothing else.
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
