import net from "node:net";

/** A proxy before a server, which can lose an answer: the server has done what was asked, and nobody is told. */
export class DroppingProxy implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** The port that connections are led to from now on. */
  target: number;
  #drops = 0;
  #passes = 0;

  private constructor(target: number) {
    this.target = target;
    this.#server = net.createServer((client) => this.#connect(client, this.target));
  }

  /** Starts a proxy before a port of 127.0.0.1. */
  static async start(target: number): Promise<DroppingProxy> {
    const proxy = new DroppingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /** How many answers are still to be lost. */
  get drops(): number {
    return this.#drops;
  }

  /**
   * Loses the next answers, and the connections that they were to come over.
   *
   * @param options.after How many answers are let through before.
   */
  drop(count = 1, { after = 0 }: { after?: number } = {}): void {
    this.#drops = count;
    this.#passes = after;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connect(client: net.Socket, target: number): void {
    const server = net.connect(target, "127.0.0.1");
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        other.destroy();
        this.#sockets.delete(socket);
      });
    }
    client.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk) => {
      if (this.#drops > 0 && this.#passes-- <= 0) {
        this.#drops--;
        client.destroy();
      } else client.write(chunk);
    });
  }
}
