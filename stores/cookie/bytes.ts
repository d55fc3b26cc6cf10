const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The largest number of UTF-8 bytes per UTF-16 unit. */
const UNIT_BYTES = 3;

/** The buffer that all writers share, one after the other: allocating bytes takes longer than writing them. */
const shared = new Uint8Array(4096);

/** Writes bytes, numbers and texts in sequence. The result is valid until another writer starts. */
export class Writer {
  #bytes = shared;
  #length = 0;

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Writes a number in a fixed number of bytes, big-endian. */
  fixed(value: number, length: number): void {
    this.#reserve(length);
    for (let at = this.#length + length - 1; at >= this.#length; at--) {
      this.#bytes[at] = value % 256;
      value = Math.floor(value / 256);
    }
    this.#length += length;
  }

  /** Writes a number with seven bits per byte, the lowest first. */
  number(value: number): void {
    for (; value >= 128; value = Math.floor(value / 128)) this.byte(value % 128 + 128);
    this.byte(value);
  }

  text(text: string): void {
    const bytes = encoder.encode(text);
    this.number(bytes.length);
    this.bytes(bytes);
  }

  textIfAny(text: string | undefined): void {
    if (text !== undefined) this.text(text);
  }

  /** Writes the last text, which has no length prefix. */
  last(text: string): void {
    if (text === "") return;
    this.#reserve(UNIT_BYTES * text.length);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(2 * this.#bytes.length + more);
    bytes.set(this.written);
    this.#bytes = bytes;
  }
}

/** Reads what a {@linkcode Writer} has written, in the same order. Throws when there are too few bytes, or when a text is invalid. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    this.#assertLeft(1);
    return this.#bytes[this.#at++]!;
  }

  bytes(length: number): Uint8Array {
    this.#assertLeft(length);
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  fixed(length: number): number {
    this.#assertLeft(length);
    let value = 0;
    for (let count = 0; count < length; count++) value = value * 256 + this.#bytes[this.#at++]!;
    return value;
  }

  number(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  text(): string {
    return decoder.decode(this.bytes(this.number()));
  }

  /** Reads the last text, which has no length prefix. */
  last(): string {
    // Decoding nothing takes as long as decoding a short text.
    return this.#at === this.#bytes.length ? "" : decoder.decode(this.#bytes.subarray(this.#at));
  }

  #assertLeft(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    throw new RangeError("Cannot read record: it is too short");
  }
}
