import type {
  DeleteAllOptions,
  OnSessionEnd,
  SessionEndReason,
  SessionRecord,
  StoreReplacement,
} from "@x/hono-session";
import { broken, type BrokenStore, SoundStore } from "./sound_store.ts";

/** A sound store that can be silent. */
class SilentStore extends SoundStore {
  isSilent = false;

  override notify(key: string, reason?: SessionEndReason) {
    if (!this.isSilent) super.notify(key, reason);
  }

  async inSilence<Result>(run: () => Promise<Result>): Promise<Result> {
    this.isSilent = true;
    try {
      return await run();
    } finally {
      this.isSilent = false;
    }
  }
}

const NOTIFIES = "a watcher is notified of records that are deleted or moved, and of no others";

/** Mistakes that authors of stores make in notifications. */
export const BROKEN_WATCHES: BrokenStore[] = [
  broken(
    "records are deleted in silence",
    class extends SilentStore {
      override delete(key: string) {
        return this.inSilence(() => super.delete(key));
      }
    },
    NOTIFIES,
  ),
  broken(
    "records move in silence",
    class extends SilentStore {
      override replace(key: string, next: StoreReplacement, previous: SessionRecord) {
        return this.inSilence(() => super.replace(key, next, previous));
      }
    },
    NOTIFIES,
  ),
  broken(
    "every write is reported",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        this.notify(key);
        return super.put(key, record);
      }
    },
    NOTIFIES,
  ),
  broken(
    "the reason is not passed on",
    class extends SoundStore {
      override notify(key: string) {
        super.notify(key);
      }
    },
    NOTIFIES,
    "a watcher is notified of every session of a subject that ends",
  ),
  broken(
    "only one is notified",
    class extends SoundStore {
      override watch(onEnd: OnSessionEnd) {
        this.watchers.clear();
        return super.watch(onEnd);
      }
    },
    NOTIFIES,
  ),
  broken(
    "all sessions of a subject are ended in silence",
    class extends SilentStore {
      override deleteAll(subject: string, options: DeleteAllOptions) {
        return this.inSilence(() => super.deleteAll(subject, options));
      }
    },
    "a watcher is notified of every session of a subject that ends",
  ),
  broken(
    "notifications can't be stopped",
    class extends SoundStore {
      override watch(onEnd: OnSessionEnd) {
        super.watch(onEnd);
        return () => {};
      }
    },
    "a watcher that has stopped is notified of nothing more",
  ),
  broken(
    "who stops stops all others",
    class extends SoundStore {
      override watch(onEnd: OnSessionEnd) {
        super.watch(onEnd);
        return () => this.watchers.clear();
      }
    },
    "a watcher that has stopped is notified of nothing more",
  ),
];

/** A sound store that notifies of single records. */
export class SoundRecordStore extends SoundStore {
  override readonly capabilities = {
    ...new SoundStore(Date.now).capabilities,
    watch: "record",
  } as const;

  override watch(onEnd: OnSessionEnd, _c?: unknown, key?: string): () => void {
    return super.watch((ended, reason) => this.isMeant(ended, key) && onEnd(ended, reason));
  }

  isMeant(ended: string, key: string | undefined): boolean {
    return ended === key;
  }
}

/** Mistakes that authors of stores make in notifications of single records. */
export const BROKEN_RECORD_WATCHES: BrokenStore[] = [
  broken(
    "the last record that is watched is the only one",
    class extends SoundRecordStore {
      last: string | undefined;

      override watch(onEnd: OnSessionEnd, c?: unknown, key?: string) {
        this.last = key;
        return super.watch(onEnd, c, key);
      }

      override isMeant(ended: string) {
        return ended === this.last;
      }
    },
    NOTIFIES,
    "a watcher is notified of every session of a subject that ends",
  ),
  broken(
    "a watcher of a record is notified of the one that it moves to",
    class extends SoundRecordStore {
      override async replace(key: string, next: StoreReplacement, previous: SessionRecord) {
        const { watchers } = this;
        const kept = [...watchers];
        watchers.clear();
        const isMoved = await super.replace(key, next, previous);
        for (const watcher of kept) watchers.add(watcher);
        this.notify(next.key);
        return isMoved;
      }
    },
    NOTIFIES,
  ),
  broken(
    "every write is reported to the watchers of the record",
    class extends SoundRecordStore {
      override put(key: string, record: SessionRecord) {
        this.notify(key);
        return super.put(key, record);
      }
    },
    NOTIFIES,
  ),
  broken(
    "one who stops watching a record stops the others",
    class extends SoundRecordStore {
      override watch(onEnd: OnSessionEnd, c?: unknown, key?: string) {
        super.watch(onEnd, c, key);
        return () => this.watchers.clear();
      }
    },
    "a watcher that has stopped is notified of nothing more",
  ),
];
