// What the tests run inside workerd: the objects of the store, and a Worker through which tests reach them.
import { type DurableObjectStateLike, SessionObject } from "@x/hono-session/stores/durable-objects";

/** What a test asks of an object, beside what the store asks of it. */
export type Order =
  /** Throws before the operation. */
  | "throw"
  /** Executes the operation, then throws. */
  | "lose"
  /** Executes the operation, then ends the isolate before the answer has left. */
  | "abort"
  /** Ends the isolate. */
  | "restart"
  /** Runs the alarm, and answers which instance it was. */
  | "alarm"
  /** Answers the time of the alarm. */
  | "scheduled"
  /** Answers what was counted since the last time. */
  | "units"
  /** Answers everything that is stored. */
  | "rows";

/** What Cloudflare bills of an object, and what it counts as a request. */
export interface Units {
  requests: number;
  read: number;
  written: number;
}

interface Cursor {
  toArray(): Record<string, unknown>[];
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

interface State extends DurableObjectStateLike {
  readonly storage: DurableObjectStateLike["storage"] & { deleteAlarm(): Promise<void> };
  abort(reason: string): void;
}

interface Namespace {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(request: Request): Promise<Response> };
}

/** The object of the package, with orders of tests and a clock of theirs for alarms. */
export class TestObject {
  readonly #state: State;
  readonly #object: SessionObject;
  readonly #instance = crypto.randomUUID();
  #now: number | undefined;
  #units: Units = { requests: 0, read: 0, written: 0 };

  constructor(state: State) {
    this.#state = state;
    const clock = () => this.#now ?? Date.now();
    const { storage } = state;
    const counted: DurableObjectStateLike["storage"] = {
      sql: {
        exec: (query, ...bindings) => {
          const cursor = storage.sql.exec(query, ...bindings) as Cursor;
          const rows = cursor.toArray();
          this.#units.read += cursor.rowsRead;
          this.#units.written += cursor.rowsWritten;
          return { toArray: () => rows };
        },
      },
      getAlarm: () => storage.getAlarm(),
      setAlarm: (time) => {
        this.#units.written++;
        return storage.setAlarm(time);
      },
    };
    const watched: DurableObjectStateLike = {
      storage: counted,
      acceptWebSocket: (socket, tags) => state.acceptWebSocket!(socket, tags),
      getWebSockets: (tag) => state.getWebSockets!(tag),
    };
    this.#object = new SessionObject(watched, undefined, { clock });
  }

  async fetch(request: Request): Promise<Response> {
    const { headers } = request;
    const order = headers.get("x-order") as Order | null;
    if (headers.has("x-now")) this.#now = Number(headers.get("x-now"));
    if (order === "throw") throw new Error("an object that throws");
    if (order === "restart") this.#state.abort("the isolate ends");
    if (order === "units") {
      const units = this.#units;
      this.#units = { requests: 0, read: 0, written: 0 };
      return Response.json(units);
    }
    if (order === "rows") return Response.json(this.#rows());
    if (order === "scheduled") return Response.json(await this.#state.storage.getAlarm());
    if (order === "alarm") {
      // An alarm that runs is set no longer.
      await this.#state.storage.deleteAlarm();
      await this.#object.alarm();
      return Response.json(this.#instance);
    }
    this.#units.requests++;
    const response = await this.#object.fetch(request);
    if (order === "lose") throw new Error("an answer that got lost");
    if (order === "abort") this.#state.abort("the isolate ends");
    return response;
  }

  async alarm(): Promise<void> {
    await this.#object.alarm();
  }

  webSocketClose(socket: { close(): void }): void {
    this.#object.webSocketClose(socket);
  }

  #rows(): Record<string, unknown> {
    const { sql } = this.#state.storage;
    const tables = ["records", "ends", "entries", "generations"];
    return Object.fromEntries(
      tables.map((table) => [table, sql.exec(`SELECT * FROM ${table}`).toArray()]),
    );
  }
}

export default {
  async fetch(request: Request, { SESSIONS }: { SESSIONS: Namespace }): Promise<Response> {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    try {
      return await SESSIONS.get(SESSIONS.idFromName(name)).fetch(request);
    } catch (error) {
      return new Response(String(error), { status: 599 });
    }
  },
};
