import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startProgram, startPublisher } from './children.js';
import type { ChaosOptions } from './options.js';
import type { WorkerOptions } from './publisher-worker.js';
import { Samples } from './samples.js';
import { type Scene, TOPIC } from './scene.js';

export type Role = 'publisher' | 'sealer';

/** Different lives of patience, so that some outcomes end as unknown and others are waited for. */
const PATIENCES = [
  { deadlineMs: 120_000, timeoutMs: 10_000 },
  { deadlineMs: 6000, timeoutMs: 2000 },
  { deadlineMs: 20_000, timeoutMs: 4000 },
];
const KEYS = 64;
const STOP_PATIENCE = { publisher: 150_000, sealer: 30_000 };

/** What was wrong with how a child ended. */
export interface BadEnd {
  readonly name: string;
  readonly log: string;
  readonly what: string;
}

/** The publishers and the sealers: starts, kills, freezes and stops them. */
export class Crew {
  readonly #scene: Scene;
  readonly #options: ChaosOptions;
  readonly #seats = new Map<string, Child>();
  readonly #all: Child[] = [];
  readonly badEnds: BadEnd[] = [];
  /** Resident sets in bytes, and open files and sockets, by role and index. */
  readonly memory = new Samples();
  readonly files = new Samples();
  #sampling: NodeJS.Timeout | null = null;
  #lives = 0;
  #closing = false;

  constructor(scene: Scene, options: ChaosOptions) {
    this.#scene = scene;
    this.#options = options;
  }

  /** Lives of publishers so far: their numbers are 0 to this, exclusive. */
  get lives(): number {
    return this.#lives;
  }

  get children(): readonly Child[] {
    return this.#all;
  }

  count(role: Role): number {
    return role === 'publisher' ? this.#options.publishers : this.#options.sealers;
  }

  start(): void {
    for (const role of ['sealer', 'publisher'] as const) {
      for (let index = 0; index < this.count(role); index += 1) this.#seat(role, index);
    }
    this.#sampling = setInterval(() => this.#sample(), 1000);
  }

  child(role: Role, index: number): Child {
    const child = this.#seats.get(`${role}-${index}`);
    if (child === undefined) throw new Error(`no ${role} ${index}`);
    return child;
  }

  /** SIGKILL; `restart` puts a new one in its place. */
  async kill(role: Role, index: number): Promise<void> {
    await this.child(role, index).kill();
  }

  restart(role: Role, index: number): void {
    if (!this.#closing) this.#seat(role, index);
  }

  /** In order; those that do not end by themselves, or end badly, are noted. */
  async stop(role: Role): Promise<void> {
    const children = Array.from({ length: this.count(role) }, (_, at) => this.child(role, at));
    await Promise.all(
      children.map(async (child) => {
        const end = await child.stop(STOP_PATIENCE[role]);
        if (end === null) {
          const seconds = STOP_PATIENCE[role] / 1000;
          this.#bad(child, `had not ended by itself ${seconds} s after SIGTERM`);
        } else if (end.code !== 0 && !child.endedByItself) {
          this.#bad(child, `ended with ${end.code ?? end.signal} after SIGTERM`);
        }
      }),
    );
  }

  /** Whatever still runs ends now. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#sampling !== null) clearInterval(this.#sampling);
    await Promise.all(this.#all.map((child) => child.kill()));
  }

  #seat(role: Role, index: number): void {
    const seat = `${role}-${index}`;
    const child = role === 'publisher' ? this.#publisher(index) : this.#sealer(index);
    this.#seats.set(seat, child);
    this.#all.push(child);
    void child.ended.then(({ code, signal }) => {
      if (!child.endedByItself || this.#closing) return;
      this.#bad(child, `ended with ${code ?? signal}, though nobody told it to`);
      // A service manager would start it again.
      setTimeout(() => {
        if (!this.#closing && this.#seats.get(seat) === child) this.#seat(role, index);
      }, 1000);
    });
  }

  #publisher(index: number): Child {
    const life = this.#lives++;
    const { publishers, partitions, rate } = this.#options;
    const patience = PATIENCES[index % PATIENCES.length];
    if (patience === undefined) throw new Error('no patience');
    const options: WorkerOptions = {
      url: this.#scene.url,
      topic: TOPIC,
      partitions,
      life,
      name: `publisher-${index}`,
      rate: rate / publishers,
      keys: KEYS,
      folder: this.#scene.notes,
      ...patience,
    };
    return startPublisher(this.#scene, `publisher-${index}-life-${life}`, options);
  }

  #sealer(index: number): Child {
    const words = ['seal', '--config', this.#scene.configuration];
    return startProgram(this.#scene, `sealer-${index}`, words);
  }

  #bad(child: Child, what: string): void {
    const { name, log } = child;
    this.badEnds.push({ name, log, what });
    appendFileSync(
      join(this.#scene.logs, 'bad-ends.ndjson'),
      `${JSON.stringify({ name, what })}\n`,
    );
  }

  #sample(): void {
    for (const [seat, child] of this.#seats) {
      const use = child.use();
      if (use === null) continue;
      this.memory.add(seat, use.bytes);
      this.files.add(seat, use.files);
    }
  }
}
