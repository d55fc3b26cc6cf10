const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Puts bytes, numbers and texts one after the other. */
export class Writer {
  readonly #parts: ArrayLike<number>[] = [];

  bytes(bytes: ArrayLike<number>): void {
    this.#parts.push(bytes);
  }

  /** Seven bits a byte, the lowest first. */
  number(value: number): void {
    const bytes: number[] = [];
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    bytes.push(value);
    this.bytes(bytes);
  }

  text(text: string): void {
    const bytes = encoder.encode(text);
    this.number(bytes.length);
    this.bytes(bytes);
  }

  packed(head: number[]): Uint8Array<ArrayBuffer> {
    const parts = [head, ...this.#parts];
    const packed = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const part of parts) {
      packed.set(part, offset);
      offset += part.length;
    }
    return packed;
  }
}

/** Takes them in the same order. It throws when there are too few, or when a text is none. */
export class Reader {
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length) throw new RangeError("Cannot read record: it is too short");
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return bytes;
  }

  number(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.bytes(1)[0]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  text(): string {
    return decoder.decode(this.bytes(this.number()));
  }

  rest(): Uint8Array {
    return this.#bytes;
  }
}
