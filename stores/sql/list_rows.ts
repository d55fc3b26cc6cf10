import type { ListedSession, ListPage } from "../../src/store/contract.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { SqlValues } from "./compile.ts";
import type { SqlRow } from "./driver.ts";
import { recordOf, toText } from "./row.ts";

/** The largest number of sessions that are read at once. */
const MOST = 500;

/**
 * Lists the sessions of a subject, some of them at a time.
 *
 * @param read Reads the rows after a place, up to a limit.
 */
export async function* listRows(
  { after, limit = Infinity }: ListPage,
  read: (place: SqlValues) => Awaitable<readonly SqlRow[]>,
): AsyncGenerator<ListedSession> {
  const size = Math.min(limit, MOST);
  let place: SqlValues = {
    afterAt: after?.subjectAt ?? Number.MAX_VALUE,
    afterSid: toText(after?.sid ?? ""),
    afterKey: "",
  };
  let rows: readonly SqlRow[];
  do {
    rows = await read({ ...place, limit: size });
    for (const row of rows) {
      const [at, sid, key] = Object.values(row).slice(-3);
      place = { afterAt: Number(at), afterSid: String(sid), afterKey: String(key) };
      const found = recordOf(row);
      if (!found) continue;
      const { data: _, flash: __, ...record } = found;
      yield { key: String(key), record };
    }
  } while (rows.length > 0 && rows.length === size);
}
