import { connect, createServer, type Server, type Socket } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Forwards TCP to one target, and when told cuts connections instead of passing answers on. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #target: Address | null = null;
  #remaining = 0;
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

  /** The next `count` answers do not arrive: the target has them, the connection is cut. */
  cutAnswers(count: number): void {
    this.#remaining = count;
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
    client.on('data', (data) => {
      asked += 1;
      server.write(data);
    });
    server.on('data', (data) => {
      // The first exchange of a connection is about versions: nothing is at stake yet.
      if (asked > 1 && this.#remaining > 0) {
        this.#remaining -= 1;
        this.cuts += 1;
        client.destroy();
        return;
      }
      client.write(data);
    });
  }
}
