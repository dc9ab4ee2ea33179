import { connect, createServer, type Server, type Socket } from 'node:net';

/** What waits in one direction of one connection before its source is paused. */
const MOST_WAITING_BYTES = 1024 * 1024;
const API_KEY_AT = 4;
const PRODUCE_KEY = 0;

type Trap = {
  readonly direction: 'request' | 'answer';
  /** Of the bytes that trip it, half are passed on; else none. */
  readonly half: boolean;
  readonly onlyProduce: boolean;
};

/** Stands before one broker's listener and does to its connections what it is told. */
export class FaultyProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #connections = new Set<Passage>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #target: number | null = null;
  #trap: Trap | null = null;
  #refusing = 0;
  #stalls = 0;
  #delays: number[] = [];
  /** Connections that were reset by a fault so far. */
  cuts = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (client) => this.#accept(client));
  }

  static start(port: number): Promise<FaultyProxy> {
    const server = createServer({ noDelay: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(new FaultyProxy(server, port)));
    });
  }

  /** Where connections go from now on: a port of 127.0.0.1. */
  forwardTo(port: number): void {
    this.#target = port;
  }

  get delayMs(): number {
    return Math.max(0, ...this.#delays);
  }

  get stalled(): boolean {
    return this.#stalls > 0;
  }

  /** The connection at `share` of all that are open, [0, 1). */
  cutOne(share: number): void {
    const open = [...this.#connections];
    open[Math.floor(share * open.length)]?.cut();
  }

  cutAll(): void {
    for (const one of this.#connections) one.cut();
  }

  /** The next bytes that fit trip it; a later trap takes its place. */
  setTrap(trap: Trap): void {
    this.#trap = trap;
  }

  delay(delayMs: number, forMs: number): void {
    this.#delays.push(delayMs);
    this.#later(forMs, () => {
      this.#delays.splice(this.#delays.indexOf(delayMs), 1);
    });
  }

  stall(forMs: number): void {
    this.#stalls += 1;
    this.#later(forMs, () => {
      this.#stalls -= 1;
      for (const one of this.#connections) one.pump();
    });
  }

  refuse(forMs: number): void {
    this.#refusing += 1;
    this.cutAll();
    this.#later(forMs, () => {
      this.#refusing -= 1;
    });
  }

  /** Nothing is wrong any more; what is under way stays. */
  heal(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#trap = null;
    this.#refusing = 0;
    this.#stalls = 0;
    this.#delays = [];
    for (const one of this.#connections) one.pump();
  }

  /** Whether these bytes trip the trap; it is then gone. */
  trips(direction: Trap['direction'], produces: boolean): Trap | null {
    const trap = this.#trap;
    if (trap === null || trap.direction !== direction) return null;
    if (trap.onlyProduce && !produces) return null;
    this.#trap = null;
    return trap;
  }

  async close(): Promise<void> {
    this.heal();
    for (const one of this.#connections) one.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #later(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    this.#timers.add(timer);
  }

  #accept(client: Socket): void {
    if (this.#target === null || this.#refusing > 0) {
      client.on('error', () => {});
      client.destroy();
      if (this.#refusing > 0) this.cuts += 1;
      return;
    }
    const passage = new Passage(this, client, connect(this.#target, '127.0.0.1'));
    this.#connections.add(passage);
    passage.onClosed = () => this.#connections.delete(passage);
  }
}

/** One connection, client to broker. */
class Passage {
  readonly #proxy: FaultyProxy;
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #directions: readonly Direction[];
  #produces = false;
  onClosed: () => void = () => {};

  constructor(proxy: FaultyProxy, client: Socket, broker: Socket) {
    this.#proxy = proxy;
    this.#client = client;
    this.#broker = broker;
    broker.setNoDelay(true);
    const toBroker = new Direction(client, broker, proxy);
    const toClient = new Direction(broker, client, proxy);
    this.#directions = [toBroker, toClient];
    for (const socket of [client, broker]) {
      // What ends here ends there.
      socket.on('error', () => this.destroy());
      socket.on('close', () => this.destroy());
    }
    client.on('data', (chunk) => {
      // Clients write a request at a time, so that one begins where a chunk does; a miss only
      // leaves a connection out of what is aimed at Produce.
      if (chunk.length > API_KEY_AT + 1 && chunk.readInt16BE(API_KEY_AT) === PRODUCE_KEY) {
        this.#produces = true;
      }
      this.#pass('request', toBroker, chunk);
    });
    broker.on('data', (chunk) => this.#pass('answer', toClient, chunk));
  }

  pump(): void {
    for (const direction of this.#directions) direction.pump();
  }

  cut(): void {
    this.#proxy.cuts += 1;
    this.destroy();
  }

  destroy(): void {
    this.onClosed();
    for (const direction of this.#directions) direction.close();
    // Not resetAndDestroy: Node leaks a socket whose reset meets an end under way. Bytes that were
    // not read yet make a reset of this one, too.
    this.#client.destroy();
    this.#broker.destroy();
  }

  #pass(direction: Trap['direction'], way: Direction, chunk: Buffer): void {
    const trap = this.#proxy.trips(direction, this.#produces);
    if (trap === null) {
      way.take(chunk);
    } else if (trap.half) {
      way.take(chunk.subarray(0, Math.ceil(chunk.length / 2)));
      // At once, it would take away what was just written.
      setTimeout(() => this.cut(), 5);
    } else {
      this.cut();
    }
  }
}

/** Bytes of one connection, one way, in order, each when it is due. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #proxy: FaultyProxy;
  readonly #waiting: { readonly chunk: Buffer; readonly due: number }[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(from: Socket, to: Socket, proxy: FaultyProxy) {
    this.#from = from;
    this.#to = to;
    this.#proxy = proxy;
    to.on('drain', () => this.pump());
  }

  take(chunk: Buffer): void {
    this.#waiting.push({ chunk, due: performance.now() + this.#proxy.delayMs });
    this.#waitingBytes += chunk.length;
    this.pump();
  }

  pump(): void {
    if (this.#to.destroyed) return;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#proxy.stalled || this.#to.writableNeedDrain) break;
      const early = next.due - performance.now();
      if (early > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, early);
        break;
      }
      this.#waiting.shift();
      this.#waitingBytes -= next.chunk.length;
      this.#to.write(next.chunk);
    }
    if (this.#waitingBytes > MOST_WAITING_BYTES) this.#from.pause();
    else if (this.#from.isPaused()) this.#from.resume();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.length = 0;
  }
}
