const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The most bytes of UTF-8 that a UTF-16 unit takes. */
const UNIT_BYTES = 3;

/** What is written to by one writer after the other: it takes longer to make some bytes than to write them. */
const shared = new Uint8Array(4096);

/** Puts bytes, numbers and texts one after the other. What was written is gone when another writer begins. */
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

  /** A number in as many bytes as are told, the highest first. */
  fixed(value: number, length: number): void {
    this.#reserve(length);
    for (let at = this.#length + length - 1; at >= this.#length; at--) {
      this.#bytes[at] = value % 256;
      value = Math.floor(value / 256);
    }
    this.#length += length;
  }

  /** Seven bits a byte, the lowest first. */
  number(value: number): void {
    for (; value >= 128; value = Math.floor(value / 128)) this.byte(value % 128 + 128);
    this.byte(value);
  }

  text(text: string): void {
    const bytes = encoder.encode(text);
    this.number(bytes.length);
    this.bytes(bytes);
  }

  /** A text that nothing follows. */
  last(text: string): void {
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

/** Takes them in the same order. It throws when there are too few, or when a text is none. */
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

  /** A text that nothing follows. */
  last(): string {
    return decoder.decode(this.#bytes.subarray(this.#at));
  }

  #assertLeft(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    throw new RangeError("Cannot read record: it is too short");
  }
}
