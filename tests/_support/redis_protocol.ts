/** What Redis answers (RESP2). */
export type Reply = string | number | null | Reply[];

/**
 * Asks a Redis server over a connection that ends with the answer.
 *
 * @param patience How long the answer may take, in milliseconds.
 * @throws {Error} When the server refuses the command, with its message.
 */
export async function command(
  address: Deno.ConnectOptions,
  args: string[],
  patience: number,
): Promise<Reply> {
  using connection = await Deno.connect(address);
  const timer = setTimeout(() => connection.close(), patience);
  try {
    await write(connection, args);
    return await new ReplyReader(connection).read();
  } finally {
    clearTimeout(timer);
  }
}

async function write(connection: Deno.Conn, args: string[]): Promise<void> {
  const encoder = new TextEncoder();
  const parts = args.map((arg) => `$${encoder.encode(arg).length}\r\n${arg}\r\n`);
  let bytes = encoder.encode(`*${args.length}\r\n${parts.join("")}`);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
}

class ReplyReader {
  readonly #connection: Deno.Conn;
  #bytes = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async read(): Promise<Reply> {
    const line = await this.#line();
    const rest = line.slice(1);
    const count = Number(rest);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        throw new Error(rest);
      case ":":
        return count;
      case "$":
        return count < 0 ? null : (await this.#take(count + 2)).slice(0, -2);
      case "*": {
        if (count < 0) return null;
        const replies: Reply[] = [];
        while (replies.length < count) replies.push(await this.read());
        return replies;
      }
      default:
        throw new Error(`Redis answered in another protocol: ${line}`);
    }
  }

  async #line(): Promise<string> {
    let end: number;
    while ((end = this.#bytes.indexOf(10)) < 0) await this.#fill();
    return (await this.#take(end + 1)).slice(0, -2);
  }

  async #take(count: number): Promise<string> {
    while (this.#bytes.length < count) await this.#fill();
    const text = new TextDecoder().decode(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return text;
  }

  async #fill(): Promise<void> {
    const chunk = new Uint8Array(65_536);
    const count = await this.#connection.read(chunk);
    if (count === null) throw new Error("Redis closed the connection");
    const bytes = new Uint8Array(this.#bytes.length + count);
    bytes.set(this.#bytes);
    bytes.set(chunk.subarray(0, count), this.#bytes.length);
    this.#bytes = bytes;
  }
}
