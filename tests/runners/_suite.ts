import process from "node:process";
import { MapStore } from "../../stores/map.ts";
import { storeConformance } from "../../stores/testing.ts";

/** A store that brings back what was deleted. */
class UpsertingStore extends MapStore {
  override update(...[key, record]: Parameters<MapStore["update"]>): boolean {
    this.delete(key);
    return this.create(key, record);
  }
}

/** Declares the conformance suite to a test runner: of a broken store when the environment says so. */
export function declareSuite(test: (name: string, run: () => Promise<void>) => unknown): void {
  const Store = process.env["BROKEN_STORE"] ? UpsertingStore : MapStore;
  storeConformance({
    name: Store.name,
    capabilities: new Store().capabilities,
    test,
    open: (clock) => ({ store: new Store({ clock }) }),
    onSkip: () => {},
  });
}
