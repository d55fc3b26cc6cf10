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

const NOTIFIES =
  "whoever watches is notified of records that are deleted or moved, and of no others";

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
    "whoever watches is notified of every session of a subject that ends",
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
    "whoever watches is notified of every session of a subject that ends",
  ),
  broken(
    "notifications can't be stopped",
    class extends SoundStore {
      override watch(onEnd: OnSessionEnd) {
        super.watch(onEnd);
        return () => {};
      }
    },
    "whoever has stopped watching is notified of nothing more",
  ),
  broken(
    "who stops stops all others",
    class extends SoundStore {
      override watch(onEnd: OnSessionEnd) {
        super.watch(onEnd);
        return () => this.watchers.clear();
      }
    },
    "whoever has stopped watching is notified of nothing more",
  ),
];
