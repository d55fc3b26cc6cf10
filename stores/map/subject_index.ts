/** The keys of the sessions of each subject. */
export class SubjectIndex {
  readonly #keys = new Map<string, Set<string>>();

  /** The number of subjects with sessions. */
  get size(): number {
    return this.#keys.size;
  }

  keysOf(subject: string): string[] {
    return [...this.#keys.get(subject) ?? []];
  }

  add(subject: string | undefined, key: string): void {
    if (subject === undefined) return;
    const keys = this.#keys.get(subject);
    if (keys) keys.add(key);
    else this.#keys.set(subject, new Set([key]));
  }

  delete(subject: string | undefined, key: string): void {
    if (subject === undefined) return;
    const keys = this.#keys.get(subject);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(subject);
  }
}
