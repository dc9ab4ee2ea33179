import { connect, createServer, type Server, type Socket } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** After a request's length. */
const API_KEY_END = 6;

/** Forwards TCP to one target, and when told cuts connections instead of passing answers on. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #target: Address | null = null;
  #remaining = 0;
  #apiKey: number | null = null;
  /** Connections cut so far. */
  cuts = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('connection', (socket) => this.#forward(socket));
  }

  static start(): Promise<CuttingProxy> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(new CuttingProxy(server, address.port));
      });
    });
  }

  /** The address to use instead of `target`; the last one given is where connections go. */
  to(target: Address): Address {
    this.#target = { host: target.host, port: target.port };
    return { host: '127.0.0.1', port: this.#port };
  }

  /**
   * The next `count` answers do not arrive: the target has them, the connection is cut. With an API
   * key those to small requests of that API alone.
   */
  cutAnswers(count: number, apiKey: number | null = null): void {
    this.#remaining = count;
    this.#apiKey = apiKey;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #forward(client: Socket): void {
    if (this.#target === null) {
      client.destroy();
      return;
    }
    const server = connect(this.#target);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      const other = socket === client ? server : client;
      // A reset is what is being tested; its end is the other side's too.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    let asked = 0;
    let apiKey: number | null = null;
    client.on('data', (data) => {
      asked += 1;
      apiKey = data.length < API_KEY_END ? null : data.readInt16BE(API_KEY_END - 2);
      server.write(data);
    });
    server.on('data', (data) => {
      // The first exchange of a connection is about versions: nothing is at stake yet.
      const meant = this.#apiKey === null || this.#apiKey === apiKey;
      if (asked > 1 && this.#remaining > 0 && meant) {
        this.#remaining -= 1;
        this.cuts += 1;
        client.destroy();
        return;
      }
      client.write(data);
    });
  }
}
